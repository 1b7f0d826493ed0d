/** Who is around a node in a round: from the run's topology and its list of members, or from whom it is linked to. */

import type { PeerKey } from '../../core/io.ts';
import { pickRandom } from '../../core/pick-random.ts';
import type { SharedWork } from '../../log/shared-work.ts';
import type { RunManifest } from '../../run/manifest.ts';
import type { RunSpec } from '../../run/run-spec.ts';
import { needsRoster, topologyOf } from '../method-constraints.ts';
import type { MixingStrategySpec } from '../method-schema.ts';
import { createTopology } from '../topologies/create-topology.ts';
import { columnOf, type Topology } from '../topologies/topology.ts';
import type { Hood } from './strategy.ts';

/** Peers that a node without a list of members numbers; more cannot be told apart and are not heard. */
const numberedMax = 1 << 20;

export class Neighbourhood {
  readonly #self: number;
  readonly #fanout: number;
  readonly #random: () => number;
  readonly #topology: Topology | null;
  readonly #numbers = new Map<PeerKey, number>();
  readonly #keys: PeerKey[] = [];
  #newest: { readonly round: number; readonly hood: Hood } | null = null;

  constructor(
    manifest: RunManifest,
    strategy: MixingStrategySpec,
    self: PeerKey,
    random: () => number,
    shared?: SharedWork,
  ) {
    this.#random = random;
    const spec = topologyOf(strategy);
    this.#fanout = spec.id === 'epidemic-local' ? spec.fanout : 0;
    const { membership } = manifest;
    if (needsRoster(strategy)) {
      if (membership.kind !== 'allow-list')
        throw new RangeError('a run over a fixed topology has a list of members');
      const members = [...membership.members].sort();
      for (const key of members) this.#number(key);
      const make = () => createTopology(spec, members.length, topologySeed(manifest));
      this.#topology = shared ? shared.once('topology', manifest, make) : make();
      this.#self = this.#numbers.get(self) ?? -1;
    } else {
      this.#topology = null;
      this.#self = this.#number(self);
    }
  }

  /** undefined for a peer that is not among the members. */
  numberOf(key: PeerKey): number | undefined {
    const known = this.#numbers.get(key);
    if (known !== undefined || this.#topology) return known;
    return this.#numbers.size < numberedMax ? this.#number(key) : undefined;
  }

  /** Those that this node numbered itself, in order; empty where the list of members says it. */
  get numbered(): readonly PeerKey[] {
    return this.#topology ? [] : this.#keys;
  }

  /** Gives them the numbers that they had; before anybody else is numbered. */
  renumber(keys: readonly PeerKey[]): void {
    if (this.#topology) return;
    for (const key of keys) if (!this.#numbers.has(key)) this.#number(key);
  }

  keyOf(peer: number): PeerKey | undefined {
    return this.#keys[peer];
  }

  /** The same for the whole of a round. */
  at(round: number, linked: ReadonlySet<PeerKey>): Hood {
    if (this.#newest?.round === round) return this.#newest.hood;
    const hood = this.#topology ? this.#byTopology(this.#topology, round) : this.#byLinks(linked);
    this.#newest = { round, hood };
    return hood;
  }

  #byTopology(topology: Topology, round: number): Hood {
    const self = this.#self;
    const rows = topology.matrix(round);
    const from = new Map(rows[self] ?? []);
    const to = self < 0 ? new Map<number, number>() : columnOf(rows, self);
    from.delete(self);
    to.delete(self);
    return { self, to, from };
  }

  #byLinks(linked: ReadonlySet<PeerKey>): Hood {
    const picked = pickRandom(linked, this.#fanout, this.#random);
    const weight = 1 / (picked.length + 1);
    const to = new Map<number, number>();
    for (const key of picked) {
      const number = this.numberOf(key);
      if (number !== undefined) to.set(number, weight);
    }
    return { self: this.#self, to, from: null };
  }

  #number(key: PeerKey): number {
    const number = this.#keys.length;
    this.#numbers.set(key, number);
    this.#keys.push(key);
    return number;
  }
}

/**
 * For each member the others that it sends to or hears from in the first `rounds` rounds: links worth having. null for a run
 * without a list of members.
 */
export function lastingNeighbours(
  { strategy, membership, ...run }: Pick<RunSpec, 'strategy' | 'membership' | 'name' | 'seed'>,
  rounds: number,
): ReadonlyMap<PeerKey, readonly PeerKey[]> | null {
  if (strategy.id === 'delta-log' || !needsRoster(strategy) || membership.kind !== 'allow-list') return null;
  const members = [...membership.members].sort();
  const topology = createTopology(topologyOf(strategy), members.length, topologySeed(run));
  const near = members.map(() => new Set<number>());
  for (let round = 0; round < Math.min(rounds, topology.period ?? rounds); round++) {
    for (const [i, row] of topology.matrix(round).entries()) {
      for (const j of row.keys()) {
        if (i === j) continue;
        near[i]!.add(j);
        near[j]!.add(i);
      }
    }
  }
  return new Map(members.map((key, i) => [key, [...near[i]!].map((j) => members[j]!)]));
}

/** Names the streams of topologies that are drawn, the same for every member. */
function topologySeed({ name, seed }: Pick<RunSpec, 'name' | 'seed'>): string {
  return `${name}/${seed}/topology`;
}
