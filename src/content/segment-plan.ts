/**
 * Who is asked for which segment of a blob: spread over its donors by the pace that each has shown, none far beyond its share, and
 * asked elsewhere too where a donor dawdles. Donors that have a part are asked for that part, and each for what fewest of them have:
 * so those who take a blob at the same time get different segments and give them to each other. What a donor has is its word; it is
 * dropped when it does not keep it. Pure: `asks` says what to ask now, the owner asks and verifies.
 */
import type { PeerKey } from '../core/io.ts';

/** Under way at a time, of one donor and of all: 1.5 and 4 MiB. A server gives a peer eight seats, and other requests need some. */
const perDonorMax = 6;
const inFlightMax = 16;
/** Of all slow ones, beside these: they must not keep others from being asked. */
const slowInFlightMax = 8;
/** Of a donor whose pace is not known. */
const firstAsks = 2;
/** A donor is asked for as much as it gives in this time, and for one segment at least. Guess. */
const queueMs = 1_000;
/** Times its even share that a donor gives at most: 35 of 100 where there are four. */
const shareMax = 1.4;
/** Silence after which what a donor was asked for is asked elsewhere: this long, and as long as so many segments take it. Guesses. */
export const silenceMs = 3_000;
const silenceSegments = 6;
/** The newest segment's part in what is known of a donor's pace. */
const newPart = 0.3;

interface Donor {
  readonly peer: PeerKey;
  /** What it says that it has; null: all. */
  held: ReadonlySet<number> | null;
  /** When it was asked for each segment that is under way, the longest first. */
  readonly inFlight: Map<number, number>;
  /** Asked of it and, since it was silent, of others: it is asked for nothing more until these have settled. */
  readonly late: Set<number>;
  /** Between two of its segments; null before the first. */
  pacedMs: number | null;
  lastMs: number;
  given: number;
}

export interface SegmentAsk {
  readonly peer: PeerKey;
  readonly index: number;
}

export class SegmentPlan {
  /** Of which nobody is being asked, in the order in which they will be. */
  readonly #open: number[];
  /** Neither here nor given up; how many are being asked for each. */
  readonly #wanted: Map<number, number>;
  readonly #donors = new Map<PeerKey, Donor>();
  /** How many donors with a part say that they have a segment. */
  readonly #parts = new Map<number, number>();
  readonly #total: number;

  /** `wanted`: the indexes of those that are missing. */
  constructor(wanted: readonly number[]) {
    this.#open = [...wanted];
    this.#wanted = new Map(wanted.map((index) => [index, 0]));
    this.#total = wanted.length;
  }

  /** Segments that are not here. */
  get left(): number {
    return this.#wanted.size;
  }

  has(peer: PeerKey): boolean {
    return this.#donors.has(peer);
  }

  get donors(): number {
    return this.#donors.size;
  }

  /** Those that are neither silent nor slow and have something that is missing. */
  get quick(): number {
    return this.#awake().filter((donor) => !isSlow(donor) && this.isOfUse(donor.peer)).length;
  }

  /** Of those that are silent or slow, who gave least lately. */
  get idlest(): PeerKey | undefined {
    const idle = [...this.#donors.values()].filter((donor) => donor.late.size > 0 || isSlow(donor));
    return idle.sort((one, other) => one.lastMs - other.lastMs)[0]?.peer;
  }

  /** Whether it has something that is missing, by its word. */
  isOfUse(peer: PeerKey): boolean {
    const donor = this.#donors.get(peer);
    if (!donor?.held) return donor !== undefined;
    for (const index of donor.held) if (this.#wanted.has(index)) return true;
    return false;
  }

  /** `held`: what it says that it has; null: all. Of one that is there already this is news. */
  addDonor(peer: PeerKey, held: ReadonlySet<number> | null = null): void {
    const known = this.#donors.get(peer);
    this.#count(known?.held ?? null, -1);
    this.#count(held, 1);
    if (known) known.held = held;
    else
      this.#donors.set(peer, {
        ...{ peer, held, inFlight: new Map(), late: new Set() },
        ...{ pacedMs: null, lastMs: 0, given: 0 },
      });
  }

  /** It gives no more; what it was asked for is asked of others. It may be added again. */
  dropDonor(peer: PeerKey): void {
    const donor = this.#donors.get(peer);
    if (!donor) return;
    this.#donors.delete(peer);
    this.#count(donor.held, -1);
    for (const index of donor.inFlight.keys()) this.#reopen(index);
  }

  isMissing(index: number): boolean {
    return this.#wanted.has(index);
  }

  /** A segment has come from there and is what it should be; returns whether it is the first to come. */
  came(peer: PeerKey, index: number, nowMs: number): boolean {
    const isNews = this.#wanted.delete(index);
    const donor = this.#donors.get(peer);
    if (isNews) {
      const at = this.#open.indexOf(index);
      if (at >= 0) this.#open.splice(at, 1);
    }
    if (!donor) return isNews;
    const askedAtMs = donor.inFlight.get(index);
    if (askedAtMs !== undefined) {
      const tookMs = Math.max(1, nowMs - Math.max(askedAtMs, donor.lastMs));
      donor.pacedMs = donor.pacedMs === null ? tookMs : (1 - newPart) * donor.pacedMs + newPart * tookMs;
    }
    donor.inFlight.delete(index);
    donor.late.delete(index);
    donor.lastMs = nowMs;
    if (isNews) donor.given += 1;
    return isNews;
  }

