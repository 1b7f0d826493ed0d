/**
 * What a peer's round costs the simulator: `npm run bench:sim-cost`, with `-- --json` for machines. 600 delta-log peers, committees
 * of 16, next to no training, so that all of it is protocol and calendar. User time of the process, the collector's threads
 * included; the least of several runs, as whatever else the machine does can only add to it; and the same as a multiple of
 * hashing a mebibyte, taken in turn with them.
 */
import { parseArgs } from 'node:util';
import { Engine } from '../sim/engine.ts';
import { buildLearner } from '../sim/learner.ts';
import { resolveScenario, scenarioFileSchema } from '../sim/scenario/scenario.ts';
import { TrainingLine } from '../sim/training-line.ts';
import { buildWorld } from '../sim/world.ts';
import { createCrypto } from '../src/platform/node/crypto.ts';

const peers = 600;
const rounds = 12;
const runs = 5;
const hashes = 200;

const scenario = resolveScenario(
  scenarioFileSchema.parse({
    peers,
    learner: { id: 'quadratic' },
    run: {
      name: 'cost',
      model: { kind: 'logistic-regression', inputs: 7, outputs: 2 },
      task: { kind: 'idx-images' },
      training: { localSteps: 1, learningRate: 0.001 },
      strategy: { id: 'delta-log', committeeSize: 16, expectedPeers: peers, outerRate: 1 / 16 },
      rounds,
      slotMs: 2000,
    },
    signatures: 'simulated',
  }),
  undefined,
  'bench/sim-cost.ts',
);

async function userMs(task: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await task();
  return process.cpuUsage(before).user / 1000;
}

/** The events of the world. */
async function simulate(): Promise<number> {
  const world = await buildWorld(scenario);
  const training = new TrainingLine([await buildLearner(scenario, world.peers)]);
  const engine = new Engine(world.engine, { training });
  await engine.run();
  return engine.trace.events;
}

const crypto = createCrypto();
const mebibyte = new Uint8Array(2 ** 20);
const [hashMs, worldMs]: [number[], number[]] = [[], []];
let events = 0;
for (let run = 0; run < runs; run++) {
  const allMs = await userMs(() => {
    for (let i = 0; i < hashes; i++) crypto.sha256(mebibyte);
  });
  hashMs.push(allMs / hashes);
  worldMs.push(
    await userMs(async () => {
      events = await simulate();
    }),
  );
}

const peerRoundMs = Math.min(...worldMs) / (peers * rounds);
const figures = {
  ...{ peers, rounds, runs },
  eventsPerPeerRound: Math.round(events / (peers * rounds)),
  peerRoundMs: Number(peerRoundMs.toFixed(3)),
  hashMs: Number(Math.min(...hashMs).toFixed(3)),
  timesHash: Number((peerRoundMs / Math.min(...hashMs)).toFixed(3)),
};
if (parseArgs({ options: { json: { type: 'boolean', default: false } } }).values.json)
  console.log(JSON.stringify(figures));
else console.table([figures]);
