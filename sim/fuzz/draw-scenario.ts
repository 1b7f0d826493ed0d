/** Whole worlds from seeds: size, topology, network, protocol constants and faults. */
import { type Rng, rngFor } from '../../src/math/rng.ts';
import { deltasOf } from '../../src/methods/registry.ts';
import type { RunSpec } from '../../src/run/run-spec.ts';
import { attackOnMessages, type BehaviourSpec } from '../adversaries/registry.ts';
import { type ScenarioFile, scenarioFileSchema } from '../scenario/scenario.ts';

/** Losses, crashes and late joins happen in the first part of the run: what follows must bring everybody together. */
const faultsEndAt = 0.6;

/** Some method that mixes models, of those that as many peers can have. */
function drawMixing(rng: Rng, peers: number): object {
  const fanout = 1 + rng.int(Math.min(3, peers - 1));
  const codec = { id: pick(rng, ['identity', 'fp16', 'int8-stochastic', 'qsgd']) };
  const aggregator = { id: pick(rng, ['mean', 'median', 'norm-clip', 'geometric-median', 'loss-gate']) };
  const topology = pick<object>(rng, [
    { id: 'ring' },
    { id: 'complete' },
    { id: 'one-peer-exponential' },
    { id: 'base-graph', degree: 1 + rng.int(3) },
    { id: 'random-matching' },
  ]);
  return pick<object>(rng, [
    { id: 'epidemic', fanout, aggregator, codec },
    { id: 'd-psgd', topology, aggregator, codec },
    { id: 'ad-psgd', topology, codec },
    { id: 'sgp', topology, codec },
    { id: 'sgp', topology: { id: 'epidemic-local', fanout } },
    { id: 'gossip-learning', partitions: 2, codec },
    {
      id: 'choco',
      topology: { id: pick(rng, ['ring', 'complete']) },
      gamma: 0.1,
      codec: { id: 'top-k', chunk: 64 },
    },
    { id: 'diloco', outerRate: 0.5, momentum: 0.5 },
    { id: 'noloco', aggregator: { id: 'mean' }, codec },
    { id: 'moshpit', dimensions: 1, codec },
  ]);
}

/** The other way of folding, in one world of eight. */
function drawFold(rng: Rng): object {
  return rng.int(8) === 0 ? { overlap: 'mean', headStart: rng.float() } : {};
}

const pick = <T>(rng: Rng, values: readonly T[]): T => values[rng.int(values.length)]!;

