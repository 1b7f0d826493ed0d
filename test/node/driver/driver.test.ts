import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  leaveMs,
  lingerMs,
  type ProtocolCore,
  type ProtocolEvent,
  type Verdict,
} from '../../../src/core/io.ts';
import type { Transport, TransportHandlers } from '../../../src/core/ports.ts';
import type { Learner, TrainRequest } from '../../../src/learning/learner.ts';
import { LearnerBrokenError, TrainingDivergedError } from '../../../src/learning/learning-error.ts';
import { encodeEnvelope, openEnvelope } from '../../../src/log/envelope.ts';
import { encodeRequest } from '../../../src/log/wire.ts';
import { createCore } from '../../../src/methods/create-core.ts';
import { NodeDriver } from '../../../src/node/driver/driver.ts';
import type { DriverLimits, DriverOptions, InputFault } from '../../../src/node/driver/driver-options.ts';
import { openLevelStore } from '../../../src/platform/node/level-store.ts';
import { secretBytes } from '../../../src/platform/node/secrets.ts';
import {
  contextOf,
  crypto,
  messageOf,
  signerOf,
  smallRun,
  smallVector,
  startAtMs,
} from '../../log/small-run.ts';
import { HeldStore } from '../held-store.ts';
import { ManualClock } from '../manual-clock.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-driver-'));
after(() => rm(directory, { recursive: true, force: true }));

const run = smallRun({ strategy: { expectedPeers: 8, committeeSize: 256 } });
const context = contextOf(run);
const self = 0;
const stranger = signerOf(1).key;
const snapshotsRequest = encodeRequest({ kind: 'snapshots' });

/** Announcements of `round`, each of another author. */
function announcements(count: number, round = 0): Uint8Array[] {
  const vector = smallVector(run.initial.length, 'delta');
  return Array.from({ length: count }, (_, index) =>
    encodeEnvelope(messageOf(context, signerOf(1 + index), round, vector)),
  );
}

/** The end of the node that peers see. */
class FarEnd implements Transport {
  readonly announced: Uint8Array[] = [];
  #handlers: TransportHandlers | null = null;

