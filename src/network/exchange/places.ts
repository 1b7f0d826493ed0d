/**
 * Who is served: the places of inbound requests as a table that decides and does nothing. Places are few, and a
 * peer that asks and then dawdles holds one for nothing; so where all are taken, a slow request loses its place
 * to a peer that has fewer. A quick one is never pushed out, and many keys with slow streams keep nobody off.
 */
import type { PeerKey } from '../../core/io.ts';
import type { ExchangeLimits } from './limits.ts';

/** Whose turn it is: the peer's, ours, the peer's. */
export type PlacePhase = 'receiving' | 'serving' | 'answering';

export type PlaceId = number;

interface Place {
  readonly peer: PeerKey;
  readonly phase: PlacePhase;
  /** When the phase began. */
  readonly sinceMs: number;
  /** In this phase. */
  readonly bytesMoved: number;
  /** Of the request, as announced. */
  readonly bytesHeld: number;
}

export type Admission =
  /** `lost`: the place that was taken away for it. */
  | { readonly kind: 'admitted'; readonly place: PlaceId; readonly lost: PlaceId | null }
  | { readonly kind: 'busy' };

export class Places {
  readonly #limits: ExchangeLimits;
  /** Oldest first. */
  readonly #places = new Map<PlaceId, Place>();
  #nextId = 0;

  constructor(limits: ExchangeLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#places.size;
  }

  admit(peer: PeerKey, nowMs: number): Admission {
    const { inboundMax, inboundPerPeerMax } = this.#limits;
    const mine = this.#countOf(peer);
    if (mine >= inboundPerPeerMax) {
      return { kind: 'busy' };
    }
    let lost: PlaceId | null = null;
    if (this.#places.size >= inboundMax) {
      const slow = this.#slow(nowMs).find(([, other]) => this.#countOf(other.peer) > mine);
      if (slow === undefined) {
        return { kind: 'busy' };
      }
      lost = slow[0];
      this.free(lost);
    }
    const place = this.#nextId++;
    this.#places.set(place, { peer, phase: 'receiving', sinceMs: nowMs, bytesMoved: 0, bytesHeld: 0 });
    return { kind: 'admitted', place, lost };
  }

  /** The request says that it has so many bytes. The places that make room for them, or null where there is none. */
  hold(id: PlaceId, bytes: number, nowMs: number): readonly PlaceId[] | null {
    const held = [...this.#places.values()].reduce((sum, { bytesHeld }) => sum + bytesHeld, 0);
    let spare = Math.max(this.#limits.inboundBytesMax, this.#limits.requestBytesMax) - held - bytes;
    const lost: PlaceId[] = [];
    for (const [other, { bytesHeld }] of this.#slow(nowMs)) {
      if (spare >= 0) {
        break;
      }
      if (other !== id) {
        spare += bytesHeld;
        lost.push(other);
      }
    }
    if (spare < 0) {
      return null;
    }
    for (const other of lost) {
      this.free(other);
    }
    this.#change(id, ({ bytesHeld }) => ({ bytesHeld: bytesHeld + bytes }));
    return lost;
  }

  moved(id: PlaceId, bytes: number): void {
    this.#change(id, ({ bytesMoved }) => ({ bytesMoved: bytesMoved + bytes }));
  }

  enter(id: PlaceId, phase: PlacePhase, nowMs: number): void {
    this.#change(id, () => ({ phase, sinceMs: nowMs, bytesMoved: 0 }));
  }

  free(id: PlaceId): void {
    this.#places.delete(id);
  }

  /** When the request will have taken too long to come, unless more of it comes until then; at once for a place that is gone. */
  receiveByMs(id: PlaceId): number {
    const place = this.#places.get(id);
    return place === undefined ? 0 : this.#dueMs(place, this.#limits.receiveTimeoutMs);
  }

  /** Oldest first; what waits for us is not the peer's fault. */
  #slow(nowMs: number): (readonly [PlaceId, Place])[] {
    return [...this.#places].filter(
      ([, place]) => place.phase !== 'serving' && this.#dueMs(place, this.#limits.patienceMs) <= nowMs,
    );
  }

  #dueMs({ sinceMs, bytesMoved }: Place, graceMs: number): number {
    return sinceMs + graceMs + (bytesMoved / this.#limits.paceBytesPerSecond) * 1_000;
  }

  #countOf(peer: PeerKey): number {
    return [...this.#places.values()].filter((place) => place.peer === peer).length;
  }

  #change(id: PlaceId, changes: (place: Place) => Partial<Place>): void {
    const place = this.#places.get(id);
    if (place !== undefined) {
      this.#places.set(id, { ...place, ...changes(place) });
    }
  }
}
