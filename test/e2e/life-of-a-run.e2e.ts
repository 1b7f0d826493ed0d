/**
 * One run from its first round to its last, with real processes: bootstraps die, a node is killed with -9 and
 * comes back, one joins halfway, a hostile peer forges, floods and replays. All end with one model.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { rngFor } from '../../src/math/rng.ts';
import { readIdxLabels } from '../../src/tasks/data/idx-images/idx-file.ts';
import { idxFiles, writeIdxShares } from '../../src/tasks/data/idx-images/idx-folder.ts';
import { mnistFolder } from '../../src/tasks/data/idx-images/mnist-folder.ts';
import { dirichletPartition } from '../../src/tasks/datasets/dirichlet-partition.ts';
import { HostilePeer } from './hostile-peer.ts';
import { Daemon, eventually, resultOf, starlings } from './processes.ts';

const NODES = 5;
const ROUNDS = 60;
const SLOT_MS = 600;

const RUN = `
name: life-of-a-run
model: { kind: mlp, inputs: 784, hidden: [32], outputs: 10 }
task: { kind: idx-images }
training: { localSteps: 10 }
strategy: { id: delta-log, expectedPeers: 5, snapshotRounds: 8 }
rounds: ${ROUNDS}
slotMs: ${SLOT_MS}
`;

describe('the life of a run', () => {
  const directory = mkdtempSync(join(tmpdir(), 'starlings-e2e-'));
  const bootstrap = new Daemon(join(directory, 'bootstrap'), [
    'bootstrap',
    '--listen',
    '/ip4/127.0.0.1/tcp/0',
  ]);
  let nodes: Daemon[] = [];
  let runId = '';
  let firstAddress = '';
  const hostile: HostilePeer[] = [];

  before(async () => {
    writeFileSync(join(directory, 'run.yaml'), RUN);
    const { addresses } = await bootstrap.start();
    const dataPaths = Array.from({ length: NODES }, (_, index) => join(directory, `data-${index}`));
    const labels = await readIdxLabels(join(mnistFolder(), idxFiles.trainLabels));
    const split = { peers: NODES, alpha: 0.5, classes: 10, rng: rngFor('life of a run') };
    await writeIdxShares({
      source: mnistFolder(),
      targets: dataPaths,
      shares: dirichletPartition(labels, split),
    });
    const created = await starlings(
      ...['run', 'create', join(directory, 'run.yaml'), '--json', '--start-in', '10'],
      ...['--out', join(directory, 'run.manifest'), '--key', join(directory, 'creator.key')],
    );
    assert.equal(created.code, 0, created.stderr);
    runId = resultOf(created)['runId'] as string;
    const node = (index: number): Daemon =>
      new Daemon(join(directory, `node-${index}`), [
        ...['node', '--data', dataPaths[index]!, '--listen', '/ip4/127.0.0.1/tcp/0'],
        // Node 3 knows nothing but the run's id: it asks its peers for the manifest.
        ...['--run', index === 3 ? runId : join(directory, 'run.manifest'), '--backend', 'wasm'],
        ...['--bootstrap', index === 4 ? firstAddress : addresses[0]!],
      ]);
    nodes = [0, 1, 2, 3].map(node);
    const infos = await Promise.all(nodes.map((daemon) => daemon.start()));
    firstAddress = infos[0]!.addresses[0]!;
    nodes[4] = node(4);
  });

  after(async () => {
    await Promise.all(hostile.map((peer) => peer.leave()));
    await Promise.all([bootstrap, ...nodes].map((daemon) => daemon.end('SIGKILL')));
    rmSync(directory, { recursive: true, force: true });
  });

  test('four nodes that knew one bootstrap find each other', async () => {
    for (const node of nodes.slice(0, 4))
      await node.until('has three peers', 20_000, ({ peers }) => peers >= 3);
  });

  test('the bootstrap is killed and training goes on', async () => {
    await bootstrap.end('SIGKILL');
    for (const node of nodes.slice(0, 4)) {
      await node.until('finalises rounds', 30_000, ({ finalisedRound }) => finalisedRound >= 2);
    }
  });

  test('forged, oversized and replayed messages are refused and counted', async () => {
    const peer = await HostilePeer.join(runId, [firstAddress]);
    hostile.push(peer);
    await peer.ready(2);
    const total = async (reason: string): Promise<number> => {
      const statuses = await Promise.all(nodes.slice(0, 4).map((node) => node.status()));
      return statuses.reduce((sum, { refused }) => sum + (refused[reason] ?? 0), 0);
    };
    for (const [reason, send] of [
      ['bad-signature', () => peer.sendForged()],
      ['oversized', () => peer.sendOversized()],
      ['replayed', () => peer.sendReplayed()],
    ] as const) {
      const before = await total(reason);
      await send();
      await eventually(`${reason} is counted`, 10_000, async () =>
        (await total(reason)) > before ? true : null,
      );
    }
    await peer.leave();
    hostile.length = 0;
  });

  test('a node killed with -9 resumes', async () => {
    const victim = nodes[2]!;
    await victim.until('published', 20_000, ({ deltasPublished }) => deltasPublished >= 3);
    await victim.end('SIGKILL');
    await victim.start();
    await victim.until('trains again', 30_000, ({ deltasPublished }) => deltasPublished >= 3);
  });

  test('a node joins halfway from the snapshots of more than one donor', async () => {
    const joiner = nodes[4]!;
    await nodes[0]!.until('is halfway', 60_000, ({ finalisedRound }) => finalisedRound >= 20);
    await joiner.start();
    await joiner.until('trains', 30_000, ({ deltasPublished }) => deltasPublished >= 1);
    const joined = joiner.events().find(({ kind }) => kind === 'joined');
    assert.ok(joined, 'it joined from a snapshot');
    assert.ok((joined['donors'] as number) >= 2, `donors: ${joined['donors']}`);
  });

  test('all five end with one model, and nobody published twice in a round', async () => {
    const statuses = await Promise.all(
      nodes.map((node) =>
        node.until('finishes', 90_000, ({ phase, modelPath }) => phase === 'finished' && modelPath !== null),
      ),
    );
    assert.deepEqual(new Set(statuses.map(({ modelHash }) => modelHash)).size, 1);
    for (const status of statuses) {
      assert.equal(status.refused['equivocation'], 0);
      assert.equal(status.contributions.length, NODES);
    }
    const { contributions } = statuses[0]!;
    for (const [index, node] of nodes.entries()) {
      const published = node
        .events()
        .filter(({ kind }) => kind === 'published')
        .map(({ round }) => round);
      const restored = node.events().filter(({ kind }) => kind === 'restored').length;
      assert.equal(new Set(published).size, published.length, `node ${index} published a round twice`);
      const counted = contributions.find(({ peer }) => peer === statuses[index]!.peerKey)!.deltas;
      // The log line comes after the message: a kill in between leaves one message more than lines.
      const unlogged = counted - (published.length - restored);
      assert.ok(
        unlogged === 0 || (index === 2 && unlogged === 1),
        `node ${index}: ${unlogged} deltas astray`,
      );
    }
    const accuracies = await Promise.all(
      nodes.map((node) =>
        node.until(
          'is evaluated',
          20_000,
          ({ accuracyRound, finalisedRound }) => accuracyRound === finalisedRound,
        ),
      ),
    );
    for (const { accuracy } of accuracies) assert.ok(accuracy! > 0.85, `accuracy ${accuracy}`);
  });

  test('SIGTERM stops a node cleanly', async () => {
    for (const node of nodes) assert.equal(await node.end('SIGTERM'), 0);
  });
});
