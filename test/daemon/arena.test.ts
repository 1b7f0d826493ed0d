/** An arena over real nodes: three holders of hidden shards, six submissions, one without its file, one holder that lies, one that is killed in the middle. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { ArenaHolder } from '../../src/cli/parts/arena/arena-holder.ts';
import { writeShard } from '../../src/cli/parts/arena/arena-shard.ts';
import { arenaSpec } from '../../src/cli/parts/arena/arena-spec.ts';
import { checkSubmission } from '../../src/cli/parts/arena/submission-check.ts';
import { lackingText } from '../../src/cli/view/arena-lines.ts';
import { checkArena } from '../../src/daemon/arena-check.ts';
import { keyFileOf } from '../../src/daemon/directory.ts';
import { exportLog, readLog } from '../../src/daemon/log-archive.ts';
import { ledgerOf } from '../../src/daemon/run-ledger.ts';
import type { Board } from '../../src/entries/arena/board.ts';
import { commitmentOf, notHad, type RevealBody, type ScoreRow } from '../../src/entries/arena/scores.ts';
import { initialVector } from '../../src/learning/initial.ts';
import { writeSafetensors } from '../../src/learning/model-files/safetensors.ts';
import { createTfjsLearner } from '../../src/learning/tfjs/tfjs-learner.ts';
import { ledgerDefaults } from '../../src/ledger/ledger.ts';
import { archivePieces } from '../../src/log/archive.ts';
import { encodeState } from '../../src/log/snapshot.ts';
import type { LogParts } from '../../src/methods/log-parts.ts';
import { loadIdentity } from '../../src/network/identity.ts';
import { boardLines } from '../../src/node/commands/arena-commands.ts';
import { blobIdOf } from '../../src/platform/node/blob-file.ts';
import { trainingSchema } from '../../src/run/run-spec.ts';
import { loadTaskData, taskKindOf } from '../../src/tasks/data/registry.ts';
import { modelSchema } from '../../src/tasks/models/registry.ts';
import { repositoryRoot } from '../architecture/source-tree.ts';
import { entry } from '../cli/entry.ts';
import { crypto } from '../log/small-run.ts';
import { type LogNode, LogNodes, logRun, until } from './log-nodes.ts';

const task = { kind: 'idx-images' } as const;
const model = modelSchema.parse({ kind: 'logistic-regression', inputs: 784, outputs: 10 });
const metadata = { task: JSON.stringify(task) };
const rounds = 60;
const slotMs = 300;
/** What a busy machine needs at most for what is there. */
const fetchSeconds = '8';

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

const boardIn = async (
  node: LogNode,
): Promise<Board & { finalisedRound: number; round: number; phase: string }> =>
  (await node.command('board')) as never;

