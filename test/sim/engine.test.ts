import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Engine } from '../../sim/engine.ts';
import { type EngineEnd, type EngineOptions, LivelockError } from '../../sim/engine-options.ts';
import type { Fate } from '../../sim/fate.ts';
import { handledPlan } from '../../sim/handled-plan.ts';
import { CoreContractError, type PeerPlan } from '../../sim/virtual-node.ts';
import { rngFor } from '../../src/math/rng.ts';
import { RumourCore, type RumourOptions } from './rumour-core.ts';

const rounds = 5;
const slotMs = 1000;
const startAtMs = 3000;

const noLoss = { chance: 0, burst: 1 };

/** Each message for itself. */
const lossy = (chance: number) => ({ chance, burst: 1 / (1 - chance) });

type World = Partial<Omit<EngineOptions, 'network'>> & {
  readonly count?: number;
  readonly network?: Partial<EngineOptions['network']>;
  readonly core?: Partial<RumourOptions>;
};

function engineOf({ seed = 'test', count = 12, network, core, fates, ...rest }: World): Engine {
  const peers: PeerPlan[] = Array.from({ length: count }, (_, index) => ({
    key: index.toString(16).padStart(64, '0'),
    share: 0,
    msPerStep: 1,
    createCore: (stored, incarnation) => {
      const rng = rngFor(`${seed}/core/${index}/${incarnation}`);
      const options = {
        name: `p${index}`,
        startAtMs,
        slotMs,
        rounds,
        padBytes: 100,
        repair: true,
        timeoutMs: 900,
      };
      return new RumourCore({ ...options, ...core }, stored, () => rng.float());
    },
  }));
  const boots: Fate[] = peers.map((_, peer) => ({ kind: 'boot', peer, atUs: peer * 1000 }));
  return new Engine(
    {
      seed,
      peers,
      untilMs: 60_000,
      eventsMax: 100_000,
      streamKey: () => '',
      ...rest,
      fates: [...boots, ...(fates ?? [])],
      network: {
        latency: { min: 10, max: 50 },
        jitterMs: 5,
        loss: noLoss,
        packetLoss: 0,
        upBytesPerSecond: 1e6,
        downBytesPerSecond: 1e7,
        overheadBytes: 100,
        degree: 8,
        floodPublish: true,
        ...network,
      },
    },
    { training: null },
  );
}

function hashes(engine: Engine): Set<string | undefined> {
  return new Set(engine.nodes.map((node) => node.core?.status(0).modelHash));
}

function wordsOf(engine: Engine, peer: number): number {
  return (engine.nodes[peer]!.core as RumourCore).words.size;
}

async function runTo(end: EngineEnd, engine: Engine): Promise<Engine> {
  assert.equal(await engine.run(), end);
  return engine;
}

