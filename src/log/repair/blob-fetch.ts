import { equals } from 'uint8arrays';
import { leafHash, merkleRoot, segmentBytesMax, segmentCount, segmentOf } from '../../content/blob.ts';
import { decodeHeld, encodeHeld } from '../../content/held-segments.ts';
import { Rests } from '../../content/rests.ts';
import { SegmentPlan } from '../../content/segment-plan.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { PeerKey } from '../../core/io.ts';
import { pickRandom } from '../../core/pick-random.ts';
import { decodeHashList, type Request, responseBytesMax } from '../wire.ts';

/** As many as an answer may hold. */
const leavesMax = Math.floor(responseBytesMax / 32);
/** Whoever does not answer, or is busy, is asked again after a while; who has given nothing yet fails twice at most, others so often in a row. Guesses. */
const restBounds = { firstMs: 500, maxMs: 8_000 };
const failuresMax = 8;
const strangersFailuresMax = 2;
/** A blob of so many segments takes a while: those who take it at the same time give each other what they have of it. Guess. */
const handedOnMin = 8;
/** Between two questions to a peer, what it has by now; who has nothing is asked less often. */
const heldEveryMs = 500;
const nothingBounds = { firstMs: 1_000, maxMs: 8_000 };

type Taken = 'taken' | 'other-length' | 'lie';

/** `held`: which segments are there. */
export type BlobPart =
  | { readonly kind: 'leaves' }
  | { readonly kind: 'held' }
  | { readonly kind: 'segment'; readonly index: number };

/** What to ask a peer for that part of the blob. */
export function blobRequest(root: Uint8Array, part: BlobPart): Request {
  return part.kind === 'segment' ? { kind: 'segment', root, index: part.index } : { kind: part.kind, root };
}

export interface BlobFetchContext {
  readonly crypto: Crypto;
  /** Of what is being handled. */
  readonly nowMs: () => number;
  /** Numbers in [0, 1). */
  readonly random: () => number;
}

/** A peer that may take the blob as well. */
interface Taker {
  /** What it says that it has. */
  held: ReadonlySet<number>;
  askedAtMs: number;
  isAsked: boolean;
}

/** Since the leaves are here. */
interface Pulled {
  readonly leaves: readonly Uint8Array[];
  readonly plan: SegmentPlan;
  readonly blob: Uint8Array;
}

/**
 * Fetches one blob from several donors at once: first the leaf hashes (checked against the root), then every segment (checked against
 * its leaf), as its plan spreads them; of a large one also from peers that have a part of it, and gives them what it has itself. A donor
 * that lies, or says that it has not got it, is not asked again; one that is silent or busy is, after a while. No memory is taken for it
 * before its leaves are here. Pure: `next` says what to ask, the owner asks.
 */
export class BlobFetch {
  readonly root: Uint8Array;
  readonly bytes: number;
  readonly #context: BlobFetchContext;
  /** Those that have all of it. */
  readonly #holders: PeerKey[] = [];
  readonly #takers = new Map<PeerKey, Taker>();
  readonly #bad = new Set<PeerKey>();
  /** Those that gave leaves or a segment. */
  readonly #gave = new Set<PeerKey>();
  readonly #rests: Rests;
  /** Takers that had nothing. */
  readonly #nothing: Rests;
  #held: ReadonlyMap<number, Uint8Array> = new Map();
  #pulled: Pulled | null = null;
  #leavesInFlight = false;

  constructor(root: Uint8Array, bytes: number, context: BlobFetchContext) {
    this.root = root;
    this.bytes = bytes;
    this.#context = context;
    this.#rests = new Rests(restBounds, context.random);
    this.#nothing = new Rests(nothingBounds, context.random);
  }

  /** Segments that may be here already, of before the leaves are. */
  resume(held: ReadonlyMap<number, Uint8Array>): void {
    this.#held = held;
  }