test('a board over real nodes is the same everywhere and from an archive, and who lies is named', async () => {
  const best = await trained(200);
  const fair = await trained(6);
  const nodes = await LogNodes.prepared();
  const save = async (name: string, vector: Float32Array, of = model): Promise<string> => {
    await writeSafetensors(nodes.at(`${name}.safetensors`), of, vector, metadata);
    return nodes.at(`${name}.safetensors`);
  };
  await save('good', best);
  const names = ['holder-0', 'holder-1', 'holder-2'];
  const shards = [];
  for (const [part, name] of names.entries()) {
    await mkdir(nodes.at(name), { mode: 0o700 });
    const { key: holder } = await loadIdentity(keyFileOf(nodes.at(name)));
    const out = nodes.at(`shard-${part}`);
    const shard = await writeShard({ from: nodes.at('good.safetensors'), part, of: 3, examples: 200, out });
    shards.push({ holder, root: shard.root, bytes: shard.bytes, examples: shard.examples });
  }
  await nodes.sign(
    arenaSpec({ name: 'arena', rounds, judgingRounds: rounds, slotMs, bytesMax: 100_000, shards }),
  );
  const judges: LogNode[] = [];
  for (const name of names) judges.push(await nodes.start(name));
  const submitter = await nodes.start('submitter');

  const nudged = (by: number): Float32Array => best.map((value, at) => value + (at % 2 ? by : -by) * 0.001);
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
  ];
  for (const [node, name, file] of submissions) {
    await until(`${name} is submitted`, () => node.command('submit', { name, file }));
    // Of two in one round the hash of the round draws the first: what copies are made of has to be earlier.
    if (name === 'good') await until('it is final', async () => (await boardIn(node)).rows.length > 0);
  }

  const oversized = { name: 'large', file: await save('large', initialVector(large, 1), large) };
  await assert.rejects(judges[1]!.command('submit', oversized), {
    code: 'NOT_PUBLISHED',
    message: 'large was not submitted: the log would not count it (oversized)',
  });
  // Under another name it is the same file.
  await assert.rejects(judges[1]!.command('submit', { name: 'mine', file: nodes.at('good.safetensors') }), {
    message: /\(this file is submitted already\)$/,
  });

  // What would have no score is refused before the node is asked.
  const checked = (file: string) => checkSubmission(submitter.home, { file }, new AbortController().signal);
  await writeFile(nodes.at('empty'), '');
  await assert.rejects(checked(nodes.at('empty')), /empty: expected 8 to \d+ bytes, found 0$/);
  const small = modelSchema.parse({ kind: 'mlp', inputs: 5, hidden: [4], outputs: 2 });
  await assert.rejects(
    checked(await save('small', initialVector(small, 1), small)),
    /small\.safetensors takes 5 numbers and tells 2 classes; examples of this arena have 784 numbers/,
  );
  await assert.rejects(checked(nodes.at('nan.safetensors')), /weights that are no finite numbers/);
  await checked(nodes.at('good.safetensors'));
  await assert.rejects(submitter.command('submit', { name: 'empty', file: nodes.at('empty') }), {
    message: /empty is empty; check the path/,
  });

  // A model that nobody has.
  const gone = { name: 'gone', root: '5a'.repeat(32), bytes: 4000 };
  await writeFile(nodes.at('gone.json'), JSON.stringify(gone));
  const written = { kind: 'submission', file: nodes.at('gone.json') };
  await until('gone is submitted', () => judges[0]!.command('write', written));

  const said: string[] = [];
  const judge = (at: number, shard = `shard-${at}`) =>
    new ArenaHolder({
      ...{ target: judges[at]!.home, run: undefined, shard: nodes.at(shard) },
      ...{
        fetchSeconds: Number(fetchSeconds),
        say: (line) => said.push(line),
        signal: new AbortController().signal,
      },
    }).judge();
  await assert.rejects(judge(0, 'shard-1'), /shard-1 is the shard of holder [0-9a-f]{64}, and this node is/);
  await assert.rejects(judge(0, 'good.safetensors'), /good\.safetensors is no shard of arena .*Merkle root/);
  await assert.rejects(judge(0, 'nothing'), /ENOENT.*nothing/);
  const [unjudged] = boardLines(await boardIn(judges[0]!));
  assert.match(unjudged!, /^ +- {2}good {2}not scored yet, by [0-9a-f]{8}$/);
  // Typed twice at once: both go by the salt of whichever was first, and what the other has said is not said again.
  const judged = Promise.all([
    ...[judge(0), judge(0)],
    killed(judges[1]!, nodes.at('shard-1')).then(() => judge(1)),
  ]);
  await lie(nodes, judges[2]!, nodes.at('shard-2'));
  const results = await judged;
  assert.ok(said.some((line) => line.startsWith('goes on   with what it has committed to')));
  for (const what of ['submissions', 'commitments', 'reveals'])
    assert.ok(
      said.some((line) =>
        new RegExp(`^waits +until round \\d+ .*for ${what}; now it is round \\d+$`).test(line),
      ),
      said.join('\n'),
    );
  // What is revealed is no secret any more, and not kept.
  for (const { home } of judges)
    await assert.rejects(stat(join(home, 'runs', nodes.run.runId, 'reveal.json')), { code: 'ENOENT' });
  assert.deepEqual(
    results.map(({ disagrees }) => disagrees),
    [[judges[2]!.key], [judges[2]!.key], [judges[2]!.key]],
    said.join('\n'),
  );

  const nodesAll = [...judges, submitter];
  const boards = await until(
    'all nodes have the whole board',
    async () => {
      const all = await Promise.all(nodesAll.map(boardIn));
      return all.every(({ phase }) => phase === 'over') && all;
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
      ['gone', 'not-had', null, false],
      ['nan', 'not-finite', null, false],
    ],
  );
  assert.deepEqual(board!.refusedCounts, {});
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
  const archive = nodes.at('arena.archive');
  await exportLog(submitter.home, '', archive);
  const late = nodes.at('late.archive');
  await writeFile(late, await fromItsEnd(nodes, archive));
  const checkedAt = async (place: string) => {
    const { board: offline, checked, missing } = await checkArena(place, '', files);
    assert.deepEqual(plain(offline), plain(board!), place);
    return { checked: checked.map(({ isRight, counted }) => [isRight, counted]), missing };
  };
  // Of the two commands of one node whoever comes second may find the scores of the first.
  assert.ok(
    said.filter((line) => line.startsWith('trouble   no file of submission gone: 5a5a')).length >= 2,
    said.join('\n'),
  );
  // Two submissions were never here.
  const missing = board!.rows
    .filter(({ name }) => ['nan', 'gone'].includes(name))
    .sort((a, b) => a.order - b.order)
    .map(({ name, root }) => ({ what: `submission ${name}`, root, isOther: false }));
  const whole = { checked: [true, true, false].map((isRight) => [isRight, 4]), missing };
  for (const place of [submitter.home, archive, late]) assert.deepEqual(await checkedAt(place), whole, place);
  // One that was changed since is there, and is another one.
  const good = board!.rows.find(({ name }) => name === 'good')!;
  const changed = await readFile(join(files, good.root));
  changed[changed.length - 1]! ^= 1;
  await writeFile(join(files, good.root), changed);
  assert.deepEqual((await checkedAt(archive)).missing[0], {
    ...{ what: 'submission good', root: good.root },
    isOther: true,
  });
  for (const { root } of board!.rows) await rm(join(files, root), { force: true });
  const none = await checkedAt(archive);
  assert.deepEqual(none.checked, new Array(3).fill([null, 0]));
  assert.equal(none.missing.length, 6);
  await assert.rejects(checkArena(archive, '', nodes.at('nowhere')), { code: 'ENOENT' });
  await assert.rejects(checkArena(archive, '', archive), { code: 'ENOTDIR' });
});

