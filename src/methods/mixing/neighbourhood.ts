/** Who is around a node in a round: from the run's topology and its list of members, or from whom it is linked to. */

import type { PeerKey } from '../../core/io.ts';
import { pickRandom } from '../../core/pick-random.ts';
import type { RunFrame } from '../../core/run-frame.ts';
import type { SharedWork } from '../../log/shared-work.ts';
import { createTopology, type TopologySpec, topologyKind } from '../topologies/registry.ts';
import { columnOf, type Topology } from '../topologies/topology.ts';
import type { Hood } from './mixing-peer.ts';

/** Peers that a node without a list of members numbers; more cannot be told apart and are not heard. */
const numberedMax = 1 << 20;

export class Neighbourhood {
  readonly #self: number;
  readonly #spec: TopologySpec;
  readonly #random: () => number;
  readonly #topology: Topology | null;
  readonly #numbers = new Map<PeerKey, number>();
  readonly #keys: PeerKey[] = [];
  #newest: { readonly round: number; readonly hood: Hood } | null = null;

  constructor(frame: RunFrame, spec: TopologySpec, self: PeerKey, random: () => number, shared?: SharedWork) {
    this.#spec = spec;
    this.#random = random;
    const { membership } = frame;
    if (topologyKind(spec).needsRoster) {
      if (membership.kind !== 'allow-list')
        throw new RangeError('a run over a fixed topology has a list of members');
      const members = [...membership.members].sort();
      for (const key of members) this.#number(key);
      const make = () => createTopology(spec, members.length, topologySeed(frame));
      this.#topology = shared ? shared.once('topology', frame, make) : make();
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
    const degree = topologyKind(this.#spec).degree(this.#spec, linked.size + 1);
    const picked = pickRandom(linked, degree, this.#random);
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

/** Names the streams of topologies that are drawn, the same for every member. */
export function topologySeed({ name, seed }: Pick<RunFrame, 'name' | 'seed'>): string {
  return `${name}/${seed}/topology`;
}
