/** An arena over real nodes: three holders of hidden shards, six submissions, one holder that lies. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ArenaHolder } from '../../src/cli/parts/arena-holder.ts';
import { writeShard } from '../../src/cli/parts/arena-shard.ts';
import { arenaSpec } from '../../src/cli/parts/arena-spec.ts';
import { checkArena } from '../../src/daemon/arena-check.ts';
import { keyFileOf } from '../../src/daemon/directory.ts';
import type { Board } from '../../src/entries/arena/board.ts';
import { commitmentOf, type RevealBody, type ScoreRow } from '../../src/entries/arena/scores.ts';
import { initialVector } from '../../src/learning/initial.ts';
import { writeSafetensors } from '../../src/learning/model-files/safetensors.ts';
import { createTfjsLearner } from '../../src/learning/tfjs/tfjs-learner.ts';
import { loadIdentity } from '../../src/network/identity.ts';
import { blobIdOf } from '../../src/platform/node/blob-file.ts';
import { trainingSchema } from '../../src/run/run-spec.ts';
import { loadTaskData, taskKindOf } from '../../src/tasks/data/registry.ts';
import { modelSchema } from '../../src/tasks/models/registry.ts';
import { crypto } from '../log/small-run.ts';
import { type LogNode, LogNodes, until } from './log-nodes.ts';

const task = { kind: 'idx-images' } as const;
const model = modelSchema.parse({ kind: 'logistic-regression', inputs: 784, outputs: 10 });
const metadata = { task: JSON.stringify(task) };
const rounds = 60;
const slotMs = 300;

/** After so many steps on MNIST. */
async function trained(steps: number): Promise<Float32Array> {
  const path = await taskKindOf(task).bundledData!();
  const { train, heldOut } = await loadTaskData(task, model, path);
  const training = trainingSchema.parse({ localSteps: steps });
  const learner = await createTfjsLearner({
    model,
    training,
    rounds: 1,
    shares: [train],
    heldOut,
    backend: 'wasm',
  });
  const request = {
    parameters: initialVector(model, 1),
    steps,
    round: 0,
    streamKey: `arena/${steps}`,
    share: 0,
  };
  const { parameters } = await learner.train(request);
  await learner.close();
  return parameters;
}

const boardIn = async (node: LogNode): Promise<Board & { finalisedRound: number; round: number }> =>
  (await node.command('board')) as never;

