/**
 * What the simulator costs: protocol inputs without training, and real training, each in a process of its own and as a multiple of what
 * an event of the bare calendar costs there before and after (machines differ by a factor of two and more, their ratios do not).
 * `npm run bench:sim` prints a table, `npm run bench:sim -- --json` a list of rows; `--full` takes a quarter of an hour and adds
 * 1,000 peers that train and the hundred thousand; `--row NAME` measures that one alone.
 *
 * An event of the calendar is one pop and one push while it holds one event for each peer.
 */

import { execFileSync } from 'node:child_process';
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
import { ownProcessorMs } from './processor-time.ts';

interface Row {
  readonly scenario: string;
  readonly peers: number;
  /** Processor time over peers and rounds. */
  readonly peerRoundMicros: number;
  readonly queueEventMicros: number;
  /** Events of the bare calendar that a peer's round costs. */
  readonly ratio: number;
  readonly peakRssMB: number;
  /** What reached a protocol core, in events of the bare calendar. */
  readonly inputRatio?: number;
  /** Processor time of a peer's round over that of its training steps alone. */
  readonly timesBareTraining?: number;
}

interface Measured {
  readonly rounds: number;
  readonly cpuMs: number;
  readonly inputs?: number;
  readonly timesBareTraining?: number;
}

/** Microseconds an event: the hold model (Jones, "An empirical comparison of priority-queue and event-set implementations", 1986). */
function benchQueue(peers: number): number {
  const queue = new EventQueue<number>({ eventsMax: peers });
  const rng = rngFor('bench/queue');
  const delays = Uint32Array.from({ length: 1 << 16 }, () => rng.int(1_000_000));
  for (let peer = 0; peer < peers; peer++) queue.push(delays[peer & 0xffff]!, peer);
  const holds = 2_000_000;
  const startedMs = ownProcessorMs();
  for (let i = 0; i < holds; i++) {
    const due = queue.pop()!;
    queue.push(due.timeUs + delays[i & 0xffff]!, due.payload);
  }
  return (1000 * (ownProcessorMs() - startedMs)) / holds;
}

const rounded = (value: number): number => Number(value.toPrecision(4));

async function rowOf(scenario: string, peers: number, measure: () => Promise<Measured>): Promise<Row> {
  benchQueue(peers);
  const before = benchQueue(peers);
  const { rounds, cpuMs, inputs, timesBareTraining } = await measure();
  const queueEventMicros = (before + benchQueue(peers)) / 2;
  const peerRoundMicros = (1000 * cpuMs) / (peers * rounds);
  return {
    scenario,
    peers,
    peerRoundMicros: rounded(peerRoundMicros),
    queueEventMicros: rounded(queueEventMicros),
    ratio: rounded(peerRoundMicros / queueEventMicros),
    peakRssMB: Math.round(process.resourceUsage().maxRSS / 1024),
    ...(inputs === undefined ? {} : { inputRatio: rounded((1000 * cpuMs) / inputs / queueEventMicros) }),
    ...(timesBareTraining === undefined ? {} : { timesBareTraining: rounded(timesBareTraining) }),
  };
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
async function benchProtocol(scenario: Scenario): Promise<Measured> {
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
  const startedMs = ownProcessorMs();
  await engine.run();
  return {
    rounds: scenario.run.rounds,
    cpuMs: ownProcessorMs() - startedMs,
    inputs,
  };
}

/** Real training in one thread: what a peer's round costs, as a multiple of its bare training steps in the same process. */
async function benchTraining(peers: number, rounds: number): Promise<Measured> {
  const scenario = scenarioOf(peers, rounds);
  const world = await buildWorld(scenario);
  const learner = await buildLearner(scenario, world.peers);
  const parameters = initialVector(scenario.run.model, 1);
  const bare = async (): Promise<number> => {
    const startedMs = ownProcessorMs();
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
    return (ownProcessorMs() - startedMs) / rounds;
  };
  await bare();
  const before = await bare();
  const engine = new Engine(world.engine, { training: new TrainingLine([learner]) });
  const startedMs = ownProcessorMs();
  await engine.run();
  const cpuMs = ownProcessorMs() - startedMs;
  const bareMs = (before + (await bare())) / 2;
  await learner.close();
  return { rounds, cpuMs, timesBareTraining: cpuMs / (peers * rounds) / bareMs };
}

/** A scenario that comes with starlings, whole, its building and its evaluation included. */
async function benchScenario(file: string): Promise<Measured> {
  const startedMs = ownProcessorMs();
  const scenario = await loadScenario(file);
  await runScenario(scenario, { wallNowMs: () => performance.now() });
  return { rounds: scenario.run.rounds, cpuMs: ownProcessorMs() - startedMs };
}

const epidemic: Fields = { ...tiny, strategy: { id: 'epidemic', fanout: 1 } };
const simulated: Fields = { ...exact, signatures: 'simulated' };

interface Bench {
  readonly peers: number;
  readonly measure: () => Promise<Measured>;
}

const protocol = (scenario: Scenario): Bench => ({
  peers: scenario.peers,
  measure: () => benchProtocol(scenario),
});
const training = (peers: number, rounds: number): Bench => ({
  peers,
  measure: () => benchTraining(peers, rounds),
});

const benches: Readonly<Record<string, Bench>> = {
  'delta-log, 50,890 parameters': protocol(scenarioOf(32, 15, { training: { localSteps: 1 } }, exact)),
  'delta-log, 16 parameters': protocol(scenarioOf(1000, 6, tiny, simulated)),
  'epidemic, 16 parameters': protocol(scenarioOf(10_000, 4, epidemic, simulated)),
  'mnist, 100 peers': training(100, 6),
};
const fullBenches: typeof benches = {
  'mnist, 1000 peers': training(1000, 8),
  'hundred-thousand': { peers: 100_000, measure: () => benchScenario('configs/sim/hundred-thousand.yaml') },
};

const at = process.argv.indexOf('--row');
if (at >= 0) {
  const name = process.argv[at + 1] ?? '';
  const bench = { ...benches, ...fullBenches }[name];
  if (!bench) throw new Error(`there is no row ${name}`);
  console.log(JSON.stringify(await rowOf(name, bench.peers, bench.measure)));
} else {
  const isFull = process.argv.includes('--full');
  const names = Object.keys({ ...benches, ...(isFull ? fullBenches : {}) });
  const rows = names.map((name): Row => {
    const own = [import.meta.filename, '--row', name];
    return JSON.parse(
      execFileSync(process.execPath, own, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }),
    );
  });
  if (process.argv.includes('--json')) console.log(JSON.stringify(rows));
  else console.table(rows);
}
