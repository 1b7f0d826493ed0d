/**
 * Who is served: the seats of inbound requests as a table that decides and does nothing. Seats are few, and a
 * peer that asks and then dawdles holds one for nothing; so where all are taken, a slow request loses its seat
 * to a peer that has fewer. A quick one is never pushed out, and many keys with slow streams keep nobody off.
 */
import type { PeerKey } from '../../core/io.ts';
import { peersPerAddress } from '../conduct/origins.ts';
import type { ExchangeLimits } from './limits.ts';

/** Whose turn it is: the peer's, ours, the peer's. */
export type SeatPhase = 'receiving' | 'serving' | 'answering';

export type SeatId = number;

interface Seat {
  readonly peer: PeerKey;
  /** Its address where peers of that are counted together. */
  readonly origin: string | null;
  readonly phase: SeatPhase;
  /** When the phase began. */
  readonly sinceMs: number;
  /** In this phase. */
  readonly bytesMoved: number;
  /** Of the request, as announced. */
  readonly bytesHeld: number;
}

export type Admission =
  /** `lost`: the seat that was taken away for it. */
  | { readonly kind: 'admitted'; readonly seat: SeatId; readonly lost: SeatId | null }
  | { readonly kind: 'busy' };

export class Seats {
  readonly #limits: ExchangeLimits;
  /** Oldest first. */
  readonly #seats = new Map<SeatId, Seat>();
  #nextId = 0;

  constructor(limits: ExchangeLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#seats.size;
  }

  admit(peer: PeerKey, nowMs: number, origin: string | null = null): Admission {
    const { inboundMax, inboundPerPeerMax } = this.#limits;
    const mine = this.#countWith({ peer, origin });
    if (this.#countOf(peer) >= inboundPerPeerMax || mine >= peersPerAddress * inboundPerPeerMax) {
      return { kind: 'busy' };
    }
    let lost: SeatId | null = null;
    if (this.#seats.size >= inboundMax) {
      const slow = this.#slow(nowMs).find(([, other]) => this.#countWith(other) > mine);
      if (slow === undefined) {
        return { kind: 'busy' };
      }
      lost = slow[0];
      this.free(lost);
    }
    const seat = this.#nextId++;
    this.#seats.set(seat, { peer, origin, phase: 'receiving', sinceMs: nowMs, bytesMoved: 0, bytesHeld: 0 });
    return { kind: 'admitted', seat, lost };
  }

  /** The request says that it has so many bytes. The seats that make room for them, or null where there is none. */
  hold(id: SeatId, bytes: number, nowMs: number): readonly SeatId[] | null {
    const held = [...this.#seats.values()].reduce((sum, { bytesHeld }) => sum + bytesHeld, 0);
    let spare = Math.max(this.#limits.inboundBytesMax, this.#limits.requestBytesMax) - held - bytes;
    const lost: SeatId[] = [];
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

  moved(id: SeatId, bytes: number): void {
    this.#change(id, ({ bytesMoved }) => ({ bytesMoved: bytesMoved + bytes }));
  }

  enter(id: SeatId, phase: SeatPhase, nowMs: number): void {
    this.#change(id, () => ({ phase, sinceMs: nowMs, bytesMoved: 0 }));
  }

  free(id: SeatId): void {
    this.#seats.delete(id);
  }

  /** When the request will have taken too long to come, unless more of it comes until then; at once for a seat that is gone. */
  receiveByMs(id: SeatId): number {
    const seat = this.#seats.get(id);
    return seat === undefined ? 0 : this.#dueMs(seat, this.#limits.receiveTimeoutMs);
  }

  /** Oldest first; what waits for us is not the peer's fault. */
  #slow(nowMs: number): (readonly [SeatId, Seat])[] {
    return [...this.#seats].filter(
      ([, seat]) => seat.phase !== 'serving' && this.#dueMs(seat, this.#limits.patienceMs) <= nowMs,
    );
  }

  #dueMs({ sinceMs, bytesMoved }: Seat, graceMs: number): number {
    return sinceMs + graceMs + (bytesMoved / this.#limits.paceBytesPerSecond) * 1_000;
  }

  #countOf(peer: PeerKey): number {
    return [...this.#seats.values()].filter((seat) => seat.peer === peer).length;
  }

  /** Seats of all that come from the same address, or of the peer alone where that is not known. */
  #countWith({ peer, origin }: Pick<Seat, 'peer' | 'origin'>): number {
    if (origin === null) return this.#countOf(peer);
    return [...this.#seats.values()].filter((seat) => seat.origin === origin).length;
  }

  #change(id: SeatId, changes: (seat: Seat) => Partial<Seat>): void {
    const seat = this.#seats.get(id);
    if (seat !== undefined) {
      this.#seats.set(id, { ...seat, ...changes(seat) });
    }
  }
}
