/** A registry of models over real nodes. */
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
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
    // Locally all is well: it is the log that does not count it.
    await written(keeper, 'publish', { ...about, file: other, model: 'digits@2.0' });
    await written(keeper, 'retire', { model: 'digits@1.0', reason: 'mine is better' });
    await written(author, 'publish', { ...about, file: other });
    const refused = await until('what is refused is counted and shown', async () => {
      const { refusedCounts, lines } = await author.command('models');
      const counts = refusedCounts as Record<string, number>;
      return Object.keys(counts).length === 3 && { counts, lines };
    });
    assert.deepEqual(refused.counts, {
      'name of another key': 1,
      'not its author': 1,
      'version is published': 1,
    });
    assert.ok(
      refused.lines.some((line) => /refused {3}publish of digits@2\.0 by .*name of another key/.test(line)),
    );
    const [only, ...more] = await models(keeper);
    assert.deepEqual([only!.author, only!.retired, more], [author.key, null, []]);

    await written(keeper, 'feedback', { model: 'digits', rating: 4, text: 'reads mine' });
    await written(keeper, 'usage', { model: 'digits', requests: 3, units: 30 });
    const shown = await until('what others say is shown', async () => {
      const { lines } = await author.command('model', { model: 'digits@1.0' });
      return lines.some((line) => /4\.0 of 5 by 1; 3 requests/.test(line)) && lines;
    });
    assert.ok(shown.includes('# Reads digits') && shown.some((line) => line.includes('reads mine')));

    await author.stop();
    await rm(nodes.at('author'), { recursive: true });
    const late = await nodes.start('late');
    // While it has a part of the log alone, what was published again later may be the first that it knows of.
    await until('the first publication is there', async () => {
      const [found] = await models(late);
      return found?.publication.root === only!.publication.root;
    });
    await assert.rejects(late.command('pull', { model: 'digits', out: nodes.at('no-folder/pulled') }), {
      message: /no-folder/,
    });
    await late.command('pull', { model: 'digits', out: nodes.at('pulled'), seconds: 20 });
    assert.ok(Buffer.compare(await readFile(file), await readFile(nodes.at('pulled'))) === 0);
    // Who pulled and did not pin hands nothing on.
    await keeper.stop();
    const last = await nodes.start('last');
    await seen(last, 1);
    await assert.rejects(last.command('pull', { model: 'digits', out: nodes.at('none'), seconds: 1 }), {
      code: 'NOT_HELD',
    });
    const again = await nodes.start('keeper');
    await again.command('models');
    await last.command('pull', { model: 'digits', out: nodes.at('pulled-2'), seconds: 20 });
    assert.ok(Buffer.compare(await readFile(file), await readFile(nodes.at('pulled-2'))) === 0);
  });
});
