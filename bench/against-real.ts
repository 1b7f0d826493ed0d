/**
 * Sixteen real nodes over lines with a delay, and what the simulator says of them: `npm run bench:against-real`, a minute. The delay is made by a relay in each
 * node's way (src/testnet/delayed-line.ts), as `tc netem` would; training takes as long in the simulation as it was seen to take.
 */
import { Engine } from '../sim/engine.ts';
import { buildLearner } from '../sim/learner.ts';
import { resolveScenario, scenarioFileSchema } from '../sim/scenario/scenario.ts';
import { TrainingLine } from '../sim/training-line.ts';
import { buildWorld } from '../sim/world.ts';
import type { ProtocolEvent } from '../src/core/io.ts';
import { methodSchema } from '../src/methods/registry.ts';
import { type RunSpec, trainingSchema } from '../src/run/run-spec.ts';
import { Cluster } from '../test/cluster/cluster.ts';

const nodes = 16;
const delayMs = 400;
/** In the first rounds streams are opened and meshes formed, and code is compiled. */
const firstRound = 6;
/** A few publishers a round: with sixteen at once all nodes of the one process work at the same time, which no simulator knows. */
const fields: Partial<RunSpec> = {
  rounds: 18,
  slotMs: 2500,
  training: trainingSchema.parse({ localSteps: 8, learningRate: 0.2 }),
  strategy: methodSchema.parse({ id: 'delta-log', committeeSize: 3, expectedPeers: nodes }),
};

interface Happened {
  readonly node: number;
  readonly atMs: number;
  readonly event: ProtocolEvent;
}

/** For each node and round how long after its slot began the node had the contributions of all others, in milliseconds; for rounds with any. */
function roundTimes(happened: readonly Happened[], startAtMs: number, slotMs: number): number[] {
  const published = new Set<string>();
  for (const { node, event } of happened) {
    if (event.kind === 'published') published.add(`${event.round}/${node}`);
  }
  const last = new Map<string, { count: number; atMs: number }>();
  for (const { node, atMs, event } of happened) {
    if (event.kind !== 'accepted' || event.round < firstRound) continue;
    const name = `${event.round}/${node}`;
    const since = atMs - startAtMs - event.round * slotMs;
    const before = last.get(name);
    last.set(name, { count: 1 + (before?.count ?? 0), atMs: Math.max(since, before?.atMs ?? 0) });
  }
  return [...last].flatMap(([name, { count, atMs }]) => {
    const [round, node] = name.split('/');
    const others = [...published].filter((one) => one.startsWith(`${round}/`) && one !== `${round}/${node}`);
    return count === others.length ? [atMs] : [];
  });
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const cluster = await Cluster.begin(nodes, fields, { delayMs, isTimed: true });
const { manifest } = cluster;
const { slotMs, rounds, startAtMs, training } = manifest;
try {
  await cluster.finished();
} finally {
  await cluster.end();
}
const happened = cluster.nodes.flatMap(({ events, eventTimesMs }, node) =>
  events.map((event, i): Happened => ({ node, event, atMs: eventTimesMs[i]! })),
);
const real = roundTimes(happened, startAtMs, slotMs);
const trained = happened.flatMap(({ atMs, event }) =>
  event.kind === 'published' && event.round >= firstRound ? [atMs - startAtMs - event.round * slotMs] : [],
);
const trainingMs = Math.max(0.01, median(trained));

const scenario = resolveScenario(
  scenarioFileSchema.parse({
    peers: nodes,
    learner: { id: 'quadratic' },
    run: {
      name: 'simulated',
      model: manifest.model,
      task: manifest.task,
      training: manifest.training,
      strategy: manifest.strategy,
      rounds,
      slotMs,
    },
    network: {
      degree: nodes - 1,
      latencyMs: { min: delayMs, max: delayMs },
      jitterMs: 0,
      upBytesPerSecond: null,
      downBytesPerSecond: null,
    },
    trainingMs: { perStep: trainingMs / training.localSteps, spread: 0 },
  }),
  undefined,
  'against-simulation',
);
const world = await buildWorld(scenario);
const learner = await buildLearner(scenario, world.peers);
const simulated: Happened[] = [];
const engine = new Engine(world.engine, {
  training: new TrainingLine([learner]),
  observe: (timeUs, { index }, event) => simulated.push({ node: index, atMs: timeUs / 1000, event }),
});
await engine.run();
const foretold = roundTimes(simulated, world.startAtMs, slotMs);

const quartiles = (values: readonly number[]): number[] =>
  [0.25, 0.5, 0.75].map((p) => Math.round(values.toSorted((a, b) => a - b)[Math.floor(p * values.length)]!));
const row = {
  nodes,
  delayMs,
  trainingMs: Math.round(trainingMs),
  roundsOfNodes: real.length,
  realMs: quartiles(real),
  foretoldMs: quartiles(foretold),
  ratioOfMedians: Number((median(foretold) / median(real)).toFixed(3)),
};
if (process.argv.includes('--json')) console.log(JSON.stringify(row));
else console.table([row]);