  get handlers(): TransportHandlers {
    if (!this.#handlers) throw new Error('the transport was not started');
    return this.#handlers;
  }

  async start(handlers: TransportHandlers): Promise<void> {
    this.#handlers = handlers;
  }

  async stop(): Promise<void> {}

  async announce(bytes: Uint8Array): Promise<void> {
    this.announced.push(bytes);
  }

  request(): Promise<never> {
    return Promise.reject(new Error('nobody answers here'));
  }

  blame(): void {}
}

/** Learns a fixed change, at once. */
const learner: Learner = {
  size: run.initial.length,
  backend: 'fixed',
  async train({ parameters }: TrainRequest) {
    return {
      parameters: parameters.map((value, k) => value + 0.01 * ((k % 7) - 3)),
      loss: 1,
    };
  },
  score: async (vectors) => vectors.map(() => 1),
  evaluate: async () => ({ accuracy: 0, loss: 1, examples: 1 }),
  close: async () => {},
};

interface Driven {
  readonly clock: ManualClock;
  readonly store: HeldStore;
  readonly far: FarEnd;
  readonly driver: NodeDriver;
  readonly core: ProtocolCore;
  readonly events: ProtocolEvent[];
  readonly faults: InputFault[];
  readonly fatal: Error[];
}

let stores = 0;

async function driven(
  t: { after(act: () => Promise<void>): void },
  limits: Partial<DriverLimits> = {},
  around: (core: ProtocolCore) => ProtocolCore = (core) => core,
  who: Learner = learner,
  budget: Pick<DriverOptions, 'charge' | 'giveBack'> = {},
): Promise<Driven> {
  const clock = new ManualClock(startAtMs - 1);
  const store = new HeldStore(await openLevelStore(join(directory, `store-${stores++}`)));
  const far = new FarEnd();
  const { manifest, runId, initial } = run;
  const dependencies = {
    ...{ crypto, signer: signerOf(self), initial, random: () => 0, secretBytes, stored: [] },
  };
  const core = around(createCore(manifest, runId, dependencies));
  const [events, faults, fatal]: [ProtocolEvent[], InputFault[], Error[]] = [[], [], []];
  const driver = new NodeDriver({
    core,
    learner: who,
    transport: far,
    store,
    clock,
    streamKey: String,
    ...budget,
    limits,
    onEvent: (event) => events.push(event),
    onFault: (fault) => faults.push(fault),
    onFatal: (error) => fatal.push(error),
  });
  await driver.start();
  t.after(async () => {
    store.release();
    await driver.stop();
    await store.close();
  });
  return { clock, store, far, driver, core, events, faults, fatal };
}

/** Waits, a turn of the event loop at a time, until the condition holds. */
async function until(what: string, condition: () => boolean): Promise<void> {
  const endMs = Date.now() + 20_000;
  while (!condition()) {
    assert.ok(Date.now() < endMs, `never: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function storedKeys(store: HeldStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const [key] of store.entries()) keys.push(key);
  return keys;
}

/** Trains round 0 to its end, so that the node has a message of its own on its way to the disk. */
async function publishRoundZero({ clock, store, core }: Driven): Promise<void> {
  clock.advanceTo(startAtMs);
  await until('its own message is written', () => store.commits > 0);
  assert.deepEqual(core.status(clock.nowMs()).lastTrained, { round: 0, loss: 1 });
}

test('an announcement, its event and answers that may hand it out follow the transaction that paid for it', async (t) => {
  const node = await driven(t);
  node.store.hold();
  await publishRoundZero(node);
  const published = (): boolean => node.events.some(({ kind }) => kind === 'published');
  let answered = false;
  const answer = node.far.handlers.request(stranger, snapshotsRequest).then(() => {
    answered = true;
  });
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([node.far.announced.length, published(), answered], [0, false, false]);
  assert.deepEqual(await storedKeys(node.store), []);

  node.store.release();
  await answer;
  await until('it is announced', () => node.far.announced.length === 1);
  assert.ok(published());
  const keys = await storedKeys(node.store);
  assert.ok(
    keys.includes('self/residual') && keys.some((key) => key.startsWith('log/0000000000/')),
    `${keys}`,
  );
});

test('64 answers wait for a disk that stands still, more are refused at once', async (t) => {
  const node = await driven(t);
  node.store.hold();
  await publishRoundZero(node);
  const ask = (): Promise<unknown> => node.far.handlers.request(stranger, snapshotsRequest);
  const waiting = Array.from({ length: 64 }, ask);
  await assert.rejects(ask(), /too many answers wait for the disk/);
  node.store.release();
  await Promise.all(waiting);
  await ask();
});

test('verdicts and answers do not wait for a disk that stands still', async (t) => {
  const node = await driven(t);
  node.clock.advanceTo(startAtMs);
  await until('its own message is out', () => node.far.announced.length === 1);
  node.store.hold();
  const [first, second] = announcements(2, 1);
  assert.equal(await node.far.handlers.announcement(stranger, first!), 'accept');
  assert.equal(await node.far.handlers.announcement(stranger, second!), 'accept');
  assert.deepEqual(await node.far.handlers.request(stranger, snapshotsRequest), []);
  assert.equal(node.events.filter(({ kind }) => kind === 'accepted').length, 2);
  assert.ok(node.driver.load.unsavedBytes > 0);
  node.store.release();
  await until('the disk has caught up', () => node.driver.load.unsavedBytes === 0);
  assert.equal((await storedKeys(node.store)).filter((key) => key.startsWith('log/0000000001/')).length, 2);
});

test('a frame of 6,000 forged announcements on a disk that stands still stops nobody', async (t) => {
  const node = await driven(t);
  node.store.hold();
  await publishRoundZero(node);
  const [honest] = announcements(1);
  const forged = Uint8Array.from(honest!);
  forged[forged.length - 1]! ^= 1;
  const verdicts = await Promise.all(
    Array.from({ length: 6000 }, () => node.far.handlers.announcement(stranger, forged)),
  );
  assert.deepEqual(new Set(verdicts), new Set<Verdict>(['reject']));
  assert.equal(await node.far.handlers.announcement(stranger, honest!), 'accept');
  assert.deepEqual(node.fatal, []);
  node.store.release();
  await until('it is announced', () => node.far.announced.length === 1);
});

test('what gives a slow disk more to write is held back, bounded, and none of it is lost', async (t) => {
  const limits = { waitingWritesMax: 10, heldAnnouncementsMax: 20 };
  const node = await driven(t, limits);
  node.clock.advanceTo(startAtMs);
  await until('its own message is out', () => node.far.announced.length === 1);
  node.store.hold();
  const verdicts: Verdict[] = [];
  for (const bytes of announcements(100)) {
    void node.far.handlers.announcement(stranger, bytes).then((verdict) => verdicts.push(verdict));
  }
  await until('the surplus has its verdicts', () => verdicts.length === 80);
  assert.deepEqual(
    [verdicts.filter((verdict) => verdict === 'accept').length, node.driver.load.announcementsDropped],
    [10, 70],
  );
  // Questions are answered all the same.
  assert.deepEqual(await node.far.handlers.request(stranger, snapshotsRequest), []);
  node.store.release();
  await until('those that were held have theirs', () => verdicts.length === 100);
  await until('the disk has caught up', () => node.driver.load.unsavedBytes === 0);
  const stored = (await storedKeys(node.store)).filter((key) => key.startsWith('log/0000000000/'));
  assert.equal(stored.length, 1 + 10 + 20);
  assert.deepEqual(node.fatal, []);
});

test('what arrived while the disk stood still goes there in one transaction', async (t) => {
  const node = await driven(t);
  node.store.hold();
  await publishRoundZero(node);
  for (const bytes of announcements(50)) await node.far.handlers.announcement(stranger, bytes);
  assert.equal(node.store.commits, 1);
  node.store.release();
  await until('the disk has caught up', () => node.driver.load.unsavedBytes === 0);
  assert.equal(node.store.commits, 2);
});

test('a message on which the core breaks is dropped and reported; the node goes on', async (t) => {
  const node = await driven(t, {}, (core) => ({
    status: (nowMs) => core.status(nowMs),
    model: () => core.model(),
    handle(input, nowMs) {
      const isPoison =
        (input.type === 'announcement' || input.type === 'request') && input.bytes.length === 3;
      if (isPoison) throw new Error('the core is broken');
      return core.handle(input, nowMs);
    },
  }));
  const poison = new Uint8Array(3);
  assert.equal(await node.far.handlers.announcement(stranger, poison), 'ignore');
  await assert.rejects(node.far.handlers.request(stranger, poison), { code: 'REFUSED' });
  assert.deepEqual(
    node.faults.map(({ input, from, error }) => [input, from, error.message]),
    [
      ['announcement', stranger, 'the core is broken'],
      ['request', stranger, 'the core is broken'],
    ],
  );
  assert.deepEqual(node.fatal, []);
  node.clock.advanceTo(startAtMs);
  await until('it trains and announces', () => node.far.announced.length === 1);
});

test('a learner that fails costs its rounds, one that is broken ends the run with its sentence', async (t) => {
  const failing = (error: Error): Learner => ({ ...learner, train: () => Promise.reject(error) });
  const keep = (core: ProtocolCore): ProtocolCore => core;
  const crashed = await driven(t, {}, keep, failing(new Error('it crashed')));
  crashed.clock.advanceTo(startAtMs);
  const skipped = () =>
    crashed.events.some((event) => event.kind === 'skipped' && event.reason === 'it crashed');
  await until('the round is skipped', skipped);
  assert.deepEqual(crashed.fatal, []);
  const broken = await driven(t, {}, keep, failing(new LearnerBrokenError('it is broken')));
  broken.clock.advanceTo(startAtMs);
  await until('it gave up', () => broken.fatal.length > 0);
  assert.deepEqual(
    broken.fatal.map(({ message }) => message),
    ['it is broken'],
  );
});

test('what diverges when it is trained again is found out, what fails here says nothing', async (t) => {
  const parameters = new Float32Array(run.initial.length);
  const ends = async (error: Error): Promise<Float32Array | null> => {
    const ended: (Float32Array | null)[] = [];
    const asking = (core: ProtocolCore): ProtocolCore => {
      const { handle } = core;
      core.handle = (input, nowMs) => {
        if (input.type === 'retrained') ended.push(input.parameters);
        const out = handle.call(core, input, nowMs);
        const about = { id: 'ab', author: stranger, round: 0, steps: 1, scheduleRound: 0, parameters };
        return input.type === 'start' ? [...out, { type: 'retrain', ...about }] : out;
      };
      return core;
    };
    await driven(t, {}, asking, { ...learner, train: () => Promise.reject(error) });
    await until('it was trained again', () => ended.length > 0);
    return ended[0]!;
  };
  assert.ok((await ends(new TrainingDivergedError('no numbers')))!.every(Number.isNaN));
  assert.equal(await ends(new Error('out of memory')), null);
});

/** Trains until it is told that it is enough, and has then made a step; or, told to be stubborn, until it is ended. */
function endless(began: () => void, isStubborn = false): Learner {
  const aborted = (signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
  return {
    ...learner,
    async train(request, signal, enough) {
      began();
      await Promise.race([aborted(signal), isStubborn ? new Promise(() => {}) : aborted(enough)]);
      signal?.throwIfAborted();
      return { ...(await learner.train(request)), steps: 1 };
    },
  };
}

test('a node that stops publishes what its training came to so far, and stays until peers can have it', async (t) => {
  let begun = 0;
  const who = endless(() => {
    begun += 1;
  });
  const paid: number[] = [];
  const budget = {
    charge: async (_: number, steps: number) => {
      paid.push(steps);
      return { clipNorm: 1, noiseMultiplier: 1 };
    },
    giveBack: async (steps: number) => {
      paid.push(-steps);
    },
  };
  const node = await driven(t, {}, (core) => core, who, budget);
  node.clock.advanceTo(startAtMs);
  await until('it trains', () => begun === 1);
  let hasStopped = false;
  const stopping = node.driver.stop().then(() => {
    hasStopped = true;
  });
  await until('it is announced', () => node.far.announced.length === 1);
  const opened = openEnvelope(node.far.announced[0]!, context.envelopes);
  assert.ok(opened.ok);
  const { localSteps } = run.manifest.training;
  assert.deepEqual([opened.envelope.claims[1], paid], [1, [localSteps, 1 - localSteps]]);
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(await node.far.handlers.request(stranger, snapshotsRequest), []);
  assert.equal(hasStopped, false);
  node.clock.advanceTo(startAtMs + lingerMs);
  await stopping;
  assert.ok((await storedKeys(node.store)).some((key) => key.startsWith('log/0000000000/')));
});

test('a training that does not end when it is told to holds a node up for no longer than others may', async (t) => {
  let begun = 0;
  const who = endless(() => {
    begun += 1;
  }, true);
  const node = await driven(t, {}, (core) => core, who);
  node.clock.advanceTo(startAtMs);
  await until('it trains', () => begun === 1);
  let hasStopped = false;
  const stopping = node.driver.stop().then(() => {
    hasStopped = true;
  });
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  await turns();
  node.clock.advanceTo(startAtMs + leaveMs - 1);
  await turns();
  assert.equal(hasStopped, false);
  node.clock.advanceTo(startAtMs + leaveMs);
  await stopping;
  assert.deepEqual(node.far.announced, []);
});

test('a store that fails ends the node with its sentence, once', async (t) => {
  const node = await driven(t);
  await node.store.close();
  node.clock.advanceTo(startAtMs);
  await until('it gave up', () => node.fatal.length > 0);
  assert.match(node.fatal[0]!.message, /the store .* cannot be used/);
  assert.equal(await node.far.handlers.announcement(stranger, announcements(1)[0]!), 'ignore');
  assert.deepEqual([node.fatal.length, node.far.announced.length], [1, 0]);
});
