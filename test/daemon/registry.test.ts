/** A registry of models over real nodes. */
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { describeFailure } from '../../src/cli/parts/command/exit.ts';
import { initialVector } from '../../src/learning/initial.ts';
import { writeSafetensors } from '../../src/learning/model-files/safetensors.ts';
import { modelSchema } from '../../src/tasks/models/registry.ts';
import { type LogNode, LogNodes, logRun, until } from './log-nodes.ts';

const kinds = [{ id: 'publish' }, { id: 'retire' }, { id: 'feedback' }, { id: 'usage' }];
const model = modelSchema.parse({ kind: 'mlp', inputs: 300, hidden: [400], outputs: 3 });

async function modelFile(path: string, seed: number, metadata: Record<string, string> = {}): Promise<string> {
  await writeSafetensors(path, model, initialVector(model, seed), metadata);
  return path;
}

interface Listed {
  readonly publication: { readonly name: string; readonly version: string; readonly root: string };
  readonly author: string;
  readonly retired: string | null;
}

const models = async (node: LogNode): Promise<Listed[]> =>
  (await node.command('models'))['models'] as Listed[];
const seen = (node: LogNode, count: number): Promise<Listed[]> =>
  until(`${count} models are seen`, async () => {
    const all = await models(node);
    return all.length === count && all;
  });
/** A node that has just begun writes nothing before the next round. */
const written = (node: LogNode, id: string, input: Record<string, unknown>) =>
  until(`${id} is published`, () => node.command(id, input));

