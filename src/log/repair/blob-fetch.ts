import { equals } from 'uint8arrays';
import { leafHash, merkleRoot, segmentBytesMax, segmentCount, segmentOf } from '../../content/blob.ts';
import { SegmentPlan } from '../../content/segment-plan.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { PeerKey } from '../../core/io.ts';
import { decodeHashList, type Request, responseBytesMax } from '../wire.ts';

/** As many as an answer may hold. */
const leavesMax = Math.floor(responseBytesMax / 32);

type Taken = 'taken' | 'other-length' | 'lie';

export type BlobPart = { readonly kind: 'leaves' } | { readonly kind: 'segment'; readonly index: number };

/** What to ask a holder for that part of the blob. */
export function blobRequest(root: Uint8Array, part: BlobPart): Request {
  return part.kind === 'leaves' ? { kind: 'leaves', root } : { kind: 'segment', root, index: part.index };
}

/** Since the leaves are here. */
interface Pulled {
  readonly leaves: readonly Uint8Array[];
  readonly plan: SegmentPlan;
  readonly blob: Uint8Array;
}

/**
 * Fetches one blob from several holders at once: first the leaf hashes (checked against the root), then every
 * segment (checked against its leaf), as its plan spreads them. A holder that lies or fails is not asked again. No memory is taken for
 * it before its leaves are here. Pure: `next` says what to ask, the owner asks.
 */
export class BlobFetch {
  readonly root: Uint8Array;
  readonly bytes: number;
  readonly #crypto: Crypto;
  readonly #nowMs: () => number;
  readonly #holders: PeerKey[] = [];
  readonly #bad = new Set<PeerKey>();
  #held: ReadonlyMap<number, Uint8Array> = new Map();
  #pulled: Pulled | null = null;
  #leavesInFlight = false;

  /** `nowMs`: of what is being handled. */
  constructor(root: Uint8Array, bytes: number, crypto: Crypto, nowMs: () => number) {
    this.root = root;
    this.bytes = bytes;
    this.#crypto = crypto;
    this.#nowMs = nowMs;
  }

  /** Segments that may be here already, of before the leaves are. */
  resume(held: ReadonlyMap<number, Uint8Array>): void {
    this.#held = held;
  }

  addHolder(peer: PeerKey): void {
    if (this.#bad.has(peer) || this.#holders.includes(peer)) return;
    this.#holders.push(peer);
    this.#pulled?.plan.addDonor(peer);
  }

  dropHolder(peer: PeerKey): void {
    this.#bad.add(peer);
    const at = this.#holders.indexOf(peer);
    if (at >= 0) this.#holders.splice(at, 1);
    this.#pulled?.plan.dropDonor(peer);
  }

  /** No holder is left to ask. */
  get stuck(): boolean {
    return this.#holders.length === 0;
  }

  isMissing(index: number): boolean {
    return this.#pulled?.plan.isMissing(index) ?? true;
  }

  /** The verified bytes once they are all here. */
  get blob(): Uint8Array | null {
    return this.#pulled?.plan.left === 0 ? this.#pulled.blob : null;
  }

  next(): Array<{ readonly peer: PeerKey; readonly part: BlobPart }> {
    if (this.#pulled)
      return this.#pulled.plan
        .asks(this.#nowMs())
        .map(({ peer, index }) => ({ peer, part: { kind: 'segment', index } }));
    const [first, second] = this.#holders;
    if (this.#leavesInFlight || first === undefined) return [];
    this.#leavesInFlight = true;
    // Who told of it first is often its author, whom everybody asks.
    return [{ peer: second ?? first, part: { kind: 'leaves' } }];
  }

  /**
   * Takes an answer; false when it is a lie. Its sender is then no holder any more, and neither is one whose blob has that root and
   * another length than we were told: who told us lied.
   */
  accept(peer: PeerKey, part: BlobPart, frame: Uint8Array | undefined): boolean {
    // It was asked for in a fetch of the same blob that was given up.
    if (part.kind === 'segment' && !this.#pulled) return true;
    if (part.kind === 'leaves') this.#leavesInFlight = false;
    const taken =
      frame && (part.kind === 'leaves' ? this.#takeLeaves(frame) : this.#take(peer, part.index, frame));
    if (taken !== 'taken') this.dropHolder(peer);
    return taken === 'taken' || taken === 'other-length';
  }

  failed(peer: PeerKey, part: BlobPart): void {
    if (part.kind === 'leaves') this.#leavesInFlight = false;
    this.dropHolder(peer);
  }

  #takeLeaves(frame: Uint8Array): Taken {
    const leaves = decodeHashList(frame, leavesMax);
    if (!leaves || leaves.length === 0 || !equals(merkleRoot(this.#crypto, leaves), this.root)) return 'lie';
    if (leaves.length !== segmentCount(this.bytes)) return 'other-length';
    this.#pulled ??= this.#begun(leaves);
    return 'taken';
  }

  #begun(leaves: readonly Uint8Array[]): Pulled {
    const blob = new Uint8Array(this.bytes);
    const missing = [...leaves.keys()].filter((index) => {
      const segment = this.#held.get(index);
      const place = segmentOf(blob, index);
      const isRight =
        segment?.length === place.length && equals(leafHash(this.#crypto, segment), leaves[index]!);
      if (isRight) place.set(segment);
      return !isRight;
    });
    this.#held = new Map();
    const plan = new SegmentPlan(missing);
    for (const holder of this.#holders) plan.addDonor(holder);
    return { leaves, plan, blob };
  }

  #take(peer: PeerKey, index: number, frame: Uint8Array): Taken {
    const leaf = this.#pulled?.leaves[index];
    if (!leaf || !equals(leafHash(this.#crypto, frame), leaf)) return 'lie';
    const at = index * segmentBytesMax;
    if (frame.length !== Math.min(segmentBytesMax, this.bytes - at)) return 'other-length';
    this.#pulled!.blob.set(frame, at);
    this.#pulled!.plan.came(peer, index, this.#nowMs());
    return 'taken';
  }
}
