/**
 * What the simulator costs: the bare calendar, protocol inputs without training, and real training.
 * `npm run bench:sim` prints a table, `npm run bench:sim -- --json` a list of rows; `--full` takes a quarter of an hour and adds
 * 1,000 peers that train and the hundred thousand.
 *
 * An event of `queue` is one pop and one push on a calendar that holds one event for each peer; of the others
 * one dispatched event (`inputsPerSecond` counts only those that reached a protocol core).
 */

import { basename } from 'node:path';
import { Engine } from '../sim/engine.ts';
import { EventQueue } from '../sim/event-queue.ts';
import { handledPlan } from '../sim/handled-plan.ts';
import { buildLearner } from '../sim/learner.ts';
import {
  loadScenario,
  resolveScenario,
  type Scenario,
  scenarioFileSchema,
} from '../sim/scenario/scenario.ts';
import { runScenario } from '../sim/simulation.ts';
import { TrainingLine } from '../sim/training-line.ts';
import { buildWorld } from '../sim/world.ts';
import { initialVector } from '../src/learning/initial.ts';
import { rngFor } from '../src/math/rng.ts';

interface Row {
  readonly scenario: string;
  readonly peers: number;
  readonly events: number;
  readonly wallSeconds: number;
  /** Of the whole process until now, so rows can only grow. */
  readonly peakRssMB: number;
  readonly eventsPerSecond: number;
  readonly inputsPerSecond?: number;
  /** Wall time of a peer's round over that of its training steps alone. */
  readonly timesBareTraining?: number;
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

type Fields = Record<string, unknown>;

function scenarioOf(peers: number, rounds: number, run: Fields = {}, rest: Fields = {}): Scenario {
  const content = scenarioFileSchema.parse({
    peers,
    run: {
      name: 'bench',
      model: { kind: 'mlp', inputs: 784, hidden: [64], outputs: 10 },
      task: { kind: 'idx-images' },
      strategy: { id: 'delta-log', expectedPeers: peers },
      rounds,
      slotMs: 1000,
      ...run,
    },
    ...rest,
  });
  return resolveScenario(content, undefined, 'bench/sim.ts');
}

const tiny: Fields = {
  model: { kind: 'logistic-regression', inputs: 7, outputs: 2 },
  training: { localSteps: 1 },
};
/** Training that costs next to nothing. */
const exact: Fields = { learner: { id: 'quadratic', noise: 0 } };

/** A scenario without real training; inputs are what reached a protocol core, the building of the world is not counted. */
async function benchProtocol(name: string, scenario: Scenario): Promise<Row> {
  const world = await buildWorld(scenario);
  let inputs = 0;
  const counted = world.engine.peers.map((plan) =>
    handledPlan(plan, (core, input, nowMs) => {
      inputs++;
      return core.handle(input, nowMs);
    }),
  );
  const learner = await buildLearner(scenario, world.peers);
  const engine = new Engine({ ...world.engine, peers: counted }, { training: new TrainingLine([learner]) });
  const startedMs = performance.now();
  await engine.run();
  return rowOf(name, scenario.peers, engine.trace.events, startedMs, inputs);
}

/** Real training in one thread: what a peer's round costs, as a multiple of its bare training steps in the same process. */
async function benchTraining(peers: number, rounds: number): Promise<Row> {
  const scenario = scenarioOf(peers, rounds);
  const world = await buildWorld(scenario);
  const learner = await buildLearner(scenario, world.peers);
  const parameters = initialVector(scenario.run.model, 1);
  const bare = async (): Promise<number> => {
    const startedMs = performance.now();
    const rounds = 40;
    for (let i = 0; i < rounds; i++) {
      const request = {
        parameters,
        steps: 30,
        round: 0,
        streamKey: `bench/${i}`,
        share: i % peers,
      };
      await learner.train(request);
    }
    return (performance.now() - startedMs) / rounds;
  };
  await bare();
  const before = await bare();
  const engine = new Engine(world.engine, { training: new TrainingLine([learner]) });
  const startedMs = performance.now();
  await engine.run();
  const row = rowOf(`mnist, ${rounds} rounds`, peers, engine.trace.events, startedMs);
  const bareMs = (before + (await bare())) / 2;
  await learner.close();
  return {
    ...row,
    timesBareTraining: Number(((1000 * row.wallSeconds) / (peers * rounds) / bareMs).toFixed(3)),
  };
}

/** A scenario that comes with starlings, whole, its building and its evaluation included. */
async function benchScenario(file: string): Promise<Row> {
  const startedMs = performance.now();
  const scenario = await loadScenario(file);
  const { peers, events } = await runScenario(scenario, { wallNowMs: () => performance.now() });
  return rowOf(basename(file, '.yaml'), peers, events, startedMs);
}

const full = process.argv.includes('--full');
const epidemic: Fields = { ...tiny, strategy: { id: 'epidemic', fanout: 1 } };
const simulated: Fields = { ...exact, signatures: 'simulated' };

const rows: Row[] = [
  benchQueue(1000),
  benchQueue(100_000),
  await benchProtocol(
    'delta-log, 50,890 parameters',
    scenarioOf(32, 15, { training: { localSteps: 1 } }, exact),
  ),
  await benchProtocol('delta-log, 16 parameters', scenarioOf(1000, 6, tiny, simulated)),
  await benchProtocol('epidemic, 16 parameters', scenarioOf(10_000, 4, epidemic, simulated)),
  await benchTraining(full ? 1000 : 100, full ? 8 : 6),
  ...(full ? [await benchScenario('configs/sim/hundred-thousand.yaml')] : []),
];
if (process.argv.includes('--json')) console.log(JSON.stringify(rows));
else console.table(rows);
