/** `starlings init`: from data of somebody's to a run that trains. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, describe, test } from 'node:test';
import { InterruptedError } from '../../src/cli/parts/command/exit.ts';
import { terminalAsker } from '../../src/cli/parts/new-run/asker.ts';
import { newRun } from '../../src/cli/parts/new-run/new-run.ts';
import { loadRunSpec } from '../../src/config/run-file.ts';
import { jsonOf, starlings } from './starlings-process.ts';

const folder = await mkdtemp(join(tmpdir(), 'starlings-init-'));
after(() => rm(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

/** Two columns that tell the outcome, and one of text. */
const rows = Array.from({ length: 120 }, (_, row) => {
  const age = 30 + ((row * 37) % 50);
  const outcome = age > 55 ? 1 : 0;
  return `${age},${['ward', 'home'][row % 2]},${100 + outcome * 20 + (row % 7)},${outcome}`;
});
const patients = at('Patients of 2026.csv');
await writeFile(patients, `age,place,pressure,outcome\n${rows.join('\n')}\n`);

/** Somebody at a terminal: types what is next once its question is on the screen. */
function somebody(answers: readonly (readonly [question: string, keys: string])[]) {
  const input = new PassThrough();
  const output = new PassThrough();
  const left = [...answers];
  let screen = '';
  output.on('data', (chunk: Buffer) => {
    screen += chunk.toString();
    const [next] = left;
    if (next === undefined || !screen.includes(next[0])) return;
    left.shift();
    screen = '';
    // Once the question listens: it draws itself first.
    setImmediate(() => input.write(next[1]));
  });
  return { asker: terminalAsker({ input, output, signal: new AbortController().signal }), left };
}

const enter = '\r';
const down = '\u001b[B';

describe('init', { concurrency: 2 }, () => {
  test('by flags alone writes a run that is signed and that real nodes train', async () => {
    const out = at('run.yaml');
    const made = await starlings(
      ...['init', '--data', patients, '--label', 'outcome', '--out', out, '--peers', '2', '--json'],
    );
    assert.equal(made.exitCode, 0, made.stderr);
    const { next, run } = jsonOf(made) as { next: string[]; run: { name: string; model: object } };
    assert.deepEqual(
      [run.name, run.model],
      ['patients-of-2026', { kind: 'logistic-regression', inputs: 4, outputs: 2 }],
    );
    assert.equal(next.length, 3);
    assert.ok(next[0]!.endsWith(`--split '${patients}' --nodes 3`), next[0]);
    assert.match(await readFile(out, 'utf8'), /^# mean, scale and values of text are those of this file/m);

    const signed = await starlings('run', 'create', out, '--out', at('m'), '--key', at('key'), '--json');
    assert.equal(signed.exitCode, 0, signed.stderr);
    const again = await starlings('init', '--data', patients, '--out', out);
    assert.deepEqual([again.exitCode, /--force to replace it/.test(again.stderr)], [2, true]);

    const trained = await starlings(
      ...['start', out, '--split', patients, '--nodes', '2', '--bootstraps', '1', '--rounds', '3'],
      ...['--slot-ms', '500', '--dir', at('testnet'), '--json'],
      ...['--csv', at('figures.csv'), '--tensorboard', at('board')],
    );
    assert.equal(trained.exitCode, 0, trained.stderr);
    assert.equal(jsonOf(trained)['outcome'], 'trained');
    const figures = await readFile(at('figures.csv'), 'utf8');
    for (const node of ['node-00', 'node-01']) {
      for (const round of [0, 1, 2]) assert.match(figures, new RegExp(`,${node},${round},loss,\\d`));
      assert.match(figures, new RegExp(`,${node},\\d+,accuracy,`));
    }
    const [board = ''] = await readdir(at('board'));
    assert.deepEqual((await readdir(join(at('board'), board))).toSorted(), ['node-00', 'node-01']);
  });

  test('says what it cannot do without: data, a column, a model that suits', async () => {
    const refusals: readonly (readonly [args: readonly string[], sentence: RegExp])[] = [
      [[], /needs --data/],
      [['--data', at('nowhere')], /does not exist/],
      [['--data', patients, '--label', 'outcom'], /no column 'outcom'/],
      [['--data', patients, '--model', 'lenet'], /those that do: logistic-regression, mlp/],
    ];
    for (const [args, sentence] of refusals) {
      const { exitCode, stderr } = await starlings('init', ...args, '--out', at('none.yaml'));
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, sentence);
    }
  });

  test('of data that a node would refuse says so, and how to look again', async () => {
    const broken = at('broken.csv');
    await writeFile(broken, `age,outcome\n${rows.map((_, row) => `${row},${row % 3}`).join('\n')}\nold,1\n`);
    const ended = await starlings('init', '--data', broken, '--out', at('broken.yaml'), '--json');
    const { refused, next } = jsonOf(ended) as { refused: { first: string[] }[]; next: string[] };
    assert.equal(ended.exitCode, 1);
    assert.match(refused[0]!.first[0]!, /old/);
    assert.deepEqual(next, [`starlings data check ${broken} --run ${at('broken.yaml')}`]);
  });

  test('asks for what no flag says', async () => {
    const { asker, left } = somebody([
      ['Where are your examples?', `${patients}${enter}`],
      ['Which column', enter],
      ['Which model?', `${down}${enter}`],
      ['Is each single example', `${down}${enter}`],
      ['With which budget', enter],
      ['Who may take part?', `${down}${enter}`],
      ['Their keys', `${'ab'.repeat(32)}, ${'cd'.repeat(32)}${enter}`],
      ['What is the run called?', enter],
    ]);
    const out = at('asked.yaml');
    const run = await newRun({ out }, asker);
    assert.deepEqual(left, []);
    await writeFile(out, run.text);
    const { name, model, membership, strategy, training } = await loadRunSpec(out);
    assert.deepEqual([training.privacy?.epsilon, training.localSteps, training.batchSize], [3, 4, 32]);
    assert.ok(run.lines.some((line) => /^noise .* of a step of 32 of \d+ examples/.test(line)));
    assert.deepEqual([name, model.kind], ['patients-of-2026', 'mlp']);
    assert.deepEqual(membership, { kind: 'allow-list', members: ['ab'.repeat(32), 'cd'.repeat(32)] });
    assert.equal('expectedPeers' in strategy && strategy.expectedPeers, 2);
  });

  test('by a flag has examples protected, and says where the noise leaves nothing', async () => {
    const made = async (epsilon: number) =>
      newRun(
        { data: patients, label: 'outcome', out: at(`private-${epsilon}.yaml`), privacyEpsilon: epsilon },
        null,
      );
    const [usual, strict] = [await made(8), await made(0.001)];
    assert.equal(usual.spec.training.privacy?.epsilon, 8);
    assert.ok(usual.lines.some((line) => /^protects .* epsilon 8 at delta 0\.00001/.test(line)));
    assert.ok(strict.lines.some((line) => /^hopeless: no noise|little may be left to learn/.test(line)));
    const without = await newRun({ data: patients, label: 'outcome', out: at('plain.yaml') }, null);
    assert.equal(without.spec.training.privacy ?? null, null);
  });

  test('ends by Ctrl-C while a question stands', async () => {
    const { asker } = somebody([['Where are your examples?', '\u0003']]);
    await assert.rejects(newRun({}, asker), InterruptedError);
  });
});
