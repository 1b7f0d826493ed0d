import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Transport } from '@libp2p/interface';
import type { Store } from '../../src/core/ports.ts';
import { initialVector, littleEndianBytes } from '../../src/learning/initial.ts';
import type { Learner, TrainRequest } from '../../src/learning/learner.ts';
import { readSafetensors } from '../../src/learning/model-files/safetensors.ts';
import { identityFromSeed } from '../../src/network/identity.ts';
import type { HostProfile } from '../../src/network/profiles/host-profile.ts';
import { tcpProfile } from '../../src/network/profiles/tcp.ts';
import { createNode, type NodeOptions, type StarlingsNode } from '../../src/node/create-node.ts';
import type { NodeEvent } from '../../src/node/events.ts';
import { createRun } from '../../src/node/files/manifest-file.ts';
import type { LearnerRequest } from '../../src/node/learners.ts';
import { runPrefix } from '../../src/node/store-view.ts';
import { openLevelStore } from '../../src/platform/node/level-store.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import { type SignedManifest, signManifest } from '../../src/run/manifest.ts';
import { crypto, signerOf, specOf } from '../log/small-run.ts';
import { eventually } from '../network/real-hosts.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-node-'));
after(() => rm(directory, { recursive: true, force: true }));

const strategy = { expectedPeers: 4, windowRounds: 3, admitRounds: 1 };
const rounds = 8;

/** `slotMs`: two nodes that are to end with one model need time for it on a busy machine too. */
function runNamed(name: string, startsInMs = 1000, slotMs = 300): SignedManifest {
  const spec = { ...specOf({ strategy, rounds, slotMs }), name };
  return createRun(spec, Date.now() + startsInMs, crypto, signerOf(9));
}

/** Learns a fixed change, which depends on whose data it is; cannot read the data `broken`. */
async function fixedLearner({ run, data }: LearnerRequest): Promise<Learner> {
  if (data === 'broken')
    throw Object.assign(new Error('these data do not fit the run'), { code: 'BAD_DATA' });
  const pace = 0.001 * (1 + data.length);
  return {
    size: 4 * (run.manifest.model.kind === 'logistic-regression' ? run.manifest.model.inputs + 1 : 0),
    backend: `fixed at ${pace}`,
    async train({ parameters }: TrainRequest) {
      return {
        parameters: parameters.map((value, k) => value + pace * ((k % 7) - 3)),
        loss: 1,
      };
    },
    score: async (vectors) => vectors.map(() => 1),
    evaluate: async () => ({ accuracy: 0.5, loss: 1, examples: 1 }),
    close: async () => {},
  };
}

interface Started {
  readonly node: StarlingsNode;
  readonly events: NodeEvent[];
  readonly store: Store;
}

let places = 0;

async function started(
  t: { after(act: () => Promise<void>): void },
  { around = (store) => store, ...options }: Partial<NodeOptions> & { around?: (store: Store) => Store } = {},
): Promise<Started> {
  const store = await openLevelStore(join(directory, `store-${places++}`));
  const events: NodeEvent[] = [];
  const node = await createNode(
    {
      identity: identityFromSeed(randomBytes(32)),
      profile: tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }),
      bootstrap: [],
      store: around(store),
      clock: wallClock,
      random: Math.random,
      learners: fixedLearner,
      ...options,
    },
    (event) => events.push(event),
  );
  t.after(async () => {
    await node.close();
    await store.close();
  });
  return { node, events, store };
}

const how = (data: string, modelFile?: string) =>
  ({ data, backend: 'wasm', ...(modelFile ? { modelFile } : {}) }) as const;

async function keysOf(store: Store, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const [key] of store.entries(prefix)) keys.push(key);
  return keys;
}

/** TCP that only dials, and notes whom. */
function notingProfile(dialled: string[]): HostProfile {
  const profile = tcpProfile({ listen: [] });
  const noting: HostProfile['transports'] = profile.transports.map((create) => (components) => {
    const transport = create(components);
    const dial = (...[address, options]: Parameters<Transport['dial']>) => {
      dialled.push(address.toString());
      return transport.dial(address, options);
    };
    return Object.create(transport, { dial: { value: dial } });
  });
  return { ...profile, transports: noting };
}

