/** Who takes part in a run, who of them is here, and what they are called. Pure: follows from what it is told. */
import type { PeerKey } from '../../core/io.ts';

/** Peers remembered; connected ones are never forgotten. */
const othersMax = 1024;
/** Who was heard of in one of this many rounds is here. */
const hereRounds = 3;
/** Peers named in each list. */
export const shownMax = 64;

interface Other {
  readonly linked: boolean;
  /** Now or earlier. */
  readonly wasLinked: boolean;
  /** Newest round an entry or a parcel of theirs came for; -1 for none. */
  readonly round: number;
}

const noOther: Other = { linked: false, wasLinked: false, round: -1 };

interface Members {
  readonly known: number | null;
  readonly here: number;
  readonly linked: PeerKey[];
  readonly present: PeerKey[];
  readonly missing: PeerKey[];
  readonly names: Record<PeerKey, string>;
}

export class Roster {
  readonly #self: PeerKey;
  #members: ReadonlySet<PeerKey> | null = null;
  #names: ReadonlyMap<PeerKey, string> = new Map();
  readonly #others = new Map<PeerKey, Other>();
  #peersSeen = 0;

  constructor(self: PeerKey) {
    this.#self = self;
  }

  /** Peers ever connected. */
  get peersSeen(): number {
    return this.#peersSeen;
  }

  /** Connected peers. */
  get peers(): number {
    return [...this.#others.values()].filter(({ linked }) => linked).length;
  }

  /** Whether this node may take part. */
  get isMember(): boolean {
    return this.#members?.has(this.#self) ?? true;
  }

  /** What the manifest says. */
  name(members: readonly PeerKey[] | null, names: Readonly<Record<PeerKey, string>>): void {
    this.#members = members && new Set(members);
    this.#names = new Map(Object.entries(names));
  }

  /** As of `round`; `spoken`: of whom the view speaks besides. */
  members(round: number, spoken: readonly PeerKey[]): Members {
    // A stranger in a closed run is connected, and no member.
    const isHere = ([peer, other]: readonly [PeerKey, Other]): boolean =>
      (this.#members?.has(peer) ?? true) &&
      (other.linked || (other.round >= 0 && other.round > round - hereRounds));
    const here = new Set([...this.#others].filter(isHere).map(([peer]) => peer));
    const present = [...here].filter((peer) => peer !== this.#self).slice(0, shownMax);
    if (this.isMember) here.add(this.#self);
    const linked = [...this.#others]
      .flatMap(([peer, other]) => (other.linked ? [peer] : []))
      .slice(0, shownMax);
    const missing = [...(this.#members ?? [])].filter((peer) => !here.has(peer)).slice(0, shownMax);
    const names = [this.#self, ...linked, ...present, ...missing, ...spoken].flatMap((peer) => {
      const name = this.#names.get(peer);
      return name === undefined ? [] : [[peer, name] as const];
    });
    return {
      known: this.#members?.size ?? null,
      ...{ here: here.size, linked, present, missing },
      names: Object.fromEntries(names),
    };
  }

  setLinked(peers: readonly PeerKey[]): void {
    const linked = new Set(peers);
    for (const [peer, other] of [...this.#others]) {
      if (other.linked !== linked.has(peer)) this.note(peer, { linked: !other.linked });
    }
    for (const peer of linked) if (!this.#others.has(peer)) this.note(peer, { linked: true });
  }

  note(peer: PeerKey, what: { readonly linked: boolean } | { readonly round: number }): void {
    const before = this.#others.get(peer) ?? noOther;
    const isLinked = 'linked' in what && what.linked;
    if (isLinked && !before.wasLinked) this.#peersSeen += 1;
    const wasLinked = before.wasLinked || isLinked;
    const round = 'round' in what ? Math.max(what.round, before.round) : before.round;
    // Last in the order of the map: whom nobody heard of for longest is forgotten first.
    this.#others.delete(peer);
    this.#others.set(peer, { ...before, ...what, round, wasLinked });
    if (this.#others.size <= othersMax) return;
    for (const [other, { linked }] of this.#others) {
      if (linked) continue;
      this.#others.delete(other);
      return;
    }
  }
}