/** The same seed gives the same world, for good: a change here makes new worlds of old seeds. */
export function drawScenario(seed: number): ScenarioFile {
  const rng = rngFor(`fuzz/${seed}`);
  const peers = 3 + rng.int(14);
  const rounds = 8 + rng.int(12);
  const windowRounds = 3 + rng.int(5);
  const latencyMin = rng.int(80);
  const drawn = {
    seed,
    peers,
    learner: { id: 'quadratic', spread: rng.uniform(0, 3), noise: rng.uniform(0, 0.5) },
    run: {
      name: `fuzz-${seed}`,
      model: { kind: 'logistic-regression', inputs: 1 + rng.int(90), outputs: 2 },
      task: { kind: 'idx-images' },
      training: { localSteps: 1 + rng.int(5), learningRate: 0.1 },
      strategy: {
        id: 'delta-log',
        codec: { chunk: 64, perChunk: 1 + rng.int(16) },
        residualDecay: pick(rng, [0.9, 0.95, 1]),
        committeeSize: Math.min(peers, pick(rng, [2, 4, 16, 32])),
        expectedPeers: 1 + rng.int(2 * peers),
        windowRounds,
        admitRounds: 1 + rng.int(windowRounds - 1),
        snapshotRounds: pick(rng, [4, 8, 16]),
        ...drawFold(rngFor(`fuzz/${seed}/fold`)),
      },
      rounds,
      slotMs: pick(rng, [500, 1000, 2000]),
    },
    network: {
      degree: 3 + rng.int(5),
      latencyMs: { min: latencyMin, max: latencyMin + rng.int(150) },
      jitterMs: rng.int(60),
      loss: pick(rng, [0, 0, 0.05, 0.1, 0.2, 0.3]),
      lossUntilRound: rounds * faultsEndAt,
      upBytesPerSecond: pick(rng, [null, 2_500_000, 250_000]),
      floodPublish: rng.int(2) === 0,
    },
    trainingMs: { perStep: 1 + rng.int(60), spread: rng.uniform(0, 0.9) },
    churn: drawChurn(rng, peers, rounds),
  };
  // Every third world has loss, crashes and late joins alone.
  const world = scenarioFileSchema.parse(
    seed % 3 === 1 ? drawn : withMoreFaults(drawn, rngFor(`fuzz/${seed}/more`)),
  );
  const judged = withJudging(world, rngFor(`fuzz/${seed}/judging`));
  const audited = withAudits(judged, rngFor(`fuzz/${seed}/audits`));
  const kept = withMembership(audited, rngFor(`fuzz/${seed}/membership`));
  return {
    ...withLongTraining(kept, rngFor(`fuzz/${seed}/long`)),
    churn: withLeaving(world.churn, rngFor(`fuzz/${seed}/leave`)),
    notes: drawNotes(peers, rounds, rngFor(`fuzz/${seed}/notes`)),
  };
}

/** In one world of four of deltas training takes much of a slot, so that who goes or comes does so in the middle of it. */
function withLongTraining(world: ScenarioFile, rng: Rng): ScenarioFile {
  const { run, trainingMs } = world;
  if (!run || deltasOf(run.strategy) === null || rng.int(4) !== 0) return world;
  const perStep = (rng.uniform(0.3, 0.9) * run.slotMs) / run.training.localSteps;
  return { ...world, trainingMs: { ...trainingMs, perStep } };
}

/** Nobody judges, and deltas wait all the same, in one world of eight. */
function withJudging(world: ScenarioFile, rng: Rng): ScenarioFile {
  const { run } = world;
  if (!run || !('judgingRounds' in run.strategy) || rng.int(8) !== 0) return world;
  const judgingRounds = 1 + rng.int(run.strategy.windowRounds - 1);
  return { ...world, run: { ...run, strategy: { ...run.strategy, judgingRounds } } };
}

/**
 * In one world of eight members train again what others claim, so all minimise the same function. Runs are short, so many deltas are drawn,
 * and as long as it takes to ask one, then some, then nearly everybody.
 */
function withAudits(world: ScenarioFile, rng: Rng): ScenarioFile {
  const { run, learner } = world;
  if (!run || learner.id !== 'quadratic' || !('judgingRounds' in run.strategy)) return world;
  if (run.strategy.judgingRounds > 0 || rng.int(8) !== 0) return world;
  const audits = { rate: rng.uniform(0.1, 0.6), undo: pick(rng, [0, 8, 32]), reach: true };
  return {
    ...world,
    learner: { ...learner, spread: 0 },
    run: {
      ...run,
      rounds: run.rounds + 3 * (run.strategy.windowRounds + 1),
      strategy: { ...run.strategy, audits },
    },
  };
}

/** Keys that were invited, or have worked, in one world of eight. */
function withMembership(world: ScenarioFile, rng: Rng): ScenarioFile {
  const { run } = world;
  if (!run || deltasOf(run.strategy) === null || rng.int(8) !== 0) return world;
  const membership = pick<RunSpec['membership']>(rng, [
    { kind: 'work', bits: rng.int(9) },
    { kind: 'invite', depth: 2 + rng.int(2), invitations: 4 + rng.int(5) },
  ]);
  return { ...world, run: { ...run, membership } };
}

