/** `starlings node` as a user starts it: what it says on the way, how it ends, and by which exit code. */

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { keyFileOf } from '../../src/daemon/directory.ts';
import { initialVector } from '../../src/learning/initial.ts';
import { writeSafetensors } from '../../src/learning/model-files/safetensors.ts';
import { identityFromSeed, loadIdentity, peerIdOf } from '../../src/network/identity.ts';
import { createRun, writeManifestFile } from '../../src/node/files/manifest-file.ts';
import { modelSchema } from '../../src/tasks/models/registry.ts';
import { freePort } from '../cluster/delayed-line.ts';
import { logRun } from '../daemon/log-nodes.ts';
import { crypto, signerOf } from '../log/small-run.ts';
import { tableRun } from '../run/table-run.ts';
import { jsonOf, startStarlings } from './starlings-process.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-node-command-'));
after(() => rm(directory, { recursive: true, force: true }));
const at = (...names: string[]): string => join(directory, ...names);
const loopback = '/ip4/127.0.0.1/tcp/0';

await writeFile(
  at('clinic.csv'),
  Array.from({ length: 60 }, (_, k) => `${(k * 7) % 10},${k % 10},${(k * 7) % 10 > k % 10 ? 1 : 0}`).join(
    '\n',
  ),
);

const keyOf = (index: number): string => identityFromSeed(new Uint8Array(32).fill(index)).key;

/** Where the key of a node will be. */
async function homeOf(name: string): Promise<string> {
  await mkdir(at(name));
  return keyFileOf(at(name));
}

/** Begins in `startsInMs`. */
async function manifest(name: string, startsInMs: number, more: object = {}): Promise<string> {
  const spec = tableRun({
    name,
    rounds: 6,
    slotMs: 250,
    ...more,
  });
  const file = at(`${name}.manifest`);
  await writeManifestFile(file, createRun(spec, Date.now() + startsInMs, crypto, signerOf(9)));
  return file;
}

const nodeArgs = (name: string, run: string, ...more: readonly string[]): string[] => [
  ...['node', '--dir', at(name), '--run', run, '--data', at('clinic.csv'), ...more],
  ...(more.includes('--listen') ? [] : ['--listen', loopback]),
];