test('a board over real nodes is the same everywhere and from an archive, and who lies is named', async () => {
  const good = await trained(200);
  const fair = await trained(6);
  const nodes = await LogNodes.prepared();
  const save = async (name: string, vector: Float32Array, of = model): Promise<string> => {
    await writeSafetensors(nodes.at(`${name}.safetensors`), of, vector, metadata);
    return nodes.at(`${name}.safetensors`);
  };
  await save('good', good);
  const names = ['holder-0', 'holder-1', 'holder-2'];
  const shards = [];
  for (const [part, name] of names.entries()) {
    await mkdir(nodes.at(name), { mode: 0o700 });
    const { key: holder } = await loadIdentity(keyFileOf(nodes.at(name)));
    const out = nodes.at(`shard-${part}`);
    const shard = await writeShard({ from: nodes.at('good.safetensors'), part, of: 3, examples: 200, out });
    shards.push({ holder, root: shard.root, bytes: shard.bytes, examples: shard.examples });
  }
  await nodes.sign(arenaSpec({ name: 'arena', rounds, slotMs, bytesMax: 100_000, shards }));
  const judges: LogNode[] = [];
  for (const name of names) judges.push(await nodes.start(name));
  const submitter = await nodes.start('submitter');

  const nudged = (by: number): Float32Array => good.map((value, at) => value + (at % 2 ? by : -by) * 0.001);
  const large = modelSchema.parse({ kind: 'mlp', inputs: 784, hidden: [64], outputs: 10 });
  const submissions: readonly (readonly [LogNode, string, string])[] = [
    [submitter, 'good', nodes.at('good.safetensors')],
    [submitter, 'fair', await save('fair', fair)],
    [submitter, 'copy-1', await save('copy-1', nudged(1))],
    [submitter, 'copy-2', await save('copy-2', nudged(2))],
    [
      judges[0]!,
      'nan',
      await save(
        'nan',
        fair.map((value, at) => (at === 7 ? Number.NaN : value)),
      ),
    ],
    [judges[1]!, 'large', await save('large', initialVector(large, 1), large)],
  ];
  for (const [node, name, file] of submissions) {
    await until(`${name} is submitted`, () => node.command('submit', { name, file }));
    // Of two in one round the hash of the round draws the first: what copies are made of has to be earlier.
    if (name === 'good') await until('it is final', async () => (await boardIn(node)).rows.length > 0);
  }

  const said: string[] = [];
  const judge = (at: number) =>
    new ArenaHolder({
      ...{ target: judges[at]!.home, run: undefined, shard: nodes.at(`shard-${at}`) },
      ...{ say: (line) => said.push(line), signal: new AbortController().signal },
    }).judge();
  const another = new ArenaHolder({
    ...{ target: judges[0]!.home, run: undefined, shard: nodes.at('shard-1') },
    ...{ say: () => undefined, signal: AbortSignal.timeout(20_000) },
  });
  await assert.rejects(another.judge(), /is the shard of another holder, /);
  const judged = Promise.all([judge(0), judge(1)]);
  await lie(nodes, judges[2]!, nodes.at('shard-2'));
  const results = await judged;
  assert.deepEqual(
    results.map(({ disagrees }) => disagrees),
    [[judges[2]!.key], [judges[2]!.key]],
    said.join('\n'),
  );

  const nodesAll = [...judges, submitter];
  const boards = await until(
    'all nodes have the whole board',
    async () => {
      const all = await Promise.all(nodesAll.map(boardIn));
      return all.every(({ finalisedRound, untilRounds }) => finalisedRound >= untilRounds[3]!) && all;
    },
    120_000,
  );
  const plain = ({ rows, holders, refusedCounts }: Board) => ({ rows, holders, refusedCounts });
  for (const board of boards) assert.deepEqual(plain(board), plain(boards[0]!));
  const [board] = boards;
  assert.deepEqual(
    board!.rows
      .toSorted((a, b) => (a.rank ?? 9) - (b.rank ?? 9) || (a.name < b.name ? -1 : 1))
      .map(({ name, verdict, rank, copyOf }) => [name, verdict, rank, copyOf !== null]),
    [
      ['good', 'scored', 1, false],
      ['fair', 'scored', 2, false],
      ['copy-1', 'scored', null, true],
      ['copy-2', 'scored', null, true],
      ['nan', 'not-finite', null, false],
    ],
  );
  assert.deepEqual(board!.refusedCounts, { oversized: 1 });
  assert.deepEqual(
    board!.holders.map(({ isOutvoted, disagree }) => [isOutvoted, disagree]),
    [
      [false, 0],
      [false, 0],
      [true, 2],
    ],
  );

  // Offline: from what a stopped node holds, and the files that it got.
  await submitter.command('fetch', { root: shards[2]!.root, bytes: shards[2]!.bytes, seconds: 20 });
  for (const { root, bytes } of shards.slice(0, 2))
    await submitter.command('fetch', { root, bytes, seconds: 20 });
  await submitter.stop();
  const files = join(submitter.home, 'runs', nodes.run.runId, 'files');
  const { board: offline, checked } = await checkArena(submitter.home, '', files);
  assert.deepEqual(plain(offline), plain(board!));
  assert.deepEqual(
    checked.map(({ isRight }) => isRight),
    [true, true, false],
  );
});

/** Scores of its own making: the fair one is best. */
async function lie(nodes: LogNodes, node: LogNode, shard: string): Promise<void> {
  const due = (what: string, is: (board: Awaited<ReturnType<typeof boardIn>>) => boolean) =>
    until(
      what,
      async () => {
        const board = await boardIn(node);
        return is(board) && board;
      },
      120_000,
    );
  const closed = await due(
    'submissions are closed',
    (board) => board.finalisedRound >= board.untilRounds[0]!,
  );
  const rows = closed.rows.map(
    ({ entry, name }): ScoreRow => ({
      ...{ submission: entry, verdict: 'scored' },
      right: (name === 'fair' ? 'ff' : '00').repeat(25),
    }),
  );
  const reveal: RevealBody = { salt: '7'.repeat(64), rows };
  const { root } = await blobIdOf(shard, crypto);
  const own = closed.holders.find((one) => one.root === root)!;
  const write = async (kind: string, body: object): Promise<void> => {
    const file = nodes.at(`lie-${kind}.json`);
    await writeFile(file, JSON.stringify(body));
    await until(`${kind} of the liar`, () => node.command('write', { kind, file }));
  };
  await write('commit', { hash: commitmentOf(crypto, own.holder, reveal) });
  await due('commitments are closed', (board) => board.round > board.untilRounds[1]!);
  await write('reveal', reveal);
  await node.command('offer', { file: shard });
}
