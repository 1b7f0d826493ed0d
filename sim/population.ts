/** The peers of a scenario and what befalls them: their places, connections, machines, parts and fates. */
import { rngFor } from '../src/math/rng.ts';
import { victimsOf } from './adversaries/registry.ts';
import { drawRoles } from './adversaries/roles.ts';
import { fatesOfModel, type Population, type RoundFate } from './churn/churn-model.ts';
import type { Fate } from './fate.ts';
import type { NetworkSpec } from './network/network-model.ts';
import { canConnect, type Placement, placePeers } from './network/placement.ts';
import {
  connectivityGraph,
  eclipsedGraph,
  type Graph,
  joinedGraph,
  NetworkGraphError,
  reachableGraph,
} from './network/topology.ts';
import type { AdversarySpec } from './scenario/adversary-schema.ts';
import { type ResolvedNetwork, resolveNetwork } from './scenario/network-schema.ts';
import type { Scenario } from './scenario/scenario.ts';
import { readCapacityTrace, readChurnTrace } from './scenario/trace-file.ts';

/** Of 8 peers of the profile `home` every seventh draw leaves somebody alone: 32 in a row do so once in 10^27 worlds. */
const worldDrawsMax = 32;

/** Processes start within this time of each other. */
export const bootSpreadMs = 1000;

export interface WorldPeers {
  readonly network: ResolvedNetwork;
  /** Flat, or by the placement. */
  readonly latency: NetworkSpec['latency'];
  /** null where latencies are flat. */
  readonly placement: Placement | null;
  readonly graph: Graph;
  /** What each peer sits behind; null where nobody sits behind anything. */
  readonly routers: Placement['nat'] | null;
  /** For each peer the entry of the scenario that makes it an attacker, or null. */
  readonly roles: readonly (AdversarySpec | null)[];
  /** Virtual milliseconds of a local step of each peer. */
  readonly msPerStep: readonly number[];
  /** The learner's share each peer trains on. */
  readonly shares: readonly number[];
}

/**
 * `name` names the random streams, `wanted` the links that the run's own topology needs.
 * @throws TopologyError where not everyone can be reached
 */
export function populate(
  scenario: Scenario,
  name: string,
  wanted: readonly (readonly [number, number])[] = [],
): WorldPeers {
  const { peers, adversaries } = scenario;
  const network = resolveNetwork(scenario.network);
  const { latency, nat } = network;
  const roles = drawRoles(adversaries, peers, rngFor(`${name}/roles`));
  const isTranslated = nat.cone + nat.symmetric > 0;
  const isFlat = 'min' in latency;
  const flat = isFlat ? latency : noDelay;
  // Peers of a flat network are behind their routers all the same.
  const places = isFlat ? { regions: nowhere, accessMs: noDelay } : latency;
  const drawPlaces = (stream: string) => placePeers(peers, { ...places, nat }, rngFor(`${stream}/places`));
  const drawn = connectivityGraph(peers, scenario.network.degree, rngFor(`${name}/topology`));
  const wished = wanted.length > 0 ? joinedGraph(drawn, wanted) : drawn;
  const { placed, graph: reachable } = isTranslated
    ? reachableWorld(wished, drawPlaces, name)
    : { placed: isFlat ? null : drawPlaces(name), graph: wished };
  const placement = isFlat ? null : placed;
  let graph = reachable;
  const eclipses = new Map<number, readonly number[]>();
  for (const adversary of adversaries) {
    const attackers = roles.flatMap((role, peer) => (role === adversary ? [peer] : []));
    for (const victim of victimsOf(adversary.behaviour)) eclipses.set(victim, attackers);
  }
  if (eclipses.size > 0) graph = eclipsedGraph(graph, eclipses, scenario.network.degree);
  graph = befriended(graph, roles);
  return {
    network,
    latency: placement ?? flat,
    placement,
    graph,
    routers: isTranslated && placed ? placed.nat : null,
    roles,
    ...machinesOf(scenario, roles, name),
  };
}

