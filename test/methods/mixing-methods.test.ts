/** The contract that every mixing method keeps, stepped by hand, and figures of the literature. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rngFor } from '../../src/math/rng.ts';
import { squaredDistance, type Vector } from '../../src/math/vector.ts';
import { createMixingPeer, type MixingMethodInput } from '../../src/methods/mixing/create-mixing-peer.ts';
import type { MixingMethod } from '../../src/methods/mixing/mixing-method.ts';
import type { MixingPeer } from '../../src/methods/mixing/mixing-peer.ts';
import { stepNetwork } from '../../src/methods/mixing/step-network.ts';
import { mixingMethods } from '../../src/methods/registry.ts';
import {
  createTopology,
  type TopologyInput,
  type TopologySpec,
} from '../../src/methods/topologies/registry.ts';
import { farthest, normals, spread } from './random-vectors.ts';

interface Case {
  readonly input: MixingMethodInput;
  readonly topology: TopologySpec;
}

const size = 30;
const n = 16;

function peersOf(input: MixingMethodInput, initials: readonly Vector[]): MixingPeer[] {
  return initials.map((initial, i) => {
    const rng = rngFor(`strategies/${input.id}/${i}`);
    return createMixingPeer(input, { initial, rounds: 100, random: () => rng.float() });
  });
}

const registered: readonly Case[] = mixingMethods.flatMap((method: MixingMethod) =>
  method.examples.map((input) => {
    const spec = method.schema.parse(input);
    return { input: input as MixingMethodInput, topology: method.topology(spec) };
  }),
);
const weights = 'metropolis-hastings';
const ring: TopologySpec = { id: 'ring', weights };
const cases: readonly Case[] = [
  ...registered,
  { input: { id: 'd-psgd' }, topology: { id: 'base-graph', degree: 2 } },
  { input: { id: 'ad-psgd' }, topology: { id: 'random-regular', degree: 3, weights } },
  { input: { id: 'sgp' }, topology: { id: 'one-peer-exponential' } },
  { input: { id: 'gossip-learning', partitions: 3 }, topology: { id: 'complete' } },
];

const none = new Array<null>(n).fill(null);
const models = (peers: readonly MixingPeer[]) => peers.map(({ model }) => model);
const meanAt = (vectors: readonly Vector[], k: number) =>
  vectors.reduce((sum, x) => sum + x[k]!, 0) / vectors.length;

for (const one of cases) {
  describe(`${JSON.stringify(one.input)} on ${one.topology.id}`, () => {
    const topology = createTopology(one.topology, n, 'strategies');
    const start = Array.from({ length: n }, () => new Float64Array(size));
    const updates = normals(n, size, 'initials');
    // All begin alike, as in every run, and the first round of training leads them apart.
    const begun = (): MixingPeer[] => {
      const peers = peersOf(one.input, start);
      stepNetwork(peers, topology, { round: 0, updates });
      return peers;
    };

    test('without training everybody comes to agree', () => {
      const peers = begun();
      for (let round = 1; round < 400; round++) stepNetwork(peers, topology, { round, updates: none });
      assert.ok(spread(models(peers)) < 1e-3 * spread(updates), `${spread(models(peers))}`);
    });

    test('with training towards points of their own they end near the mean of these', () => {
      const points = normals(n, size, 'points');
      const peers = begun();
      for (let round = 1; round < 600; round++) {
        const steps = peers.map(({ model }, i) => model.map((value, k) => 0.02 * (points[i]![k]! - value)));
        stepNetwork(peers, topology, { round, updates: steps });
      }
      const best = Float64Array.from({ length: size }, (_, k) => meanAt(points, k));
      const origin = squaredDistance(best, new Float64Array(size));
      const gap = Math.max(...models(peers).map((model) => squaredDistance(model, best)));
      assert.ok(gap < 0.6 * (origin + size * 0.2), `${gap}, from the origin ${origin}`);
    });

    test('goes on from its state as if nothing had happened', () => {
      const peers = begun();
      const twins = begun();
      for (let round = 1; round < 4; round++) {
        for (const group of [peers, twins]) stepNetwork(group, topology, { round, updates: none });
      }
      const state = twins[3]!.state();
      const [fresh] = peersOf(one.input, [start[3]!]);
      fresh!.restore(structuredClone(state));
      assert.deepEqual(fresh!.model, peers[3]!.model);
      assert.deepEqual(fresh!.state(), state);
    });

    test('keeps what others cannot change: parcels of another form are not accepted', () => {
      const [peer] = begun();
      const wrong = new Float64Array(size + 1);
      assert.equal(peer!.accepts({ numbers: [], vectors: [], body: new Uint8Array(0) }), false);
      assert.equal(peer!.accepts({ numbers: [0, 1], vectors: [wrong], body: new Uint8Array(0) }), false);
      assert.equal(peer!.accepts({ numbers: [1], vectors: [], body: Uint8Array.of(1, 2, 3) }), false);
    });

    test('what it is given and what it gives is not changed behind anybody\u2019s back', () => {
      const peers = begun();
      const before = structuredClone(models(peers));
      const given = models(peers);
      stepNetwork(peers, topology, { round: 1, updates });
      assert.deepEqual(given, before);
      assert.deepEqual(updates, normals(n, size, 'initials'));
    });

    test('agrees under losses of a fifth of all messages', () => {
      const peers = begun();
      const rng = rngFor(`losses/${one.input.id}`);
      for (let round = 1; round < 600; round++) {
        stepNetwork(peers, topology, { round, updates: none, isLost: () => rng.float() < 0.2 });
      }
      assert.ok(spread(models(peers)) < 1e-2 * spread(updates), `${spread(models(peers))}`);
    });
  });
}

describe('facts about mixing methods', () => {
  const keepers: readonly Case[] = [
    { input: { id: 'd-psgd' }, topology: ring },
    { input: { id: 'd-psgd' }, topology: { id: 'base-graph', degree: 2 } },
    { input: { id: 'epidemic' }, topology: { id: 'epidemic-oracle', fanout: 3 } },
    { input: { id: 'moshpit' }, topology: { id: 'moshpit-grid', dimensions: 2 } },
    { input: { id: 'ad-psgd' }, topology: { id: 'random-regular', degree: 3, weights } },
    {
      input: { id: 'noloco', outerRate: 1, momentum: 0.3, consensusRate: 1 },
      topology: { id: 'random-matching' },
    },
  ];
  for (const { input, topology: spec } of keepers) {
    test(`the mean over all peers changes by nothing but training: ${input.id} on ${spec.id}`, () => {
      const initials = normals(n, size, 'initials');
      const topology = createTopology(spec, n, 'strategies');
      const peers = peersOf(input, initials);
      for (let round = 0; round < 400; round++) stepNetwork(peers, topology, { round, updates: none });
      assert.ok(spread(models(peers)) < 1e-3 * spread(initials));
      for (let k = 0; k < size; k++)
        assert.ok(Math.abs(meanAt(models(peers), k) - meanAt(initials, k)) < 1e-10);
    });
  }

  test('one asynchronous pair shrinks variance by 1 - 1/(n-1), within 1 %', () => {
    const rng = rngFor('fact 4');
    let ratios = 0;
    const draws = 4000;
    for (let draw = 0; draw < draws; draw++) {
      const x = normals(8, 40, `fact 4/${draw % 10}`);
      const before = spread(x);
      const [a, b] = rng.sample(8, 2) as [number, number];
      const peers = peersOf({ id: 'ad-psgd' }, x);
      const [sent] = peers[a]!.pack(0, { self: a, to: new Map([[b, 0.5]]), from: null }, null);
      peers[a]!.answered!(b, sent!.parcel, peers[b]!.answer!(a, sent!.parcel));
      ratios += spread(models(peers)) / before;
    }
    assert.ok(Math.abs(ratios / draws / (1 - 1 / 7) - 1) < 0.01, String(ratios / draws));
  });

  test('push-sum on the one-peer exponential graph of 16 is exact after four rounds', () => {
    const x = normals(16, 10, 'fact 6');
    const topology = createTopology({ id: 'one-peer-exponential' }, 16, '');
    const peers = peersOf({ id: 'sgp' }, x);
    for (let round = 0; round < 4; round++) stepNetwork(peers, topology, { round, updates: none });
    assert.ok(farthest(models(peers)) < 1e-12);
    for (let k = 0; k < 10; k++) assert.ok(Math.abs(peers[5]!.model[k]! - meanAt(x, k)) < 1e-12);
  });

  test('CHOCO on a ring of 25 keeps the mean, converges linearly with a small gamma and diverges with a large one', () => {
    const d = 2000;
    const x = normals(25, d, 'fact 7');
    const topology = createTopology({ id: 'ring', weights: 'uniform' }, 25, '');
    const codec = { id: 'top-k', chunk: null, perChunk: 20, values: 'float32' } as const;
    const run = (gamma: number, rounds: number): number[] => {
      const peers = peersOf(
        { id: 'choco', gamma, codec },
        x.map(() => new Float64Array(d)),
      );
      stepNetwork(peers, topology, { round: 0, updates: x });
      const spreads = [spread(models(peers))];
      for (let round = 1; round <= rounds; round++) {
        stepNetwork(peers, topology, { round, updates: new Array(25).fill(null) });
        if (round % 100 === 0) spreads.push(spread(models(peers)));
      }
      const scale = Math.max(1, ...models(peers).map((model) => Math.abs(model[0]!)));
      for (let k = 0; k < d; k += 97) {
        assert.ok(Math.abs(meanAt(models(peers), k) - meanAt(x, k)) < 1e-12 * scale);
      }
      return spreads;
    };
    // Linear: the ratio of one hundred rounds to the next stays below a constant.
    const small = run(0.04, 800);
    for (let i = 1; i < small.length; i++) assert.ok(small[i]! < 0.95 * small[i - 1]!, small.join(' '));
    // Looks like it for 600 rounds, and is not.
    const slow = run(0.1, 1000);
    assert.ok(slow[6]! < 0.05 * slow[0]! && slow[10]! > 1.3 * slow[6]!, slow.join(' '));
    const large = run(1, 100);
    assert.ok(large.at(-1)! > 100 * large[0]!, large.join(' '));
  });

  for (const [input, spec] of [
    [{ id: 'choco', gamma: 0.02, codec: { id: 'qsgd', levels: 1, bucket: 4096 } }, ring],
    [{ id: 'choco', gamma: 0.02, codec: { id: 'rand-k-unbiased', chunk: null, perChunk: 3 } }, ring],
    [
      { id: 'diloco', outerRate: 0.3, momentum: 0, codec: { id: 'qsgd', levels: 1, bucket: 4096 } },
      { id: 'complete' },
    ],
  ] as const satisfies readonly (readonly [MixingMethodInput, TopologyInput])[]) {
    test(`a codec of large variance does not run away: ${JSON.stringify(input)}`, () => {
      const points = normals(n, 256, 'variance');
      const start = new Float64Array(256);
      const peers = peersOf(input, new Array(n).fill(start));
      const topology = createTopology(spec, n, '');
      for (let round = 0; round < 300; round++) {
        const updates = peers.map(({ model }, i) => model.map((value, k) => 0.05 * (points[i]![k]! - value)));
        stepNetwork(peers, topology, { round, updates });
      }
      const length = Math.max(...models(peers).map((model) => squaredDistance(model, start)));
      assert.ok(length < 4 * 256, `${length}: the points are ${256} from the start`);
    });
  }

  test('DiLoCo with SGD, H = 1, outer rate 1 and no momentum is synchronous SGD', () => {
    const peersN = 5;
    const points = normals(peersN, 12, 'fact 13');
    const initial = normals(1, 12, 'fact 13/start')[0]!;
    const input: MixingMethodInput = { id: 'diloco', outerRate: 1, momentum: 0, residualDecay: 1 };
    const peers = peersOf(
      input,
      points.map(() => initial),
    );
    const topology = createTopology({ id: 'complete' }, peersN, '');
    const gradient = (x: Vector, i: number) => x.map((value, k) => value ** 3 - points[i]![k]!);
    let central: Vector = initial.slice();
    for (let round = 0; round < 50; round++) {
      const updates = peers.map(({ model }, i) => gradient(model, i).map((g) => -0.05 * g));
      stepNetwork(peers, topology, { round, updates });
      const all = points.map((_, i) => gradient(central, i));
      central = central.map((value, k) => value - (0.05 * all.reduce((sum, g) => sum + g[k]!, 0)) / peersN);
    }
    for (const { model } of peers) assert.ok(squaredDistance(model, central) < 1e-12);
  });

  test('DiLoCo: who was left out for a round asks the majority and holds their model again', () => {
    const input: MixingMethodInput = { id: 'diloco', outerRate: 0.7, momentum: 0.9, residualDecay: 1 };
    const initial = normals(1, 9, 'apart')[0]!;
    const peers = peersOf(input, [initial, initial, initial, initial, initial]);
    const topology = createTopology({ id: 'complete' }, 5, '');
    const updates = normals(5, 9, 'apart/updates');
    stepNetwork(peers, topology, { round: 0, updates, isLost: (_, to) => to === 2 });
    assert.notDeepEqual(peers[2]!.model, peers[0]!.model);
    for (const round of [1, 2]) stepNetwork(peers, topology, { round, updates });
    for (const { model } of peers) assert.deepEqual(model, peers[0]!.model);
  });

  test('CHOCO: who missed a difference asks for the copy and has it', () => {
    const codec = { id: 'top-k', chunk: null, perChunk: 12, values: 'float32' } as const;
    const input: MixingMethodInput = { id: 'choco', gamma: 0.2, codec };
    const topology = createTopology(ring, n, '');
    const peers = peersOf(input, new Array(n).fill(new Float64Array(size)));
    stepNetwork(peers, topology, {
      round: 0,
      updates: normals(n, size, 'choco'),
      isLost: (_, to) => to === 4,
    });
    stepNetwork(peers, topology, { round: 1, updates: none });
    assert.deepEqual(peers[4]!.wants!(), []);
    for (let round = 2; round < 400; round++) stepNetwork(peers, topology, { round, updates: none });
    assert.ok(farthest(models(peers)) < 0.05);
  });
});
