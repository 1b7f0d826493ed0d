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
  reachableGraph,
} from './network/topology.ts';
import type { AdversarySpec } from './scenario/adversary-schema.ts';
import { type ResolvedNetwork, resolveNetwork } from './scenario/network-schema.ts';
import type { Scenario } from './scenario/scenario.ts';
import { readCapacityTrace, readChurnTrace } from './scenario/trace-file.ts';

/** Processes start within this time of each other. */
export const bootSpreadMs = 1000;

export interface WorldPeers {
  readonly network: ResolvedNetwork;
  /** Flat, or by the placement. */
  readonly latency: NetworkSpec['latency'];
  /** null where latencies are flat. */
  readonly placement: Placement | null;
  readonly graph: Graph;
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
  const placed =
    isFlat && !isTranslated ? null : placePeers(peers, { ...places, nat }, rngFor(`${name}/places`));
  const placement = isFlat ? null : placed;
  let graph = connectivityGraph(peers, scenario.network.degree, rngFor(`${name}/topology`));
  if (wanted.length > 0) graph = joinedGraph(graph, wanted);
  if (placed && isTranslated) {
    const open = placed.nat.flatMap((one, peer) => (one === 'open' ? [peer] : []));
    graph = reachableGraph(graph, (a, b) => canConnect(placed, a, b), open, rngFor(`${name}/nat`));
  }
  const eclipses = new Map<number, readonly number[]>();
  for (const adversary of adversaries) {
    const attackers = roles.flatMap((role, peer) => (role === adversary ? [peer] : []));
    for (const victim of victimsOf(adversary.behaviour)) eclipses.set(victim, attackers);
  }
  if (eclipses.size > 0) graph = eclipsedGraph(graph, eclipses, scenario.network.degree);
  return {
    network,
    latency: placement ?? flat,
    placement,
    graph,
    roles,
    ...machinesOf(scenario, roles, name),
  };
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

/** All fates of a scenario whose round 0 begins at `startAtMs`, in no order. @throws ConfigError for a trace */
export async function fatesOf(
  scenario: Scenario,
  world: WorldPeers,
  startAtMs: number,
  name: string,
): Promise<Fate[]> {
  const { peers, run, network, churn, churnModel, churnTrace } = scenario;
  const atUs = (round: number) => Math.round((startAtMs + round * run.slotMs) * 1000);
  const secondUs = (seconds: number) => Math.round((startAtMs + 1000 * seconds) * 1000);
  const early = rngFor(`${name}/boot`);
  const earlyUs = Array.from({ length: peers }, () => early.int(bootSpreadMs * 1000));
  const boot = (peer: number): Fate => ({ kind: 'boot', peer, atUs: earlyUs[peer]! });
  const { placement } = world;
  const runSeconds = (run.rounds * run.slotMs) / 1000;
  const fates: Fate[] = [];
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
    for (const { atRound, ...fate } of fatesOfModel(churnModel, population)) {
      fates.push(atRound < 0 ? boot(fate.peer) : { ...fate, atUs: atUs(atRound) });
    }
  } else if (churnTrace !== undefined) {
    const changes = await readChurnTrace(churnTrace, peers, runSeconds);
    const startsUp = new Map(changes.toReversed().map(({ peer, up }) => [peer, up]));
    for (let peer = 0; peer < peers; peer++) if (startsUp.get(peer) !== true) fates.push(boot(peer));
    for (const { seconds, peer, up } of changes) {
      fates.push({ kind: up ? 'boot' : 'crash', peer, atUs: secondUs(seconds) });
    }
  } else {
    const listed = churn.flatMap((entry): RoundFate[] => {
      const { peer, joinAtRound, crashAtRound, restartAtRound, vanishes, diskLost } = entry;
      return [
        ...(joinAtRound === undefined ? [] : [{ kind: 'boot' as const, peer, atRound: joinAtRound }]),
        ...(crashAtRound === undefined
          ? []
          : [{ kind: vanishes ? ('vanish' as const) : ('crash' as const), peer, atRound: crashAtRound }]),
        ...(restartAtRound === undefined
          ? []
          : [{ kind: 'boot' as const, peer, atRound: restartAtRound, diskLost }]),
      ];
    });
    const late = new Set(churn.flatMap(({ peer, joinAtRound }) => (joinAtRound === undefined ? [] : [peer])));
    for (let peer = 0; peer < peers; peer++) if (!late.has(peer)) fates.push(boot(peer));
    for (const { atRound, ...fate } of listed) fates.push({ ...fate, atUs: atUs(atRound) });
  }
  for (const [index, { fromRound, toRound, regions }] of network.partitions.entries()) {
    const parts = partsOf(peers, placement, regions, `${name}/partition/${index}`);
    fates.push(
      { kind: 'part', peer: 0, parts, atUs: atUs(fromRound) },
      { kind: 'mend', peer: 0, atUs: atUs(toRound) },
    );
  }
  if (network.capacityTrace !== undefined) {
    const steps = await readCapacityTrace(network.capacityTrace, runSeconds);
    for (const { seconds, upBytesPerSecond, downBytesPerSecond } of steps) {
      const atUs = secondUs(seconds);
      fates.push({ kind: 'capacity', peer: 0, upBytesPerSecond, downBytesPerSecond, atUs });
    }
  }
  return fates;
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