/** An archive of a node that keeps none of the rounds: the state after the last one. */
async function fromItsEnd(nodes: LogNodes, archive: string): Promise<Uint8Array> {
  const last: { kinds?: LogParts['kinds']; round?: number; root?: Uint8Array; start?: Uint8Array } = {};
  await readLog(archive, '', {
    opened: async (_signed, parts) => {
      last.kinds = parts.kinds;
    },
    onRound: (now) => {
      Object.assign(last, { round: now.round, root: now.root, start: encodeState(last.kinds!, now) });
    },
  });
  const tail = { round: last.round!, root: last.root! };
  return Buffer.concat([...archivePieces({ manifest: nodes.run.bytes, start: last.start! }, [], tail)]);
}

/** `starlings arena evaluate`, killed as soon as it has committed: what it is going to reveal is kept, for its user alone. */
async function killed({ home }: LogNode, shard: string): Promise<void> {
  const words = [
    entry,
    'arena',
    'evaluate',
    '--dir',
    home,
    '--shard',
    shard,
    '--fetch-seconds',
    fetchSeconds,
  ];
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const child = spawn(process.execPath, words, { cwd: repositoryRoot, stdio: [...stdio] });
  const ended = once(child, 'close');
  let isCommitted = false;
  for await (const line of createInterface({ input: child.stdout! })) {
    isCommitted ||= line === 'committed';
    if (isCommitted) break;
  }
  child.kill('SIGKILL');
  await ended;
  assert.ok(isCommitted, 'it has not committed');
  const [runId] = await readdir(join(home, 'runs'));
  assert.equal((await stat(join(home, 'runs', runId!, 'reveal.json'))).mode & 0o777, 0o600);
}

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

test('where there is no arena, and where a file is gone, one sentence says so', async () => {
  const nodes = await LogNodes.of(logRun([{ id: 'note' }]));
  const node = await nodes.start('node');
  await until('it runs', () => node.command('note', { text: 'here' }));
  const judge = (target: string) =>
    new ArenaHolder({
      ...{ target, run: undefined, shard: nodes.at('shard'), fetchSeconds: 1 },
      ...{ say: () => {}, signal: new AbortController().signal },
    }).judge();
  const noArena = /^\w+: run \w+ is no arena: it logs no submissions$/;
  await assert.rejects(node.command('board'), noArena);
  await assert.rejects(judge(node.home), noArena);
  await assert.rejects(
    judge(nodes.at('nowhere')),
    /no node runs in .*nowhere: name its directory with --dir/,
  );
  const submitted = node.command('submit', { file: nodes.at('gone.safetensors'), name: 'gone' });
  await assert.rejects(submitted, /gone\.safetensors does not exist/);
  await until('something is final', async () => {
    const { runs } = (await node.command('status')) as { runs?: readonly { finalisedRound: number }[] };
    return (runs?.[0]?.finalisedRound ?? -1) >= 8;
  });
  await node.stop();
  await assert.rejects(checkArena(node.home, '', null), /^NodeError: run \w+ is no arena$/);
  const asked = { run: '', evaluation: null, examplesPerRound: 16, settings: ledgerDefaults };
  await assert.rejects(ledgerOf(node.home, asked), /there is nothing that could be measured$/);
});

test('who had not the file of a submission is told from who found something else', () => {
  const row = (submission: string, verdict: ScoreRow['verdict']): ScoreRow => ({
    submission,
    verdict,
    right: '',
  });
  const again = [row('a', 'scored'), row('b', 'no-model'), row('c', 'not-had')];
  assert.equal(notHad(again, again), 0, 'nobody has the third');
  assert.equal(notHad(again, [row('a', 'not-had'), row('b', 'scored'), row('c', 'not-had')]), 1);
  assert.equal(lackingText(0), '');
  assert.equal(lackingText(1), ' (of 1 submissions it had not the files)');
});
