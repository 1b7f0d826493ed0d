import { equals } from 'uint8arrays';
import { leafHash, merkleRoot, segmentBytesMax, segmentCount } from '../../content/blob.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { PeerKey } from '../../core/io.ts';
import { decodeHashList, type Request, responseBytesMax } from '../wire.ts';

/** Requests of one blob under way at a time, over all its holders. */
const inFlightMax = 8;

/** As many as an answer may hold. */
const leavesMax = Math.floor(responseBytesMax / 32);

type Taken = 'taken' | 'other-length' | 'lie';

export type BlobPart = { readonly kind: 'leaves' } | { readonly kind: 'segment'; readonly index: number };

/** What to ask a holder for that part of the blob. */
export function blobRequest(root: Uint8Array, part: BlobPart): Request {
  return part.kind === 'leaves' ? { kind: 'leaves', root } : { kind: 'segment', root, index: part.index };
}

/**
 * Fetches one blob from several holders at once: first the leaf hashes (checked against the root), then every
 * segment (checked against its leaf). A holder that lies or fails is not asked again. Pure: `next` says what to
 * ask, the owner asks.
 */
export class BlobFetch {
  readonly root: Uint8Array;
  readonly bytes: number;
  readonly #crypto: Crypto;
  readonly #holders: PeerKey[] = [];
  readonly #bad = new Set<PeerKey>();
  readonly #blob: Uint8Array;
  readonly #done: boolean[];
  readonly #inFlight = new Set<number>();
  #leaves: readonly Uint8Array[] | null = null;
  #leavesInFlight = false;
  #turn = 0;

  constructor(root: Uint8Array, bytes: number, crypto: Crypto) {
    this.root = root;
    this.bytes = bytes;
    this.#crypto = crypto;
    this.#blob = new Uint8Array(bytes);
    this.#done = new Array<boolean>(segmentCount(bytes)).fill(false);
  }

  addHolder(peer: PeerKey): void {
    if (!this.#bad.has(peer) && !this.#holders.includes(peer)) this.#holders.push(peer);
  }

  dropHolder(peer: PeerKey): void {
    this.#bad.add(peer);
    const at = this.#holders.indexOf(peer);
    if (at >= 0) this.#holders.splice(at, 1);
  }

  /** No holder is left to ask. */
  get stuck(): boolean {
    return this.#holders.length === 0;
  }

  /** The verified bytes once they are all here. */
  get blob(): Uint8Array | null {
    return this.#leaves && this.#done.every(Boolean) ? this.#blob : null;
  }

  next(): Array<{ readonly peer: PeerKey; readonly part: BlobPart }> {
    const asks: Array<{ peer: PeerKey; part: BlobPart }> = [];
    if (this.stuck) return asks;
    if (!this.#leaves) {
      if (!this.#leavesInFlight) {
        this.#leavesInFlight = true;
        asks.push({ peer: this.#nextHolder(), part: { kind: 'leaves' } });
      }
      return asks;
    }
    for (let index = 0; index < this.#done.length && this.#inFlight.size < inFlightMax; index++) {
      if (this.#done[index] || this.#inFlight.has(index)) continue;
      this.#inFlight.add(index);
      asks.push({ peer: this.#nextHolder(), part: { kind: 'segment', index } });
    }
    return asks;
  }

  /**
   * Takes an answer; false when it is a lie. Its sender is then no holder any more, and neither is one whose blob has that root and
   * another length than we were told: who told us lied.
   */
  accept(peer: PeerKey, part: BlobPart, frame: Uint8Array | undefined): boolean {
    // It was asked for in a fetch of the same blob that was given up.
    if (part.kind === 'segment' && !this.#leaves) return true;
    this.#landed(part);
    const taken = frame && (part.kind === 'leaves' ? this.#takeLeaves(frame) : this.#take(part.index, frame));
    if (taken !== 'taken') this.dropHolder(peer);
    return taken === 'taken' || taken === 'other-length';
  }

  failed(peer: PeerKey, part: BlobPart): void {
    this.#landed(part);
    this.dropHolder(peer);
  }

  #landed(part: BlobPart): void {
    if (part.kind === 'leaves') this.#leavesInFlight = false;
    else this.#inFlight.delete(part.index);
  }

  #takeLeaves(frame: Uint8Array): Taken {
    const leaves = decodeHashList(frame, leavesMax);
    if (!leaves || leaves.length === 0 || !equals(merkleRoot(this.#crypto, leaves), this.root)) return 'lie';
    if (leaves.length !== this.#done.length) return 'other-length';
    this.#leaves = leaves;
    return 'taken';
  }

  #take(index: number, frame: Uint8Array): Taken {
    const leaf = this.#leaves?.[index];
    if (!leaf || !equals(leafHash(this.#crypto, frame), leaf)) return 'lie';
    const at = index * segmentBytesMax;
    if (frame.length !== Math.min(segmentBytesMax, this.bytes - at)) return 'other-length';
    this.#blob.set(frame, at);
    this.#done[index] = true;
    return 'taken';
  }

  #nextHolder(): PeerKey {
    this.#turn = (this.#turn + 1) % this.#holders.length;
    return this.#holders[this.#turn]!;
  }
}