/** Who has friends is connected with them alone. */
function befriended(graph: Graph, roles: readonly (AdversarySpec | null)[]): Graph {
  const chosen = roles.flatMap((role, peer) => (role?.friends ? [{ peer, friends: role.friends }] : []));
  if (chosen.length === 0) return graph;
  const alone = new Map(chosen.map(({ peer }) => [peer, []]));
  const links = chosen.flatMap(({ peer, friends }) =>
    friends.map((friend): [number, number] => [peer, friend]),
  );
  return joinedGraph(eclipsedGraph(graph, alone, 0), links);
}

/**
 * Places and routers behind which everybody reaches somebody. Few peers are now and then all behind routers that do not meet: such
 * a world is no network, and is drawn again. @throws TopologyError where none turns up
 */
function reachableWorld(
  graph: Graph,
  drawPlaces: (stream: string) => Placement,
  name: string,
): { readonly placed: Placement; readonly graph: Graph } {
  for (let draw = 0; draw < worldDrawsMax; draw++) {
    const stream = draw === 0 ? name : `${name}/again/${draw}`;
    const placed = drawPlaces(stream);
    const open = placed.nat.flatMap((one, peer) => (one === 'open' ? [peer] : []));
    const connects = (a: number, b: number) => canConnect(placed, a, b);
    const reachable = reachableGraph(graph, connects, open, rngFor(`${stream}/nat`));
    if (reachable !== null) return { placed, graph: reachable };
  }
  throw new NetworkGraphError(
    `behind their NATs some peers reach nobody, in each of ${worldDrawsMax} draws; give network.nat more open ones`,
  );
}

const nowhere = [{ name: 'anywhere', latitude: 0, longitude: 0, share: 1, radiusKm: 0 }];
const noDelay = { min: 0, max: 0 };

/** Speeds and data. The Sybils of one entry are one machine: one share, and each waits for the others. */
function machinesOf(
  { peers, trainingMs }: Scenario,
  roles: readonly (AdversarySpec | null)[],
  name: string,
): Pick<WorldPeers, 'msPerStep' | 'shares'> {
  const { perStep, spread, stragglers } = trainingMs;
  const speeds = rngFor(`${name}/speed`);
  const slow = rngFor(`${name}/stragglers`);
  const msPerStep = Array.from({ length: peers }, () => {
    const isSlow = slow.float() < (stragglers?.share ?? 0);
    return perStep * speeds.uniform(1 - spread, 1 + spread) * (isSlow ? stragglers!.slowdown : 1);
  });
  const shares = Array.from({ length: peers }, (_, peer) => peer);
  for (const role of new Set(roles)) {
    if (!role?.sybils) continue;
    const sybils = roles.flatMap((other, peer) => (other === role ? [peer] : []));
    const first = sybils[0]!;
    const sharedMs = msPerStep[first]! * sybils.length;
    for (const peer of sybils) {
      msPerStep[peer] = sharedMs;
      shares[peer] = first;
    }
  }
  return { msPerStep, shares };
}

/** Rounds and seconds of a run as virtual microseconds. */
interface Calendar {
  readonly atRound: (round: number) => number;
  readonly atSecond: (seconds: number) => number;
  readonly runSeconds: number;
}

/** All fates of a scenario whose round 0 begins at `startAtMs`, in no order. @throws ConfigError for a trace */
export async function fatesOf(
  scenario: Scenario,
  world: WorldPeers,
  startAtMs: number,
  name: string,
): Promise<Fate[]> {
  const { slotMs, rounds } = scenario.run;
  const calendar: Calendar = {
    atRound: (round) => Math.round((startAtMs + round * slotMs) * 1000),
    atSecond: (seconds) => Math.round((startAtMs + 1000 * seconds) * 1000),
    runSeconds: (rounds * slotMs) / 1000,
  };
  return [
    ...(await comingsAndGoings(scenario, world, calendar, name)),
    ...scenario.notes.map(
      ({ peer, atRound, text }): Fate => ({ kind: 'note', peer, text, atUs: calendar.atRound(atRound) }),
    ),
    ...partings(scenario, world, calendar, name),
    ...(await capacities(scenario, calendar)),
  ];
}

