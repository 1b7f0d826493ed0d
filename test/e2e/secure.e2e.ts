/**
 * Secure aggregation among real processes: one is killed with -9 while vectors of it are under way, and comes back. No sum is lost, all end
 * with one model, and the log of one of them folds to it again.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { rngFor } from '../../src/math/rng.ts';
import { isDone, type RunView } from '../../src/node/view/run-view.ts';
import { readIdxLabels } from '../../src/tasks/data/idx-images/idx-file.ts';
import { idxFiles, writeIdxShares } from '../../src/tasks/data/idx-images/idx-folder.ts';
import { mnistFolder } from '../../src/tasks/data/idx-images/mnist-folder.ts';
import { dirichletPartition } from '../../src/tasks/datasets/dirichlet-partition.ts';
import { Daemon, resultOf, starlings } from './processes.ts';

// Of five one may lie, and one be away.
const nodesCount = 5;
const rounds = 14;

const runText = (members: readonly string[]): string => `
name: secure
model: { kind: mlp, inputs: 784, hidden: [16], outputs: 10 }
task: { kind: idx-images }
training: { localSteps: 10, learningRate: 0.3 }
strategy: { id: secure-aggregation, cycle: 2, windowRounds: 4, admitRounds: 2, snapshotRounds: 8 }
rounds: ${rounds}
slotMs: 2000
membership: { kind: allow-list, members: [${members.join(', ')}] }
`;

describe('secure aggregation among processes', () => {
  const directory = mkdtempSync(join(tmpdir(), 'starlings-e2e-'));
  let nodes: Daemon[] = [];

  before(async () => {
    const folders = Array.from({ length: nodesCount }, (_, index) => join(directory, `node-${index}`));
    const members: string[] = [];
    for (const folder of folders) {
      const { code, stdout, stderr } = await starlings('node', 'id', '--dir', folder, '--json');
      assert.equal(code, 0, stderr);
      members.push(resultOf({ code, stdout, stderr })['peerKey'] as string);
    }
    writeFileSync(join(directory, 'run.yaml'), runText(members));
    const dataPaths = folders.map((folder) => `${folder}-data`);
    const labels = await readIdxLabels(join(mnistFolder(), idxFiles.trainLabels));
    const split = { peers: nodesCount, alpha: 0.5, classes: 10, rng: rngFor('secure') };
    const shares = dirichletPartition(labels, split);
    await writeIdxShares({ source: mnistFolder(), targets: dataPaths, shares });
    const created = await starlings(
      ...['run', 'create', join(directory, 'run.yaml'), '--json', '--start-in', '75'],
      ...['--out', join(directory, 'run.manifest'), '--key', join(directory, 'creator.key')],
    );
    assert.equal(created.code, 0, created.stderr);
    const node = (index: number, others: readonly string[]): Daemon =>
      new Daemon(folders[index]!, [
        ...['node', '--data', dataPaths[index]!, '--listen', '/ip4/127.0.0.1/tcp/0'],
        ...['--run', join(directory, 'run.manifest'), '--backend', 'wasm', ...others],
      ]);
    const first = node(0, []);
    nodes = [first];
    const { addresses } = await first.start();
    nodes.push(...folders.slice(1).map((_, index) => node(index + 1, ['--bootstrap', addresses[0]!])));
    // One after the other: each of them has all of a busy machine to come up.
    for (const daemon of nodes.slice(1)) await daemon.start();
  });

  after(async () => {
    await Promise.all(nodes.map((daemon) => daemon.end('SIGKILL')));
    rmSync(directory, { recursive: true, force: true });
  });

  test('a node is killed with vectors of it under way, and the sums go on without it', async () => {
    const victim = nodes[2]!;
    await victim.until('has sent vectors', 150_000, ({ deltasPublished }) => deltasPublished >= 2);
    await victim.end('SIGKILL');
    const sumsOf = (view: RunView): number => Math.max(0, ...view.contributions.map(({ deltas }) => deltas));
    await nodes[0]!.until('has sums', 90_000, (view) => sumsOf(view) >= 2);
    await victim.start();
  });

  test('all end with one model, with hardly a sum lost', async (t) => {
    const statuses = await Promise.all(
      nodes.map((node) =>
        node.until('finishes', 150_000, ({ phase, modelPath }) => phase === 'finished' && modelPath !== null),
      ),
    );
    assert.equal(new Set(statuses.map(({ modelHash }) => modelHash)).size, 1);
    const [{ contributions, countedRounds, shown }] = statuses as [(typeof statuses)[number]];
    assert.equal(countedRounds, rounds);
    const sums = (index: number): number =>
      contributions.find(({ peer }) => peer === statuses[index]!.peerKey)?.deltas ?? 0;
    assert.ok(sums(0) >= rounds - 2, `${sums(0)} of ${rounds}`);
    // What it had under way when it was killed is in sums or not; what it began after, is.
    assert.ok(sums(2) < sums(0), `${sums(2)} of ${sums(0)}`);
    assert.deepEqual(shown, []);
    for (const { refused } of statuses) assert.equal(refused['equivocation'], 0);
    // The last model: earlier ones are evaluated on the way.
    const { accuracy, accuracyRound } = await nodes[0]!.until('is evaluated', 60_000, isDone);
    t.diagnostic(`accuracy ${accuracy} in round ${accuracyRound}`);
    assert.ok(accuracy! > 0.6, `accuracy ${accuracy}`);
  });

  test('the log folds to it again', async () => {
    for (const node of nodes) assert.equal(await node.end('SIGTERM'), 0);
    const file = join(directory, 'secure.log');
    const exported = await starlings('log', 'export', '--dir', nodes[0]!.directory, '--out', file);
    assert.equal(exported.code, 0, exported.stderr);
    const verified = await starlings('log', 'verify', file);
    assert.equal(verified.code, 0, verified.stderr);
    assert.match(verified.stdout, new RegExp(`${rounds} of ${rounds} counted`));
  });
});
