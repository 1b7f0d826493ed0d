/** The simulator against theory: what it says of spreading and mixing must be what is known of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Engine } from '../../sim/engine.ts';
import { distanceToMean } from '../../sim/final-models.ts';
import { resolveScenario, type Scenario, scenarioFileSchema } from '../../sim/scenario/scenario.ts';
import { type InstantLearner, TrainingLine } from '../../sim/training-line.ts';
import { buildWorld } from '../../sim/world.ts';
import { rngFor } from '../../src/math/rng.ts';

function scenarioOf(peers: number, strategy: object, network: object, rounds: number): Scenario {
  const content = scenarioFileSchema.parse({
    peers,
    signatures: 'simulated',
    learner: { id: 'quadratic' },
    run: {
      name: 'validation',
      model: { kind: 'logistic-regression', inputs: 7, outputs: 2 },
      task: { kind: 'idx-images' },
      training: { localSteps: 1 },
      strategy,
      rounds,
      slotMs: 2000,
    },
    network: { jitterMs: 0, upBytesPerSecond: null, downBytesPerSecond: null, ...network },
  });
  return resolveScenario(content, undefined, 'validation');
}

/** Every peer gets a vector of its own in round 0 and learns nothing after it. */
function scatterOnce(size: number): InstantLearner {
  const learner: InstantLearner = {
    size,
    backend: 'scatters peers once',
    trainNow({ parameters, round, streamKey }) {
      const result = parameters.slice();
      if (round === 0) rngFor(streamKey).fillUniform(result, -1, 1);
      return { parameters: result, loss: 1 };
    },
    train: async (request) => learner.trainNow(request),
    score: async (vectors) => vectors.map(() => 0),
    evaluate: async () => ({ accuracy: 0, loss: 0, examples: 0 }),
    close: async () => undefined,
  };
  return learner;
}

/** Hops that the announcement of one peer takes until the last peer has it, where each takes as long but for the pause before it (20 ms in the mean). */
async function hopsToAll(peers: number): Promise<number> {
  const latencyMs = 40;
  const hopMs = latencyMs + 20;
  const network = { degree: 8, floodPublish: false, latencyMs: { min: latencyMs, max: latencyMs } };
  // About two peers publish in a round; the rest forwards.
  const scenario = scenarioOf(peers, { id: 'delta-log', committeeSize: 2, expectedPeers: peers }, network, 4);
  const { engine: options } = await buildWorld(scenario);
  const published = new Map<string, number>();
  const reached = new Map<string, { count: number; lastUs: number }>();
  const engine = new Engine(options, {
    training: new TrainingLine([scatterOnce(16)]),
    observe: (timeUs, { plan }, event) => {
      if (event.kind === 'published') published.set(`${event.round}/${plan.key}`, timeUs);
      if (event.kind !== 'accepted') return;
      const name = `${event.round}/${event.author}`;
      const before = reached.get(name)?.count ?? 0;
      reached.set(name, { count: before + 1, lastUs: timeUs });
    },
  });
  await engine.run();
  const hops = [...published].map(([name, atUs]) => {
    const { count, lastUs } = reached.get(name) ?? { count: 0, lastUs: atUs };
    assert.equal(count, peers - 1, `${name} reached ${count} of ${peers}`);
    return (lastUs - atUs) / (1000 * hopMs);
  });
  assert.ok(hops.length > 0);
  return hops.reduce((sum, count) => sum + count, 0) / hops.length;
}

describe('the simulator against theory', () => {
  it('spreads an announcement in O(log n) hops', async () => {
    const [small, middle, large] = [await hopsToAll(64), await hopsToAll(512), await hopsToAll(4096)];
    // A mesh of degree 4 to 5 reaches three new peers or more with each hop: log_3 8 = 1.9 more hops for eight times the peers.
    assert.ok(small >= 3 && small <= 8, `${small} hops to 64`);
    for (const [more, name] of [
      [middle - small, '512'],
      [large - middle, '4096'],
    ] as const) {
      assert.ok(more > 1 && more < 4, `${more} more hops to ${name}`);
    }
  });

  it('mixes as Epidemic Learning does: variance falls by the mean of 1 / (1 + arrivals) a round', async () => {
    for (const fanout of [1, 3]) {
      const peers = 256;
      const network = { degree: 255, latencyMs: { min: 5, max: 5 } };
      const scenario = scenarioOf(peers, { id: 'epidemic', fanout }, network, 6);
      const distances = await distancesOf(scenario);
      assert.ok(distances.length >= 4, String(distances.length));
      // Arrivals are Poisson with mean s: E[1 / (1 + A)] = (1 - exp(-s)) / s.
      const expected = (1 - Math.exp(-fanout)) / fanout;
      const shrinks = distances.slice(1).map((distance, i) => distance / distances[i]!);
      const mean = shrinks.reduce((product, shrink) => product * shrink, 1) ** (1 / shrinks.length);
      assert.ok(Math.abs(mean / expected - 1) < 0.12, `fanout ${fanout}: ${mean} of ${expected}`);
    }
  });

  it('mixes pairs, exponential graphs and rings as their matrices say', async () => {
    const network = { degree: 15, latencyMs: { min: 5, max: 5 } };
    const over = (topology: object, peers: number, rounds: number) =>
      distancesOf(scenarioOf(peers, { id: 'd-psgd', topology }, network, rounds));
    // Random pairs: variance shrinks by (n-2) / (2 (n-1)) a round.
    const pairs = await over({ id: 'random-matching' }, 64, 11);
    const shrink = (pairs[8]! / pairs[0]!) ** (1 / 8);
    assert.ok(Math.abs(shrink / (62 / 126) - 1) < 0.1, `${shrink} of ${62 / 126}`);
    // The one-peer exponential graph of 16 is exact after four rounds, up to float32.
    const exact = await over({ id: 'one-peer-exponential' }, 16, 7);
    assert.ok(exact[3]! > 1e-3 * exact[0]! && exact[4]! < 1e-12 * exact[0]!, exact.join(' '));
    // A ring in the end by the square of its second eigenvalue.
    const ring = await over({ id: 'ring', weights: 'uniform' }, 16, 44);
    const second = 1 / 3 + (2 / 3) * Math.cos((2 * Math.PI) / 16);
    const last = ring[40]! / ring[39]!;
    assert.ok(Math.abs(last / second ** 2 - 1) < 0.01, `${last} of ${second ** 2}`);
  });
});

/** Consensus distances after no, one, two, ... rounds of mixing of peers that were scattered once. */
async function distancesOf(scenario: Scenario): Promise<number[]> {
  const { engine: options } = await buildWorld(scenario);
  const distances: number[] = [];
  const engine = new Engine(options, {
    training: new TrainingLine([scatterOnce(16)]),
    observe: (_, __, event) => {
      // All have averaged when the first one of the round has trained.
      if (event.kind !== 'published' || event.round !== distances.length + 1) return;
      const models = engine.nodes.map(({ core }) => ({ model: core!.model(), count: 1 }));
      distances.push(distanceToMean(models));
    },
  });
  await engine.run();
  return distances;
}