describe('starlings node', { concurrency: 2 }, () => {
  test('that nobody joins ends alone, by the exit code of that, having said so on the way', async () => {
    const run = await manifest('lonely', 15_000);
    const { ended } = startStarlings(
      nodeArgs('lonely', run, '--exit-when-finished', '--json', '--csv', at('lonely-figures.csv')),
    );
    const end = await ended;
    const { exitCode, stderr } = end;
    assert.equal(exitCode, 21, stderr);
    const { outcome, runs } = jsonOf(end) as { outcome: string; runs: Record<string, unknown>[] };
    assert.deepEqual([outcome, runs.length, runs[0]!['outcome']], ['alone', 1, 'alone']);
    assert.deepEqual([runs[0]!['countedRounds'], runs[0]!['folded']], [6, { own: 6, others: 0 }]);
    assert.match(stderr, /^alone {5}the run is under way and no peer was ever connected: .*--bootstrap$/m);
    assert.match(stderr, /^round {5}6\/6, alone, /m);
    assert.doesNotMatch(stderr, /finished,/);
    assert.match(stderr, /^outcome {3}alone: no peer was ever connected/m);
    assert.match(stderr, /^deltas {4}6 published, 6 in the model$/m);
    const figures = await readFile(at('lonely-figures.csv'), 'utf8');
    const losses = [...figures.matchAll(/,(\d+),loss,/g)].map(([, round]) => Number(round));
    // A busy machine may not make it in one of them: others follow until six count.
    assert.ok(losses.length >= 6, figures);
    assert.deepEqual(
      losses,
      [...new Set(losses)].sort((a, b) => a - b),
    );
    assert.match(figures, /,\d+,accuracy,/);
    assert.match(stderr, /^model {5}\S+model\.safetensors\n {10}[0-9a-f]{64}$/m);
  });

  test('two that know each other end with one model and exit code 0; members have names', async () => {
    const run = await manifest('pair', 15_000, { publishersMin: 2 });
    const { key } = (await loadIdentity(await homeOf('pair-a'))).signer;
    const address = `/ip4/127.0.0.1/tcp/${await freePort()}`;
    const knows = ['--bootstrap', `${address}/p2p/${peerIdOf(key)}`];
    const first = startStarlings(
      nodeArgs('pair-a', run, '--exit-when-finished', '--json', '--listen', address),
    );
    const second = startStarlings(nodeArgs('pair-b', run, '--exit-when-finished', '--json', ...knows));
    const ends = await Promise.all([first.ended, second.ended]);
    const models = ends.map((end) => {
      const { exitCode, stderr } = end;
      assert.equal(exitCode, 0, stderr);
      const { outcome, runs } = jsonOf(end) as { outcome: string; runs: Record<string, unknown>[] };
      assert.equal(outcome, 'trained');
      assert.match(
        stderr,
        /^outcome {3}trained: the model has what this node learned in (?:\d of 6 rounds|\d+ rounds, of which 6 counted,)/m,
      );
      assert.doesNotMatch(stderr, /goes on/);
      return runs[0]!['modelHash'];
    });
    assert.equal(models[0], models[1]);
  });

  test('is waited for by a command that is typed while it starts', async () => {
    const node = startStarlings(nodeArgs('early', await manifest('early', 60_000)));
    const { exitCode, stderr } = await startStarlings(['node', 'stop', '--dir', at('early')]).ended;
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /^no node runs in .*early yet: waiting 5 s|^the node of .*early is starting/m);
    assert.equal((await node.ended).exitCode, 0);
  });

  test('writes what it is told while it starts, in the round after: commands wait for that', async () => {
    const file = at('registry.manifest');
    const spec = logRun([{ id: 'publish' }, { id: 'feedback' }], { slotMs: 3000 });
    await writeManifestFile(file, createRun(spec, Date.now(), crypto, signerOf(9)));
    const args = ['--dir', at('registry'), '--run', file, '--no-data', '--listen', loopback];
    const node = startStarlings(['node', ...args]);
    const model = modelSchema.parse({ kind: 'logistic-regression', inputs: 8, outputs: 2 });
    await writeSafetensors(at('one.safetensors'), model, initialVector(model, 1), {});
    const about = ['--file', at('one.safetensors'), '--model', 'digits@1.0', '--licence', 'MIT'];
    const end = await startStarlings(['model', 'publish', ...about, '--dir', at('registry'), '--json']).ended;
    assert.equal(end.exitCode, 0, end.stderr);
    assert.match(
      end.stderr,
      /^waiting {3}digits@1\.0 was not published: this node has just begun; tried again until it can be done$/m,
    );
    assert.match(String(jsonOf(end)['entryId']), /^[0-9a-f]{64}$/);
    node.child.kill('SIGTERM');
    assert.equal((await node.ended).exitCode, 0);
  });

  test('that comes after the end and meets nobody trains nothing, says so and is late', async () => {
    const run = await manifest('over', -120_000);
    const { ended } = startStarlings(nodeArgs('over', run, '--exit-when-finished', '--json'));
    const end = await ended;
    const { exitCode, stderr } = end;
    assert.equal(exitCode, 22, stderr);
    const { outcome, runs } = jsonOf(end) as { outcome: string; runs: Record<string, unknown>[] };
    assert.deepEqual([outcome, runs[0]!['deltasPublished'], runs[0]!['modelPath']], ['late', 0, null]);
    assert.match(
      stderr,
      /^over {6}by its manifest the run was over (?:1\d\d s|\d min) before this node came: nothing is trained until /m,
    );
    assert.doesNotMatch(stderr, /, training,/);
    assert.match(
      stderr,
      /^outcome {3}late: by its manifest the run was over .*--even-if-over trains this one alone$/m,
    );
    assert.doesNotMatch(stderr, /under way/);
  });

  test('that is to train a run that is over trains it alone', async () => {
    const run = await manifest('again', -120_000);
    const { ended } = startStarlings(nodeArgs('again', run, '--exit-when-finished', '--even-if-over'));
    const { exitCode, stdout } = await ended;
    assert.equal(exitCode, 21, stdout);
  });

  test('that waits for a manifest that nobody has says so, and since when', async () => {
    const runId = 'bafyreigd7ikji2uqsyevqb433sfan3wdbls4mn2a53aopnvhtvnmzltpse';
    const { said, child, ended } = startStarlings([
      ...nodeArgs('waiting', runId, '--exit-when-finished'),
      ...['--data', at('nothing.csv')],
    ]);
    const text = await said('searching for');
    assert.match(text, /^data {6}\S+nothing\.csv does not exist: check the path$/m);
    assert.match(
      text,
      /^searching for the manifest of bafy\w+ for 1\d s: no peer is reached: give .* that is up, in a new invitation or with --bootstrap$/m,
    );
    child.kill('SIGTERM');
    assert.equal((await ended).exitCode, 0);
  });

  test('a run id that is none is told before anything else', async () => {
    const { ended } = startStarlings(
      nodeArgs('mistyped', 'bafyreigd7ikji2', '--bootstrap', '/ip4/127.0.0.1/tcp/1'),
    );
    const { exitCode, stderr } = await ended;
    assert.equal(exitCode, 2);
    assert.match(stderr, /^starlings: bafyreigd7ikji2 looks like a run id and is none .*\n$/);
  });

  test('examples for a run that trains nothing are not taken in silence', async () => {
    const file = at('log.manifest');
    await writeManifestFile(file, createRun(logRun([{ id: 'publish' }]), Date.now(), crypto, signerOf(9)));
    const { ended } = startStarlings(nodeArgs('idle', file, '--compare-alone'));
    const { exitCode, stderr } = await ended;
    assert.equal(exitCode, 2, stderr);
    assert.match(
      stderr,
      /^starlings: run bafy\w+ keeps a log and trains nothing: --data and --compare-alone would do nothing; leave it out \(--no-data\)$/m,
    );
  });

  test('stopped before the end it says how far it was; whose key no member has hears so', async () => {
    const { key } = (await loadIdentity(await homeOf('named'))).signer;
    const names = { [keyOf(1)]: 'Ward 3', [key]: 'Ward 5' };
    const run = await manifest('named', 60_000, {
      membership: { kind: 'allow-list', members: [keyOf(1), key, keyOf(2)], names },
    });
    const member = startStarlings(nodeArgs('named', run));
    const stranger = startStarlings(nodeArgs('stranger', run));
    assert.match(
      await member.said('waiting   '),
      /0 peers, 1 of 3 members here, missing: Ward 3, [0-9a-f]{8}$/m,
    );
    assert.match(
      await stranger.said('untrained '),
      /^untrained the key of this node is not among the members of the run/m,
    );
    for (const { child, ended } of [member, stranger]) {
      child.kill('SIGTERM');
      const { exitCode, stdout } = await ended;
      assert.equal(exitCode, 0);
      assert.match(stdout, /^outcome {3}none yet: the run is not over, 0 of 6 rounds counted$/m);
    }
  });
});