describe('a registry over real nodes', () => {
  test('a model outlives its publisher where somebody pinned it, and names stay with their keys', async () => {
    const nodes = await LogNodes.of(logRun(kinds));
    const [author, keeper] = [await nodes.start('author'), await nodes.start('keeper')];
    const file = await modelFile(nodes.at('one.safetensors'), 1);
    await writeFile(nodes.at('card.md'), '# Reads digits\n\nTrained on *nothing*: 2 < 3.\n');
    const about = { file, model: 'digits@1.0', licence: 'MIT', card: nodes.at('card.md') };
    await written(author, 'publish', { ...about, metric: ['accuracy=0.5:held-out digits'] });
    await seen(keeper, 1);
    await keeper.command('pin', { model: 'digits', seconds: 20 });

    const other = await modelFile(nodes.at('two.safetensors'), 2);
    // What the log would not count is not written, and whoever wanted it hears why.
    const inVain: readonly (readonly [LogNode, string, Record<string, unknown>, RegExp])[] = [
      [keeper, 'publish', { ...about, file: other, model: 'digits@2.0' }, /name of another key/],
      [keeper, 'retire', { model: 'digits@1.0', reason: 'mine is better' }, /not its author/],
      [author, 'publish', { ...about, file: other }, /version is published/],
      [author, 'feedback', { model: 'digits@1.0', rating: 5 }, /its own author/],
    ];
    const slips: readonly (readonly [Record<string, unknown>, RegExp])[] = [
      [{ model: 'digits' }, /^\w+: digits names no version: expected NAME@VERSION$/],
      [{ licence: 'my own' }, /licence my own is no SPDX id: write for example MIT/],
      [{ arena: 'bafy' }, /bafy is no submission to an arena: expected RUN:SUBMISSION/],
      [{ parent: 'ones' }, /ones names no version/],
      [{ card: nodes.at('none.md') }, /none\.md does not exist; check the path, on the machine of the node$/],
    ];
    for (const [slip, why] of slips)
      await assert.rejects(author.command('publish', { ...about, file: other, ...slip }), (error: Error) => {
        assert.match(String(error), why);
        // By exit code 2: trying again cannot help.
        assert.equal(describeFailure(error).exitCode, 2);
        return true;
      });
    for (const [node, id, input, why] of inVain) {
      const refusal = await until(`${id} is refused`, () =>
        node.command(id, input).then(
          () => assert.fail(`${id} is published`),
          ({ code, message }: { code?: string; message: string }) =>
            !/try again in the next round|nothing can be logged/.test(message) && { code, message },
        ),
      );
      assert.equal(refusal.code, 'NOT_PUBLISHED');
      assert.match(refusal.message, why);
      assert.match(refusal.message, /the log would not count it/);
    }
    // Who has not heard of the other yet takes the same name in the same round: the log counts one.
    let name = 0;
    const refused = await until('of two that want a name one is counted, and the other shown', async () => {
      name += 1;
      const same = { ...about, file: other, model: `race-${name}@1.0` };
      await Promise.allSettled([author, keeper].map((node) => node.command('publish', same)));
      const { refusedCounts, lines } = await author.command('models');
      const counts = refusedCounts as Record<string, number>;
      return Object.keys(counts).length > 0 && { counts, lines };
    });
    assert.deepEqual(Object.keys(refused.counts), ['name of another key']);
    assert.ok(
      refused.lines.some((line) => /refused {3}publish of race-\d+@1\.0 by .*name of another key/.test(line)),
    );
    const digits = (all: readonly Listed[]) => all.filter(({ publication }) => publication.name === 'digits');
    const [only, ...more] = digits(await models(keeper));
    assert.deepEqual([only!.author, only!.retired, more], [author.key, null, []]);

    await written(keeper, 'feedback', { model: 'digits', rating: 4, text: 'reads mine' });
    await written(keeper, 'usage', { model: 'digits', requests: 3, units: 30 });
    const shown = await until('what others say is shown', async () => {
      const { lines } = await author.command('model', { model: 'digits@1.0' });
      return lines.some((line) => /4\.0 of 5 by 1; 3 requests/.test(line)) && lines;
    });
    assert.ok(shown.includes('# Reads digits') && shown.some((line) => line.includes('reads mine')));

    const ofParent = async (version: string, parent: string) =>
      (await written(author, 'publish', { ...about, file: other, model: `sums@${version}`, parent }))
        .lines as string[];
    const orphaned = /^parent {4}digitz@1\.0 is not published in this registry: /;
    assert.ok((await ofParent('1.1', 'digitz@1.0')).some((line) => orphaned.test(line)));
    assert.ok(!(await ofParent('1.2', 'digits@1.0')).some((line) => /is not published/.test(line)));

    await author.stop();
    await rm(nodes.at('author'), { recursive: true });
    const late = await nodes.start('late');
    // While it has a part of the log alone it says nothing, and never something else.
    const told = new Set<string>();
    await until('the first publication is there', async () => {
      for (const { publication } of digits(await models(late))) told.add(publication.root);
      return told.size > 0;
    });
    assert.deepEqual([...told], [only!.publication.root]);
    await assert.rejects(late.command('pull', { model: 'digits', out: nodes.at('no-folder/pulled') }), {
      message: /no-folder/,
    });
    await late.command('pull', { model: 'digits', out: nodes.at('pulled'), seconds: 20 });
    await assert.rejects(late.command('pull', { model: 'digits', out: nodes.at('card.md'), seconds: 20 }), {
      message: /card\.md exists and is no model: choose another --out/,
    });
    await late.command('pull', { model: 'digits', out: nodes.at('pulled'), seconds: 20 });
    assert.ok(Buffer.compare(await readFile(file), await readFile(nodes.at('pulled'))) === 0);
    // Who pulled and did not pin hands nothing on.
    await keeper.stop();
    const last = await nodes.start('last');
    await until('digits are seen', async () => digits(await models(last)).length > 0);
    await assert.rejects(last.command('pull', { model: 'digits', out: nodes.at('none'), seconds: 1 }), {
      code: 'NOT_HELD',
    });
    const again = await nodes.start('keeper');
    await again.command('models');
    await last.command('pull', { model: 'digits', out: nodes.at('pulled-2'), seconds: 20 });
    assert.ok(Buffer.compare(await readFile(file), await readFile(nodes.at('pulled-2'))) === 0);
  });
});
