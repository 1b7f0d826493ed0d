/** What a relay gives to others, all together and to those of one address: pure. */

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