  /** What to ask now, each of which is under way from then on. */
  asks(nowMs: number): SegmentAsk[] {
    this.#giveUpSilent(nowMs);
    const asks: SegmentAsk[] = [];
    for (;;) {
      const ask = this.#nextAsk(nowMs);
      if (ask === undefined) return asks;
      this.#donors.get(ask.peer)!.inFlight.set(ask.index, nowMs);
      this.#wanted.set(ask.index, this.#wanted.get(ask.index)! + 1);
      asks.push(ask);
    }
  }

  /** Segments under way of the slow ones, or of the others. */
  #underWay(slow: boolean): number {
    const donors = [...this.#donors.values()].filter((donor) => isSlow(donor) === slow);
    return donors.reduce((sum, { inFlight }) => sum + inFlight.size, 0);
  }

  #count(held: ReadonlySet<number> | null, by: number): void {
    for (const index of held ?? []) this.#parts.set(index, (this.#parts.get(index) ?? 0) + by);
  }

  #reopen(index: number): void {
    const asked = this.#wanted.get(index);
    if (asked === undefined) return;
    this.#wanted.set(index, asked - 1);
    if (asked === 1) this.#open.unshift(index);
  }

  #giveUpSilent(nowMs: number): void {
    for (const donor of this.#donors.values()) {
      const patienceMs = Math.max(silenceMs, silenceSegments * (donor.pacedMs ?? 0));
      if (silentMs(donor, nowMs) < patienceMs) continue;
      for (const index of donor.inFlight.keys()) {
        donor.late.add(index);
        this.#reopen(index);
      }
      donor.inFlight.clear();
    }
  }

  /** Of who would give one more soonest among those that have one. */
  #nextAsk(nowMs: number): SegmentAsk | undefined {
    const hasRoom = this.#underWay(false) < inFlightMax;
    const hasRoomForSlow = this.#underWay(true) < slowInFlightMax;
    const free = this.#awake().filter(
      (donor) =>
        (isSlow(donor) ? hasRoomForSlow : hasRoom) &&
        donor.inFlight.size < windowOf(donor) &&
        !this.#hasGivenItsShare(donor, nowMs),
    );
    for (const donor of free.sort((one, other) => untilMs(one, nowMs) - untilMs(other, nowMs))) {
      const index = this.#open.length > 0 ? this.#rarest(donor) : this.#slowest(donor, nowMs);
      if (index !== undefined) return { peer: donor.peer, index };
    }
    return undefined;
  }

  /** Of what is open and it has, the first that fewest donors with a part have; it is open no more. */
  #rarest({ held }: Donor): number | undefined {
    const fewest = held === null ? 0 : 1;
    let at = -1;
    let parts = Number.POSITIVE_INFINITY;
    for (let each = 0; each < this.#open.length && parts > fewest; each++) {
      const index = this.#open[each]!;
      const have = this.#parts.get(index) ?? 0;
      if (have >= parts || (held !== null && !held.has(index))) continue;
      at = each;
      parts = have;
    }
    return at < 0 ? undefined : this.#open.splice(at, 1)[0];
  }

  #awake(): Donor[] {
    return [...this.#donors.values()].filter(({ late }) => late.size === 0);
  }

  /**
   * Among those that have all of it. Whoever is faster than all others together gives on: they would need more than twice the time
   * without it.
   */
  #hasGivenItsShare(donor: Donor, nowMs: number): boolean {
    const others = this.#awake().filter((other) => other !== donor && other.held === null);
    if (donor.held !== null) return false;
    const even = this.#total / (others.length + 1);
    const share = Math.max(Math.floor(shareMax * even), Math.ceil(even));
    if (others.length === 0 || donor.given + donor.inFlight.size < share) return false;
    const theirs = others.reduce((sum, other) => sum + 1 / paceMs(other, nowMs), 0);
    return theirs >= 1 / paceMs(donor, nowMs);
  }

  /** Nothing is open: what another one was asked for last and will need more than twice as long for; each of two donors at most. */
  #slowest(donor: Donor, nowMs: number): number | undefined {
    const mineMs = untilMs(donor, nowMs);
    let slowest: { readonly index: number; readonly ms: number } | undefined;
    for (const other of this.#awake()) {
      const index = [...other.inFlight.keys()].findLast(
        (each) =>
          this.#wanted.get(each) === 1 && !donor.inFlight.has(each) && (donor.held?.has(each) ?? true),
      );
      if (other === donor || index === undefined) continue;
      const ms = other.inFlight.size * paceMs(other, nowMs);
      if (ms > 2 * mineMs && ms > (slowest?.ms ?? 0)) slowest = { index, ms };
    }
    return slowest?.index;
  }
}

function windowOf({ pacedMs }: Donor): number {
  return pacedMs === null ? firstAsks : Math.max(1, Math.min(perDonorMax, Math.ceil(queueMs / pacedMs)));
}

/** Takes so long for each as is silence of others. */
function isSlow({ pacedMs }: Donor): boolean {
  return pacedMs !== null && pacedMs > silenceMs;
}

/** Since it was asked, or gave something. */
function silentMs({ inFlight, lastMs }: Donor, nowMs: number): number {
  const [askedAtMs] = inFlight.values();
  return askedAtMs === undefined ? 0 : nowMs - Math.max(askedAtMs, lastMs);
}

/** For a segment; who has been silent for longer is slower now. Nearly nothing for one that was never asked. */
function paceMs(donor: Donor, nowMs: number): number {
  return Math.max(donor.pacedMs ?? 1e-3, silentMs(donor, nowMs));
}

/** When one more that it were asked for would be here. */
function untilMs(donor: Donor, nowMs: number): number {
  return (donor.inFlight.size + 1) * paceMs(donor, nowMs);
}
