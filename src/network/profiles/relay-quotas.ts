/** What a relay gives to others, all together and to those of one address: pure. */
import { TokenBuckets } from '../conduct/token-buckets.ts';

export interface RelayPlaces {
  readonly reservationsPerAddressMax: number;
}

/** A network gets as many places as two of its addresses. Guess. */
const addressesPerNetwork = 2;

/**
 * Whether one more of `origin` has a place beside those that are `taken`: so many for one address, and so many for one network, which
 * whoever has one address of it often has whole. @param origin as `publicOrigin` names it; null takes no account
 */
export function hasPlace(
  origin: string | null,
  taken: readonly (string | null)[],
  { reservationsPerAddressMax }: RelayPlaces,
): boolean {
  if (origin === null) return true;
  const ofAddress = taken.filter((other) => other === origin).length;
  const network = networkOf(origin);
  const ofNetwork = taken.filter((other) => other !== null && networkOf(other) === network).length;
  return ofAddress < reservationsPerAddressMax && ofNetwork < addressesPerNetwork * reservationsPerAddressMax;
}

/** 24 bits of an IPv4 address, 48 of IPv6. */
function networkOf(origin: string): string {
  const separator = origin.includes(':') ? ':' : '.';
  return origin.split(separator).slice(0, 3).join(separator);
}

const hourMs = 3_600_000;
/** Of all bytes those of one address. Guess. */
const shareOfAddress = 1 / 4;
/** Counted apart in one hour; all others are one. */
const originsMax = 4096;

/** Bytes that are passed on in an hour, by who asked for the connection. */
export class RelayBytes {
  readonly #perHourMax: number;
  #hour = -1;
  #total = 0;
  readonly #ofOrigin = new Map<string, number>();

  constructor(perHourMax: number) {
    this.#perHourMax = perHourMax;
  }

  /** @param nowMs of a clock that never goes back */
  note(origin: string | null, bytes: number, nowMs: number): void {
    this.#turn(nowMs);
    this.#total += bytes;
    const name = this.#nameOf(origin);
    if (name !== null) this.#ofOrigin.set(name, (this.#ofOrigin.get(name) ?? 0) + bytes);
  }

  /** Nothing more is passed on for it in this hour. */
  isSpent(origin: string | null, nowMs: number): boolean {
    this.#turn(nowMs);
    const name = this.#nameOf(origin);
    const own = name === null ? 0 : (this.#ofOrigin.get(name) ?? 0);
    return this.#total > this.#perHourMax || own > shareOfAddress * this.#perHourMax;
  }

  #nameOf(origin: string | null): string | null {
    if (origin === null || this.#ofOrigin.has(origin) || this.#ofOrigin.size < originsMax) return origin;
    return 'others';
  }

  #turn(nowMs: number): void {
    const hour = Math.floor(nowMs / hourMs);
    if (hour === this.#hour) return;
    this.#hour = hour;
    this.#total = 0;
    this.#ofOrigin.clear();
  }
}

/** Guesses: a node calls twenty peers of its runs when it starts; and who is called bears some hundred streams a second (muxer.ts). */
const callsOfCaller = { burst: 32, perSecond: 2 };
const callsToOne = { burst: 256, perSecond: 16 };

/**
 * Connections that a relay is asked for. Each opens a stream of ours at whoever is called, who drops us where we open too many: so strangers
 * could take a node from its relay.
 */
export class RelayCalls {
  readonly #ofCallers = new TokenBuckets(callsOfCaller);
  readonly #toCalled = new TokenBuckets(callsToOne);

  /** Whether one more is made now, which counts. @param caller by whatever callers are told apart; `nowMs`: of a clock that never goes back */
  takes(caller: string, called: string, nowMs: number): boolean {
    // Who is refused owes nothing: else somebody who asks on never gets one.
    if (this.#ofCallers.waitMs(caller, nowMs) > 0 || this.#toCalled.waitMs(called, nowMs) > 0) return false;
    this.#ofCallers.spend(caller, 1, nowMs);
    this.#toCalled.spend(called, 1, nowMs);
    return true;
  }
}

/** Places that one peer asks for, also where it has one: each answer is signed. It is renewed some minutes before it ends, and asked for again after each break of the line. Guess. */
export const placesAsked = { burst: 16, perSecond: 1 / 8 };