describe('a node', { concurrency: 2 }, () => {
  test('talks over what its profile brings along', async (t) => {
    const first = await started(t);
    const dialled: string[] = [];
    const second = await started(t, { profile: notingProfile(dialled), bootstrap: first.node.addresses() });
    await eventually('the bootstrap is dialled', () => dialled.length > 0);
    assert.ok(first.node.addresses().includes(dialled[0]!), dialled[0]);
    assert.deepEqual(second.node.addresses(), [], 'it listens nowhere');
  });

  test('begins at the weights that the run names, which it gets from a peer', async (t) => {
    const first = await started(t);
    const second = await started(t, { bootstrap: first.node.addresses() });
    const spec = { ...specOf({ strategy, rounds, slotMs: 1000 }), name: 'from-weights' };
    const start = initialVector(spec.model, 1).map((value, index) => value + index);
    const run = createRun(spec, Date.now() + 6000, crypto, signerOf(9), { start });
    const [file] = run.manifest.files!;
    const folders = ['from', 'to'].map((name) => join(directory, name));
    await mkdir(folders[0]!);
    await writeFile(join(folders[0]!, file!.root), littleEndianBytes(start));
    const sessions = [
      first.node.join(run, { ...how('a'), filesFolder: folders[0]! }),
      second.node.join(run.runId, { ...how('bcd'), filesFolder: folders[1]! }),
    ];
    await Promise.all(sessions.map((session) => session.started));
    for (const session of sessions) assert.deepEqual(session.model(), start);
    assert.ok(second.events.some(({ event }) => event.kind === 'file-complete'));
    await eventually(
      'both are finished',
      () => sessions.every((one) => one.status().phase === 'finished'),
      60_000,
    );
    assert.equal(new Set(sessions.map((session) => session.status().modelHash)).size, 1);
    assert.notDeepEqual(sessions[0]!.model(), start);
    const nowhere = first.node.join(
      createRun({ ...spec, name: 'nowhere' }, Date.now(), crypto, signerOf(9), { start }),
      how('a'),
    );
    await assert.rejects(nowhere.started, { code: 'NO_PLACE_FOR_FILES' });
  });

  test('takes part in two runs over one host and one store; each ends with one model', async (t) => {
    const first = await started(t);
    const second = await started(t, { bootstrap: first.node.addresses() });
    const runs = [runNamed('one', 6000, 1000), runNamed('two', 6000, 1000)];
    const sessions = runs.map((run, index) => [
      first.node.join(run, how('a', join(directory, `${index}.safetensors`))),
      // One of the two knows the id alone, and gets the manifest from the other.
      second.node.join(index === 0 ? run.runId : run, how('bcd')),
    ]);
    assert.equal(sessions[0]![1]!.view().state, 'searching');
    await Promise.all(sessions.flat().map((session) => session.started));
    assert.deepEqual(
      second.node.runs().map(({ runId }) => runId),
      runs.map(({ runId }) => runId),
    );
    const all = sessions.flat();
    await eventually('all are finished', () => all.every((one) => one.status().phase === 'finished'), 60_000);
    for (const [index, pair] of sessions.entries()) {
      const views = pair.map((session) => session.view());
      assert.equal(new Set(views.map(({ modelHash }) => modelHash)).size, 1);
      for (const view of views) {
        assert.equal(view.run?.name, index === 0 ? 'one' : 'two');
        assert.equal(view.contributions.length, 2, 'both contributed');
        assert.ok(view.countedRounds > 0 && view.deltasPublished > 0);
      }
    }
    await eventually('the model is saved', () => all[0]!.view().modelPath !== null);
    const { metadata } = await readSafetensors(join(directory, '0.safetensors'));
    assert.equal(metadata['modelHash'], all[0]!.view().modelHash);
    for (const { runId } of runs) {
      assert.ok((await keysOf(first.store, runPrefix(runId))).length > 0);
      const own = first.events.filter((event) => event.runId === runId && event.event.kind === 'published');
      assert.ok(own.length > 0);
    }
    assert.equal((await keysOf(first.store, '')).filter((key) => !key.startsWith('run/')).length, 0);
  });

  test('a run that began before there could have been one is refused, and nothing waits for it', async (t) => {
    const { node } = await started(t);
    const session = node.join(runNamed('ancient', -Date.now()), { data: 'a', backend: 'wasm' });
    await assert.rejects(session.started, { code: 'RUN_TOO_OLD' });
  });

  test('a run that cannot be taken part in leaves the others alone', async (t) => {
    const { node, events } = await started(t);
    const good = node.join(runNamed('good'), how('a'));
    const bad = node.join(runNamed('bad'), how('broken'));
    await assert.rejects(bad.started, { code: 'BAD_DATA', message: 'these data do not fit the run' });
    assert.equal((await bad.ended)?.message, 'these data do not fit the run');
    assert.deepEqual([bad.view().state, bad.view().failure], ['ended', 'these data do not fit the run']);
    await good.started;
    assert.deepEqual(
      node.runs().map(({ runId }) => runId),
      [good.runId],
    );
    assert.throws(() => bad.model(), { code: 'NOT_RUNNING' });
    const other = signManifest(
      { ...specOf(), startAtMs: Date.now(), initHash: '00'.repeat(32) },
      crypto,
      signerOf(9),
    );
    await assert.rejects(node.join(other, how('a')).started, { code: 'OTHER_START_VECTOR' });
    const initHash = '00'.repeat(32);
    // Anybody can sign one: nothing is taken for it before the machine and the data are looked at.
    const sized = (name: string, hidden: number[]): SignedManifest => {
      const model = { kind: 'mlp' as const, inputs: 65_536, hidden, outputs: 2 };
      return signManifest({ ...specOf(), name, model, startAtMs: Date.now(), initHash }, crypto, signerOf(9));
    };
    const huge = sized('huge', Array(16).fill(65_536));
    await assert.rejects(node.join(huge, how('a')).started, { code: 'MODEL_TOO_LARGE' });
    const before = process.memoryUsage().arrayBuffers;
    await assert.rejects(node.join(sized('large', [512]), how('broken')).started, { code: 'BAD_DATA' });
    assert.ok(
      process.memoryUsage().arrayBuffers - before < 100 << 20,
      'memory was taken before the data were read',
    );
    await eventually('the good one trains', () => good.view().deltasPublished > 0);
    assert.ok(!events.some(({ runId, event }) => runId === good.runId && event.kind === 'ended'));
  });

  test('a store that fails one run ends that run with a sentence, and no other', async (t) => {
    const [lucky, unlucky] = [runNamed('lucky'), runNamed('unlucky')];
    const { node } = await started(t, {
      around: (store) => ({
        entries: (prefix) => store.entries(prefix),
        close: () => store.close(),
        commit(writes, options) {
          if (writes.some(({ key }) => key.startsWith(runPrefix(unlucky.runId)))) {
            return Promise.reject(new Error('no space is left on the disk'));
          }
          return store.commit(writes, options);
        },
      }),
    });
    const [good, bad] = [lucky, unlucky].map((run) => node.join(run, how('a')));
    await Promise.all([good!.started, bad!.started]);
    assert.equal((await bad!.ended)?.message, 'no space is left on the disk');
    assert.equal(bad!.view().failure, 'no space is left on the disk');
    await eventually('the other goes on', () => good!.view().deltasPublished > 2);
    assert.equal(node.runs().length, 1);
  });

  test('leaves a run and takes it up again where it was', async (t) => {
    const { node, events } = await started(t);
    const run = runNamed('again');
    const first = node.join(run, how('a'));
    assert.throws(() => node.join(run, how('a')), { code: 'ALREADY_JOINED' });
    await eventually('it has published', () => first.view().deltasPublished >= 2);
    await node.leave(run.runId);
    assert.equal(await first.ended, null);
    assert.deepEqual([first.view().state, first.view().failure, node.runs().length], ['ended', null, 0]);
    const ends = () => events.flatMap(({ event }) => (event.kind === 'ended' ? [event.isLeft] : []));
    assert.deepEqual(ends(), [true]);
    await assert.rejects(node.leave(run.runId), { code: 'NOT_JOINED' });
    const second = node.join(run, how('a'));
    await eventually('it is finished', () => second.view().phase === 'finished', 30_000);
    const published = events.flatMap(({ event }) => (event.kind === 'published' ? [event.round] : []));
    assert.ok(published.length > first.view().deltasPublished);
    assert.equal(new Set(published).size, published.length, `no round twice: ${published}`);
  });

  test('a run that is left while its manifest is looked for is over at once', async (t) => {
    const { node } = await started(t);
    const session = node.join(runNamed('unknown').runId, how('a'));
    await node.leave(session.runId);
    await assert.rejects(session.started, { code: 'RUN_LEFT' });
    assert.equal(await session.ended, null);
  });

  test('takes part in no more runs than its limit', async (t) => {
    const { node } = await started(t, { limits: { runsMax: 1 } });
    node.join(runNamed('one'), how('a'));
    assert.throws(() => node.join(runNamed('two'), how('a')), { code: 'TOO_MANY_RUNS' });
  });
});