/** Of all peers: by the model, the trace or the list. Who is not named there starts before round 0 and stays. */
async function comingsAndGoings(
  { peers, run, churn, churnModel, churnTrace }: Scenario,
  { placement }: WorldPeers,
  { atRound, atSecond, runSeconds }: Calendar,
  name: string,
): Promise<Fate[]> {
  const early = rngFor(`${name}/boot`);
  const earlyUs = Array.from({ length: peers }, () => early.int(bootSpreadMs * 1000));
  const boot = (peer: number): Fate => ({ kind: 'boot', peer, atUs: earlyUs[peer]! });
  const bootsBut = (late: (peer: number) => boolean): Fate[] =>
    Array.from({ length: peers }, (_, peer) => peer).flatMap((peer) => (late(peer) ? [] : [boot(peer)]));
  const timed = ({ atRound: round, ...fate }: RoundFate): Fate =>
    round < 0 ? boot(fate.peer) : { ...fate, atUs: atRound(round) };
  if (churnModel) {
    const population: Population = {
      peers,
      rounds: run.rounds,
      places: placement && {
        regionOf: (peer) => placement.regions[placement.region[peer]!]!,
        longitude: placement.longitude,
      },
      seed: `${name}/churn`,
    };
    return fatesOfModel(churnModel, population).map(timed);
  }
  if (churnTrace !== undefined) {
    const changes = await readChurnTrace(churnTrace, peers, runSeconds);
    const startsUp = new Map(changes.toReversed().map(({ peer, up }) => [peer, up]));
    const fates = changes.map(
      ({ seconds, peer, up }): Fate => ({ kind: up ? 'boot' : 'crash', peer, atUs: atSecond(seconds) }),
    );
    return [...bootsBut((peer) => startsUp.get(peer) === true), ...fates];
  }
  const late = new Set(churn.flatMap(({ peer, joinAtRound }) => (joinAtRound === undefined ? [] : [peer])));
  return [...bootsBut((peer) => late.has(peer)), ...churn.flatMap(listedFates).map(timed)];
}

function listedFates(entry: Scenario['churn'][number]): RoundFate[] {
  const { peer, joinAtRound, crashAtRound, leaveAtRound, restartAtRound, vanishes, diskLost } = entry;
  const fates: RoundFate[] = [];
  if (joinAtRound !== undefined) fates.push({ kind: 'boot', peer, atRound: joinAtRound });
  if (crashAtRound !== undefined)
    fates.push({ kind: vanishes ? 'vanish' : 'crash', peer, atRound: crashAtRound });
  if (leaveAtRound !== undefined) fates.push({ kind: 'leave', peer, atRound: leaveAtRound });
  if (restartAtRound !== undefined) fates.push({ kind: 'boot', peer, atRound: restartAtRound, diskLost });
  return fates;
}

function partings(
  { peers, network }: Scenario,
  { placement }: WorldPeers,
  { atRound }: Calendar,
  name: string,
): Fate[] {
  return network.partitions.flatMap(({ fromRound, toRound, regions }, index): Fate[] => {
    const parts = partsOf(peers, placement, regions, `${name}/partition/${index}`);
    return [
      { kind: 'part', peer: 0, parts, atUs: atRound(fromRound) },
      { kind: 'mend', peer: 0, atUs: atRound(toRound) },
    ];
  });
}

async function capacities({ network }: Scenario, { atSecond, runSeconds }: Calendar): Promise<Fate[]> {
  if (network.capacityTrace === undefined) return [];
  const steps = await readCapacityTrace(network.capacityTrace, runSeconds);
  return steps.map(({ seconds, upBytesPerSecond, downBytesPerSecond }) => {
    return { kind: 'capacity', peer: 0, upBytesPerSecond, downBytesPerSecond, atUs: atSecond(seconds) };
  });
}

function partsOf(
  peers: number,
  placement: Placement | null,
  regions: readonly string[] | undefined,
  name: string,
): Uint8Array {
  if (regions && placement) {
    return Uint8Array.from({ length: peers }, (_, peer) =>
      regions.includes(placement.regions[placement.region[peer]!]!) ? 1 : 0,
    );
  }
  const order = Array.from({ length: peers }, (_, peer) => peer);
  rngFor(name).shuffle(order);
  const parts = new Uint8Array(peers);
  for (const peer of order.slice(0, Math.floor(peers / 2))) parts[peer] = 1;
  return parts;
}