describe('Engine', () => {
  it('repeats itself bit for bit for one seed, and does something else for another', async () => {
    const world: World = {
      network: { loss: lossy(0.1) },
      fates: [{ kind: 'crash', peer: 3, atUs: 5_500_000 }],
    };
    const one = await runTo('finished', engineOf(world));
    const two = await runTo('finished', engineOf(world));
    const other = await runTo('finished', engineOf({ ...world, seed: 'other' }));
    assert.equal(one.trace.digest(), two.trace.digest());
    assert.ok(one.trace.events > 1000);
    assert.notEqual(one.trace.digest(), other.trace.digest());
  });

  it('spreads every announcement to every peer by rumour alone', async () => {
    for (const floodPublish of [true, false]) {
      const engine = await runTo(
        'finished',
        engineOf({ network: { floodPublish }, core: { repair: false } }),
      );
      assert.equal(hashes(engine).size, 1);
      assert.equal(wordsOf(engine, 0), 12 * rounds);
      assert.ok(engine.carrier.duplicates > 0);
    }
  });

  it('loses messages at 25 % loss, which anti-entropy repairs and rumour alone does not', async () => {
    const network = { loss: lossy(0.25), degree: 3, floodPublish: false };
    const rumour = await runTo('finished', engineOf({ network, core: { repair: false } }));
    assert.ok(hashes(rumour).size > 1);
    const repaired = await runTo('finished', engineOf({ network, core: { rounds: 15 } }));
    assert.equal(hashes(repaired).size, 1);
    assert.equal(wordsOf(repaired, 0), 12 * 15);
    const failures = repaired.nodes.flatMap((node) => (node.core as RumourCore).failures);
    assert.ok(failures.includes('timed out'));
  });

  it('restarts a crashed node with what its store held', async () => {
    const fates: Fate[] = [
      { kind: 'crash', peer: 2, atUs: 5_400_000 },
      { kind: 'boot', peer: 2, atUs: 7_600_000 },
    ];
    const engine = await runTo('finished', engineOf({ fates }));
    assert.equal(engine.nodes[2]!.incarnation, 2);
    assert.equal(hashes(engine).size, 1);
    // Said words of slots 0 to 2 before the crash; slot 3 went by while it was down; said the last one after it.
    const own = [...(engine.nodes[2]!.core as RumourCore).words].filter((word) => word.startsWith('p2/'));
    assert.deepEqual(own.map((word) => Number(word.split('/')[1])).sort(), [0, 1, 2, 4]);
  });

  it('tells the neighbours of a dead node, and fails what they had asked it', async () => {
    const fates: Fate[] = [{ kind: 'crash', peer: 1, atUs: 4_000_001 }];
    const engine = await runTo(
      'finished',
      engineOf({ count: 2, fates, network: { latency: { min: 50, max: 50 } } }),
    );
    const survivor = engine.nodes[0]!;
    assert.equal(survivor.links.size, 0);
    assert.deepEqual((survivor.core as RumourCore).failures, ['connection lost']);
    assert.equal(engine.nodes[1]!.alive, false);
  });

  it('lets a node that is stopped hear the answers to its last requests', async () => {
    const network = { latency: { min: 50, max: 50 }, jitterMs: 0 };
    const leave: Fate = { kind: 'leave', peer: 1, atUs: 4_500_000 };
    const core = { timeoutMs: 10_000 };
    const goneAtUs = async (world: World): Promise<number> => {
      const engine = await runTo('finished', engineOf({ count: 2, network, core, ...world }));
      return engine.nodes[1]!.crashedAtUs;
    };
    const answered = await goneAtUs({ fates: [leave] });
    assert.ok(answered > 4_600_000 && answered < 4_610_000, `gone after a round trip, at ${answered}`);
    const parts = Uint8Array.of(0, 1);
    const parted = await goneAtUs({ fates: [{ kind: 'part', peer: 0, parts, atUs: 4_500_000 - 1 }, leave] });
    assert.equal(parted, 6_500_000, 'nobody answers: gone after two seconds');
    assert.equal(await goneAtUs({ fates: [leave], core: { repair: false } }), 4_500_000, 'nothing to ask');
  });

  it('starts a node again that is about to be gone', async () => {
    const fates: Fate[] = [
      { kind: 'part', peer: 0, parts: Uint8Array.of(0, 1, 0), atUs: 4_400_000 },
      { kind: 'leave', peer: 1, atUs: 4_500_000 },
      { kind: 'boot', peer: 1, atUs: 5_000_000 },
      { kind: 'mend', peer: 0, atUs: 5_100_000 },
    ];
    const engine = await runTo('finished', engineOf({ count: 3, fates, core: { timeoutMs: 10_000 } }));
    const { incarnation, alive, crashedAtUs } = engine.nodes[1]!;
    assert.deepEqual(
      { incarnation, alive, crashedAtUs },
      { incarnation: 2, alive: true, crashedAtUs: 5_000_000 },
    );
    assert.equal(hashes(engine).size, 1);
  });

  it('counts what a message costs, once for the sender and once for the receiver', async () => {
    const engine = await runTo(
      'finished',
      engineOf({ count: 2, core: { repair: false, rounds: 1, padBytes: 0 } }),
    );
    // One announcement each way, "p0/0/" and "p1/0/": five bytes of payload, a hundred of overhead, 40 of headers.
    assert.deepEqual([...engine.network.sentBytes], [145, 145]);
    assert.deepEqual([...engine.network.receivedBytes], [145, 145]);
  });

  it('stops at its time limit and when it is told to', async () => {
    await runTo('time-limit', engineOf({ untilMs: 5000 }));
    assert.equal(await engineOf({}).run(AbortSignal.abort()), 'aborted');
  });

  it('says so where virtual time stands still', async () => {
    const engine = engineOf({ count: 1 });
    const plan = handledPlan(engine.nodes[0]!.plan, (_core, _input, nowMs) => [
      { type: 'wake-at', atMs: nowMs },
    ]);
    await assert.rejects(engineOf({ peers: [plan], count: 1 }).run(), LivelockError);
  });

  it('does not let a core leave an announcement without a verdict', async () => {
    const engine = engineOf({ count: 2 });
    const silent = handledPlan(engine.nodes[0]!.plan, (core, input, nowMs) =>
      input.type === 'announcement' ? [] : core.handle(input, nowMs),
    );
    const world = engineOf({ peers: [silent, engine.nodes[1]!.plan], count: 2 });
    await assert.rejects(world.run(), CoreContractError);
  });
});