  addHolder(peer: PeerKey): void {
    if (this.#bad.has(peer) || this.#holders.includes(peer)) return;
    this.#takers.delete(peer);
    this.#holders.push(peer);
    this.#pulled?.plan.addDonor(peer);
  }

  /** It is asked what it has of the blob, where that is a large one. */
  addTaker(peer: PeerKey): void {
    if (!this.isHandedOn || this.#bad.has(peer) || this.#holders.includes(peer) || this.#takers.has(peer))
      return;
    this.#takers.set(peer, { held: new Set(), askedAtMs: Number.NEGATIVE_INFINITY, isAsked: false });
  }

  /** It is large enough for peers to have a part of it. */
  get isHandedOn(): boolean {
    return this.#segments >= handedOnMin;
  }

  get #segments(): number {
    return segmentCount(this.bytes);
  }

  #drop(peer: PeerKey): void {
    this.#bad.add(peer);
    const at = this.#holders.indexOf(peer);
    if (at >= 0) this.#holders.splice(at, 1);
    this.#takers.delete(peer);
    this.#pulled?.plan.dropDonor(peer);
  }

  /** Nobody is left who has all of it, or a part that is missing. */
  get stuck(): boolean {
    if (this.#holders.length > 0) return false;
    const plan = this.#pulled?.plan;
    return ![...this.#takers].some(([peer, { held }]) => (plan ? plan.isOfUse(peer) : held.size > 0));
  }

  isMissing(index: number): boolean {
    return this.#pulled?.plan.isMissing(index) ?? true;
  }

  /** The verified bytes once they are all here. */
  get blob(): Uint8Array | null {
    return this.#pulled?.plan.left === 0 ? this.#pulled.blob : null;
  }

  /** Its leaf hashes, once they are here. */
  get leaves(): readonly Uint8Array[] | null {
    return this.#pulled?.leaves ?? null;
  }

  /** Which of its segments are here, as bits. */
  heldBits(): Uint8Array | null {
    if (!this.#pulled) return null;
    const { leaves, plan } = this.#pulled;
    return encodeHeld(
      [...leaves.keys()].filter((index) => !plan.isMissing(index)),
      leaves.length,
    );
  }

  /** A segment that is here, in memory of the blob. */
  segment(index: number): Uint8Array | null {
    if (!this.#pulled || index >= this.#segments || this.isMissing(index)) return null;
    return segmentOf(this.#pulled.blob, index);
  }

  next(): Array<{ readonly peer: PeerKey; readonly part: BlobPart }> {
    const nowMs = this.#context.nowMs();
    const held = this.#heldAsks(nowMs);
    if (!this.#pulled) return [...this.#leavesAsk(nowMs), ...held];
    const { plan } = this.#pulled;
    for (const peer of this.#holders)
      if (!plan.has(peer) && !this.#rests.isResting(peer, nowMs)) plan.addDonor(peer);
    const asks = plan
      .asks(nowMs)
      .map(({ peer, index }) => ({ peer, part: { kind: 'segment' as const, index } }));
    return [...asks, ...held];
  }

  #leavesAsk(nowMs: number): Array<{ readonly peer: PeerKey; readonly part: BlobPart }> {
    if (this.#leavesInFlight) return [];
    const parts = [...this.#takers].flatMap(([peer, { held }]) => (held.size > 0 ? [peer] : []));
    const awake = [...this.#holders, ...parts].filter((peer) => !this.#rests.isResting(peer, nowMs));
    const [first, second] = awake;
    if (first === undefined) return [];
    this.#leavesInFlight = true;
    // Who told of it first is often its author, whom everybody asks.
    return [{ peer: second ?? first, part: { kind: 'leaves' } }];
  }

  #heldAsks(nowMs: number): Array<{ readonly peer: PeerKey; readonly part: BlobPart }> {
    return [...this.#takers].flatMap(([peer, taker]) => {
      if (taker.isAsked || nowMs < taker.askedAtMs + heldEveryMs) return [];
      if (this.#rests.isResting(peer, nowMs) || this.#nothing.isResting(peer, nowMs)) return [];
      taker.isAsked = true;
      taker.askedAtMs = nowMs;
      return [{ peer, part: { kind: 'held' as const } }];
    });
  }

  /**
   * Takes an answer; false when it is a lie. Its sender is then no donor any more, and neither is one whose blob has that root and
   * another length than we were told: who told us lied.
   */
  accept(peer: PeerKey, part: BlobPart, frame: Uint8Array | undefined): boolean {
    // It was asked for in a fetch of the same blob that was given up.
    if (part.kind === 'segment' && !this.#pulled) return true;
    if (part.kind === 'leaves') this.#leavesInFlight = false;
    const taken = frame === undefined ? 'lie' : this.#takePart(peer, part, frame);
    if (taken === 'taken') this.#rests.wentWell(peer);
    else this.#drop(peer);
    if (taken === 'taken' && part.kind !== 'held') this.#gave.add(peer);
    return taken !== 'lie';
  }

  #takePart(peer: PeerKey, part: BlobPart, frame: Uint8Array): Taken {
    switch (part.kind) {
      case 'leaves':
        return this.#takeLeaves(frame);
      case 'held':
        return this.#takeHeld(peer, frame);
      case 'segment':
        return this.#take(peer, part.index, frame);
    }
  }

  /** `isRefused`: it said that it has not got it, and was not merely silent or busy. */
  failed(peer: PeerKey, part: BlobPart, isRefused: boolean): void {
    const nowMs = this.#context.nowMs();
    if (part.kind === 'leaves') this.#leavesInFlight = false;
    if (part.kind === 'held' && isRefused) {
      const taker = this.#takers.get(peer);
      if (taker) taker.isAsked = false;
      this.#nothing.failed(peer, nowMs);
      return;
    }
    const most = this.#gave.has(peer) ? failuresMax : strangersFailuresMax;
    if (isRefused || this.#rests.failed(peer, nowMs) >= most) this.#drop(peer);
    else this.#rest(peer);
  }

  /** It is asked for nothing until it has rested. */
  #rest(peer: PeerKey): void {
    this.#pulled?.plan.dropDonor(peer);
    const taker = this.#takers.get(peer);
    if (taker) Object.assign(taker, { isAsked: false, held: new Set() });
  }

  #takeHeld(peer: PeerKey, frame: Uint8Array): Taken {
    const held = decodeHeld(frame, this.#segments);
    const taker = this.#takers.get(peer);
    if (!held) return 'other-length';
    if (!taker) return 'taken';
    this.#nothing.wentWell(peer);
    Object.assign(taker, { isAsked: false, held });
    if (held.size === this.#segments) this.addHolder(peer);
    else this.#pulled?.plan.addDonor(peer, held);
    return 'taken';
  }

  #takeLeaves(frame: Uint8Array): Taken {
    const leaves = decodeHashList(frame, leavesMax);
    const { crypto } = this.#context;
    if (!leaves || leaves.length === 0 || !equals(merkleRoot(crypto, leaves), this.root)) return 'lie';
    if (leaves.length !== this.#segments) return 'other-length';
    this.#pulled ??= this.#begun(leaves);
    return 'taken';
  }

  #begun(leaves: readonly Uint8Array[]): Pulled {
    const { crypto, random } = this.#context;
    const blob = new Uint8Array(this.bytes);
    const missing = [...leaves.keys()].filter((index) => {
      const segment = this.#held.get(index);
      const place = segmentOf(blob, index);
      const isRight = segment?.length === place.length && equals(leafHash(crypto, segment), leaves[index]!);
      if (isRight) place.set(segment);
      return !isRight;
    });
    this.#held = new Map();
    // In an order of our own: who takes it at the same time asks for other segments.
    const plan = new SegmentPlan(this.isHandedOn ? pickRandom(missing, missing.length, random) : missing);
    for (const holder of this.#holders) plan.addDonor(holder);
    for (const [peer, { held }] of this.#takers) if (held.size > 0) plan.addDonor(peer, held);
    return { leaves, plan, blob };
  }

  #take(peer: PeerKey, index: number, frame: Uint8Array): Taken {
    const leaf = this.#pulled?.leaves[index];
    if (!leaf || !equals(leafHash(this.#context.crypto, frame), leaf)) return 'lie';
    const at = index * segmentBytesMax;
    if (frame.length !== Math.min(segmentBytesMax, this.bytes - at)) return 'other-length';
    this.#pulled!.blob.set(frame, at);
    this.#pulled!.plan.came(peer, index, this.#context.nowMs());
    return 'taken';
  }
}
