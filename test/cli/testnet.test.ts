/** A testnet of real processes over its life: stopped halfway, looked at, started again, finished, and not replaced by mistake. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunView } from '../../src/node/view/run-view.ts';
import { type Ended, jsonOf, starlings } from './starlings-process.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-testnet-'));
const at = (...names: string[]): string => join(directory, ...names);
const place = ['--dir', at('net'), '--json'];
after(async () => {
  await starlings('testnet', 'down', ...place);
  await rm(directory, { recursive: true, force: true });
});

await writeFile(
  at('clinic.csv'),
  Array.from({ length: 60 }, (_, k) => `${(k * 7) % 10},${k % 10},${(k * 7) % 10 > k % 10 ? 1 : 0}`).join(
    '\n',
  ),
);
await writeFile(
  at('run.yaml'),
  `
name: halves
model: { kind: logistic-regression, inputs: 2, outputs: 2 }
task: { kind: table, header: [x, y, class], numeric: [{ column: x, mean: 5, scale: 3 }, { column: 'y', mean: 5, scale: 3 }], label: { column: class } }
training: { localSteps: 2 }
strategy: { id: delta-log, windowRounds: 3, admitRounds: 1, codec: { chunk: 64, perChunk: 3 } }
rounds: 30
slotMs: 600
`,
);
const up = [
  'testnet',
  'up',
  at('run.yaml'),
  '--data',
  at('clinic.csv'),
  at('clinic.csv'),
  '--bootstraps',
  '1',
];

interface Status {
  readonly runId: string;
  readonly outcome: string | null;
  readonly nodes: readonly { readonly alive: boolean; readonly view: RunView | null }[];
}

async function status(): Promise<Ended & Status> {
  const ended = await starlings('testnet', 'status', ...place);
  return { ...ended, ...(jsonOf(ended) as unknown as Status) };
}

async function until(what: string, is: (views: readonly RunView[]) => boolean): Promise<Status> {
  const deadline = performance.now() + 90_000;
  for (;;) {
    const now = await status();
    const views = now.nodes.flatMap(({ view }) => view ?? []);
    if (views.length === now.nodes.length && is(views)) return now;
    assert.ok(performance.now() < deadline, `${what}: ${now.stdout}`);
    await delay(200);
  }
}

test('a testnet goes on where it was stopped, shows its results when it is down, and is kept', async () => {
  const figures = ['--csv', at('figures.csv'), '--tensorboard', at('board')];
  const unsafe = await starlings(...up, '--mlflow', 'http://me:secret@127.0.0.1:5000', ...place);
  assert.equal(unsafe.exitCode, 2, unsafe.stderr);
  assert.doesNotMatch(unsafe.stderr + unsafe.stdout, /secret/);
  const first = await starlings(...up, '--start-in', '1', ...figures, ...place);
  assert.equal(first.exitCode, 0, first.stderr);
  const { runId } = jsonOf(first);
  await until('some rounds', (views) => views.every(({ countedRounds }) => countedRounds >= 3));
  assert.equal((await starlings('testnet', 'down', ...place)).exitCode, 0);

  const toldBefore = (await readFile(at('figures.csv'), 'utf8')).trimEnd().split('\n').length - 1;
  const half = await status();
  assert.deepEqual([half.exitCode, half.outcome], [1, null], 'it is not over');
  assert.match(
    half.stderr,
    /gone before the run was over: `starlings testnet up --resume --dir \S+` goes on with it/,
  );
  assert.deepEqual(
    half.nodes.map(({ alive }) => alive),
    [false, false],
  );
  const counted = half.nodes.map(({ view }) => view!.countedRounds);
  assert.ok(
    counted.every((rounds) => rounds >= 3 && rounds < 30),
    `${counted}`,
  );

  const refused = await starlings(...up, ...place);
  assert.equal(refused.exitCode, 2, refused.stderr);
  assert.match(refused.stderr, /holds what the testnet halves learned: --force replaces it, .*--resume/);
  const idle = await starlings('testnet', 'up', '--resume', '--nodes', '3', ...place);
  assert.equal(idle.exitCode, 2);
  assert.match(idle.stderr, /does nothing with --nodes; leave it out/);

  const again = await starlings('testnet', 'up', '--resume', ...figures, ...place);
  assert.equal(again.exitCode, 0, again.stderr);
  assert.equal(jsonOf(again)['runId'], runId);
  assert.match(
    (await starlings('testnet', 'up', '--resume', ...place)).stderr,
    /all 3 processes .* run already/,
  );
  const end = await until('the end', (views) =>
    views.every(
      ({ phase, modelPath, accuracyRound, finalisedRound }) =>
        phase === 'finished' && modelPath !== null && accuracyRound === finalisedRound,
    ),
  );
  assert.equal((await starlings('testnet', 'down', ...place)).exitCode, 0);

  const over = await status();
  assert.equal(over.outcome, end.outcome);
  assert.match(over.stderr, new RegExp(`outcome: ${end.outcome}`));
  assert.deepEqual(
    over.nodes.map(({ view }) => [
      view!.modelHash,
      view!.accuracy,
      view!.countedRounds,
      existsSync(view!.modelPath!),
    ]),
    end.nodes.map(({ view }) => [view!.modelHash, view!.accuracy, 30, true]),
  );
  assert.match(over.stderr, /node-00 +its model is in \S+model\.safetensors/);

  const log = (await readFile(at('net', 'node-00', 'log.jsonl'), 'utf8')).split('\n');
  const ended = log.findLastIndex((line) => line.includes('"phase":"finished"'));
  const stopped = log.findIndex((line, index) => index > ended && line.includes('"stopping"'));
  assert.ok(stopped - ended <= 10, `${stopped - ended} lines after the end`);

  // Told by the nodes themselves, before and after they were started again.
  const rows = (await readFile(at('figures.csv'), 'utf8')).trimEnd().split('\n').slice(1);
  const told = rows.map((row) => row.split(','));
  assert.deepEqual([...new Set(told.map(([, , node]) => node))].toSorted(), ['node-00', 'node-01']);
  assert.ok(toldBefore > 0 && rows.length > toldBefore, `${toldBefore} and ${rows.length}`);
  assert.deepEqual(readdirSync(join(at('board'), readdirSync(at('board'))[0]!)).toSorted(), [
    'node-00',
    'node-01',
  ]);

  assert.equal((await starlings('testnet', 'restart', 'node-00', '--dir', at('net'))).exitCode, 0);
  assert.doesNotMatch((await status()).stderr, /gone before the run was over/, 'node-01 had ended its run');
  assert.equal((await starlings('testnet', 'down', ...place)).exitCode, 0);

  const model = await readFile(over.nodes[0]!.view!.modelPath!);
  assert.equal((await starlings('start', ...up.slice(2), ...place)).exitCode, 2);
  assert.deepEqual(await readFile(over.nodes[0]!.view!.modelPath!), model);
  // What is typed wrong beside --force costs nobody a model either.
  for (const wrong of [
    ['--csv', at('none', 'x.csv')],
    ['--tensorboard', at('figures.csv')],
  ]) {
    const typed = await starlings(...up, '--force', ...wrong, ...place);
    assert.equal(typed.exitCode, 2, typed.stderr);
  }
  const astray = await starlings('start', at('run.yaml'), '--split', at('none.csv'), '--force', ...place);
  assert.equal(astray.exitCode, 2, astray.stderr);
  assert.deepEqual(await readFile(over.nodes[0]!.view!.modelPath!), model);
});
