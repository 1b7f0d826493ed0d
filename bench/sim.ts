/**
 * What the simulator costs: the bare calendar, protocol inputs without training, and real training.
 * `npm run bench:sim` prints a table, `npm run bench:sim -- --json` a list of rows.
 *
 * An event of `queue` is one pop and one push on a calendar that holds one event for each peer; of the others
 * one dispatched event (`inputsPerSecond` counts only those that reached a protocol core).
 */

import { Engine } from '../sim/engine.ts';
import { EventQueue } from '../sim/event-queue.ts';
import { resolveScenario, type Scenario, scenarioFileSchema } from '../sim/scenario/scenario.ts';
import { runScenario } from '../sim/simulation.ts';
import { TrainingLine } from '../sim/training-line.ts';
import type { PeerPlan } from '../sim/virtual-node.ts';
import { buildWorld } from '../sim/world.ts';
import { rngFor } from '../src/math/rng.ts';
import { parameterCount } from '../src/protocol/model-layout.ts';
import type { Learner, TrainRequest } from '../src/training/learner.ts';

interface Row {
  readonly scenario: string;
  readonly peers: number;
  readonly events: number;
  readonly wallSeconds: number;
  /** Of the whole process until now, so rows can only grow. */
  readonly peakRssMB: number;
  readonly eventsPerSecond: number;
  readonly inputsPerSecond?: number;
}

function rowOf(scenario: string, peers: number, events: number, startedMs: number, inputs?: number): Row {
  const wallSeconds = (performance.now() - startedMs) / 1000;
  return {
    scenario,
    peers,
    events,
    wallSeconds: Number(wallSeconds.toFixed(3)),
    peakRssMB: Math.round(process.resourceUsage().maxRSS / 1024),
    eventsPerSecond: Math.round(events / wallSeconds),
    ...(inputs === undefined ? {} : { inputsPerSecond: Math.round(inputs / wallSeconds) }),
  };
}

/** The hold model (Jones, "An empirical comparison of priority-queue and event-set implementations", 1986). */
function benchQueue(peers: number): Row {
  const queue = new EventQueue<number>({ eventsMax: peers });
  const rng = rngFor('bench/queue');
  const delays = Uint32Array.from({ length: 1 << 16 }, () => rng.int(1_000_000));
  for (let peer = 0; peer < peers; peer++) queue.push(delays[peer & 0xffff]!, peer);
  const holds = 2_000_000;
  const startedMs = performance.now();
  for (let i = 0; i < holds; i++) {
    const due = queue.pop()!;
    queue.push(due.timeUs + delays[i & 0xffff]!, due.payload);
  }
  return rowOf('queue', peers, holds, startedMs);
}

function scenarioOf(peers: number, rounds: number): Scenario {
  const content = scenarioFileSchema.parse({
    peers,
    run: {
      name: 'bench',
      model: { kind: 'mlp', inputs: 784, hidden: [64], outputs: 10 },
      task: { kind: 'idx-images' },
      strategy: { id: 'delta-log', expectedPeers: peers },
      rounds,
      slotMs: 700,
    },
  });
  return resolveScenario(content, undefined, 'bench/sim.ts');
}

/** A local step that costs next to nothing: pulls every parameter towards a random vector of the peer's own. */
function quadraticLearner(size: number): Learner {
  return {
    size,
    backend: 'quadratic, for benchmarks of everything else',
    train: async ({ parameters, steps, streamKey }: TrainRequest) => {
      const target = new Float32Array(size);
      rngFor(streamKey).fillUniform(target, -1, 1);
      const pull = 1 - 0.99 ** steps;
      const trained = parameters.map((value, i) => value + pull * (target[i]! - value));
      return { parameters: trained, loss: 1, samples: steps };
    },
    evaluate: async () => ({ accuracy: Number.NaN, loss: Number.NaN, examples: 0 }),
    close: async () => undefined,
  };
}

async function benchProtocol(peers: number, rounds: number): Promise<Row> {
  const scenario = scenarioOf(peers, rounds);
  const { engine: options } = await buildWorld(scenario);
  let inputs = 0;
  const counted = options.peers.map(
    (plan): PeerPlan => ({
      ...plan,
      createCore: (stored, incarnation) => {
        const core = plan.createCore(stored, incarnation);
        return {
          handle: (input, nowMs) => {
            inputs++;
            return core.handle(input, nowMs);
          },
          status: (nowMs) => core.status(nowMs),
          model: () => core.model(),
        };
      },
    }),
  );
  const training = new TrainingLine([quadraticLearner(parameterCount(scenario.run.model))]);
  const engine = new Engine({ ...options, peers: counted }, { training });
  const startedMs = performance.now();
  await engine.run();
  return rowOf('delta-log without training', peers, engine.trace.events, startedMs, inputs);
}

async function benchTraining(peers: number, rounds: number): Promise<Row> {
  const startedMs = performance.now();
  const { events } = await runScenario(scenarioOf(peers, rounds), { wallNowMs: () => performance.now() });
  return rowOf(`mnist, ${rounds} rounds`, peers, events, startedMs);
}

const rows: Row[] = [
  benchQueue(1000),
  benchQueue(100_000),
  await benchProtocol(32, 15),
  await benchTraining(8, 10),
];
if (process.argv.includes('--json')) console.log(JSON.stringify(rows));
else console.table(rows);