/** What owners write, in every other world; who is away then writes nothing. */
function drawNotes(peers: number, rounds: number, rng: Rng): ScenarioFile['notes'] {
  const count = rng.int(2) * (1 + rng.int(8));
  return Array.from({ length: count }, (_, index) => {
    const peer = rng.int(peers);
    return { peer, atRound: rng.uniform(0, rounds), text: `note ${index} of ${peer}` };
  });
}

/** Every other crash of a process is a node that somebody stops. */
function withLeaving(churn: ScenarioFile['churn'], rng: Rng): ScenarioFile['churn'] {
  return churn.map(({ crashAtRound, ...entry }) => {
    if (crashAtRound === undefined) return entry;
    const isStopped = rng.int(2) === 0 && !entry.vanishes;
    return isStopped ? { ...entry, leaveAtRound: crashAtRound } : { ...entry, crashAtRound };
  });
}

interface Drawn {
  readonly peers: number;
  readonly run: {
    readonly rounds: number;
    readonly slotMs: number;
    readonly strategy: { readonly windowRounds: number };
  };
  readonly network: { readonly loss: number };
  readonly churn: readonly object[];
}

/** Bursts of loss, partitions, wrong clocks, vanishing machines, lost disks, attackers, and another method now and then. */
function withMoreFaults<World extends Drawn>(drawn: World, rng: Rng): unknown {
  const { peers, run, network, churn } = drawn;
  const last = run.rounds * faultsEndAt;
  const fromRound = rng.uniform(0.5, last / 2);
  const partition = {
    fromRound,
    toRound: Math.min(last, fromRound + rng.uniform(0.5, 2 * run.strategy.windowRounds)),
  };
  return {
    ...drawn,
    run: rng.int(8) === 0 ? { ...run, strategy: drawMixing(rng, peers) } : run,
    network: {
      ...network,
      ...(network.loss > 0 ? { lossBurst: rng.uniform(1 / (1 - network.loss), 8) } : {}),
      partitions: rng.int(3) === 0 ? [partition] : [],
    },
    clock: { offsetMs: rng.uniform(0, run.slotMs / 3), driftPpm: rng.uniform(0, 100) },
    churn: churn.map((entry) => ({
      ...entry,
      vanishes: rng.int(2) === 0,
      diskLost: 'restartAtRound' in entry && rng.int(3) === 0,
    })),
    adversaries: rng.int(2) === 0 || peers < 6 ? [] : [drawAdversary(rng, peers, churn)],
  };
}

/** Peers that no fault befalls; one that is silent, so that the honest stay connected, or up to a quarter. */
function drawAdversary(rng: Rng, peers: number, churn: readonly object[]): unknown {
  const id = pick<BehaviourSpec['id']>(rng, [
    'sign-flip',
    'alie',
    'inner-product',
    'copycat',
    'free-rider',
    'equivocation',
    'withhold',
    'label-flip',
  ]);
  const free = peers - 1 - churn.length;
  const most = attackOnMessages({ id })?.isSilent ? 1 : Math.max(1, Math.min(free, peers >> 2));
  const count = 1 + rng.int(most);
  // Churn strikes the peers from 1 up.
  return { behaviour: { id }, peers: Array.from({ length: count }, (_, i) => peers - 1 - i) };
}

/** At most half of the peers crash, come back or come late; peer 0 stays, so that somebody holds the run. */
function drawChurn(rng: Rng, peers: number, rounds: number): object[] {
  const last = rounds * faultsEndAt;
  const struck = rng.int(1 + (peers >> 1));
  return Array.from({ length: struck }, (_, index) => {
    const peer = 1 + index;
    const kind = rng.int(3);
    if (kind === 0) return { peer, joinAtRound: rng.uniform(0, last) };
    const crashAtRound = rng.uniform(0, last);
    if (kind === 1) return { peer, crashAtRound };
    return { peer, crashAtRound, restartAtRound: rng.uniform(crashAtRound + 0.01, last + 0.02) };
  });
}
