/**
 * How a late joiner gets its start: signed snapshot headers from several donors, the newest snapshot that enough
 * unrelated donors vouch for, and its segments from all of them at once. Pure: `asks` says what to request.
 */
import { equals } from 'uint8arrays';
import { bytesToHex } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { PeerKey } from '../../core/io.ts';
import type { Kinds, LogState } from '../log-state.ts';
import { BlobFetch, type BlobPart, blobRequest } from '../repair/blob-fetch.ts';
import { decodeState, openSnapshotHeader, type SnapshotHeader } from '../snapshot.ts';
import type { Request } from '../wire.ts';

/** Peers asked for headers at a time. */
const donorsAskedMax = 6;

export type JoinMeaning =
  | { readonly kind: 'snapshots'; readonly peer: PeerKey }
  | {
      readonly kind: 'snapshot-blob';
      readonly peer: PeerKey;
      readonly root: string;
      readonly part: BlobPart;
    };

interface Candidate {
  readonly header: SnapshotHeader;
  readonly donors: Set<PeerKey>;
}

export class SnapshotJoin {
  readonly #crypto: Crypto;
  readonly #runId: string;
  readonly #kinds: Kinds;
  readonly #bytesMax: number;
  readonly #candidates = new Map<string, Candidate>();
  readonly #answered = new Set<PeerKey>();
  #fetch: { readonly candidate: Candidate; readonly blob: BlobFetch } | null = null;

  constructor(context: {
    readonly crypto: Crypto;
    readonly runId: string;
    readonly kinds: Kinds;
    /** Of a snapshot. */
    readonly bytesMax: number;
  }) {
    this.#crypto = context.crypto;
    this.#runId = context.runId;
    this.#kinds = context.kinds;
    this.#bytesMax = context.bytesMax;
  }

  /** Peers that answered with their headers, whether they had any or not. */
  get answered(): number {
    return this.#answered.size;
  }

  get fetching(): boolean {
    return this.#fetch !== null;
  }

  /** A new round of asking: earlier answers are forgotten, for donors move on to newer snapshots. */
  askHeaders(peers: readonly PeerKey[]): Array<{ meaning: JoinMeaning; request: Request }> {
    this.#candidates.clear();
    this.#answered.clear();
    return peers
      .slice(0, donorsAskedMax)
      .map((peer) => ({ meaning: { kind: 'snapshots', peer }, request: { kind: 'snapshots' } }));
  }

  /** Headers from one donor; false when one of them is forged or impossible. */
  headers(peer: PeerKey, frames: readonly Uint8Array[]): boolean {
    this.#answered.add(peer);
    for (const frame of frames.slice(0, 4)) {
      const header = openSnapshotHeader(frame, this.#runId, this.#crypto);
      if (!header || header.donor !== peer || header.bytes > this.#bytesMax) return false;
      const key = keyOf(header);
      const candidate = this.#candidates.get(key) ?? { header, donors: new Set() };
      candidate.donors.add(peer);
      this.#candidates.set(key, candidate);
    }
    return true;
  }

  /** Starts fetching the newest snapshot beyond `round` that `donorsMin` vouch for; false when there is none. */
  choose(round: number, donorsMin: number): boolean {
    if (this.#fetch) return true;
    const best = [...this.#candidates.values()]
      .filter(({ header, donors }) => header.round > round && donors.size >= donorsMin)
      .sort((a, b) => b.header.round - a.header.round || b.donors.size - a.donors.size)[0];
    if (!best) return false;
    const blob = new BlobFetch(best.header.blobRoot, best.header.bytes, this.#crypto);
    for (const donor of best.donors) blob.addHolder(donor);
    this.#fetch = { candidate: best, blob };
    return true;
  }

  asks(): Array<{ meaning: JoinMeaning; request: Request }> {
    const blob = this.#fetch?.blob;
    if (!blob) return [];
    const root = bytesToHex(blob.root);
    return blob.next().map(({ peer, part }) => ({
      meaning: { kind: 'snapshot-blob', peer, root, part },
      request: blobRequest(blob.root, part),
    }));
  }

  /** Takes a part; `frame` undefined stands for a failed request. False when the donor lied. */
  part(meaning: JoinMeaning & { kind: 'snapshot-blob' }, frame: Uint8Array | undefined): boolean {
    const blob = this.#fetch?.blob;
    if (!blob || bytesToHex(blob.root) !== meaning.root) return true;
    if (frame === undefined) blob.failed(meaning.peer, meaning.part);
    const good = frame === undefined || blob.accept(meaning.peer, meaning.part, frame);
    // No donor has it any more: they moved on to newer snapshots, and so must we.
    if (blob.stuck) this.#giveUp();
    return good;
  }

  /** The verified state once it is all here; the fetch is over then. */
  finish(): { readonly state: LogState; readonly blob: Uint8Array; readonly donors: number } | null {
    const fetch = this.#fetch;
    const blob = fetch?.blob.blob;
    if (!fetch || !blob) return null;
    const { header, donors } = fetch.candidate;
    this.#giveUp();
    const state = decodeState(this.#kinds, blob);
    if (!state || state.round !== header.round || !equals(state.root, header.root)) return null;
    return { state, blob, donors: donors.size };
  }

  /** The snapshot under way is not chosen again unless its donors offer it anew. */
  #giveUp(): void {
    if (this.#fetch) this.#candidates.delete(keyOf(this.#fetch.candidate.header));
    this.#fetch = null;
  }
}

function keyOf({ round, root, blobRoot, bytes }: SnapshotHeader): string {
  return `${round}/${bytesToHex(root)}/${bytesToHex(blobRoot)}/${bytes}`;
}
