/**
 * What an author shows of a training of its own, one thing after the other: the record, the residual that it began with, and those entries
 * of open rounds that it trained on and the log has lost since. Nothing of it is a fact: roots and signatures are checked here, what it
 * means is the auditor's business.
 */
import { equals } from 'uint8arrays';
import { hexToBytes } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { PeerKey } from '../../core/io.ts';
import type { DeltaProof } from '../../entries/delta/delta-state.ts';
import type { LogEntry } from '../../log/entry-kind.ts';
import type { Envelope } from '../../log/envelope.ts';
import { BlobFetch, type BlobPart, blobRequest } from '../../log/repair/blob-fetch.ts';
import type { Request } from '../../log/wire.ts';

/** Of a record beside its residual, when training began ahead. */
const recordBytesMore = 1 << 20;
/** Entries that the log has lost of one training, and bytes of their bodies. Guess: two rounds of them. */
const lostMax = 1024;
const lostBytesMax = 1 << 28;
/** Ids of one request. */
const idsMax = 256;

export interface EvidenceOptions {
  readonly author: PeerKey;
  readonly proof: DeltaProof;
  /** Parameters of the model. */
  readonly size: number;
  /** Root of a residual of zeros. */
  readonly nothing: Uint8Array;
  readonly crypto: Crypto;
  /** An envelope with a good signature of the run; null for anything else. */
  readonly openEnvelope: (bytes: Uint8Array) => Envelope | null;
  /** What an envelope with its body says; null where it says nothing. */
  readonly decode: (envelope: Envelope) => LogEntry | null;
  readonly nowMs: () => number;
  /** Numbers in [0, 1). */
  readonly random: () => number;
}

/** What an answer will be about. */
export type EvidencePart =
  | { readonly kind: 'entries' }
  | { readonly root: Uint8Array; readonly part: BlobPart };

/** A blob that is to be had next, and where it goes. */
interface Wanted {
  readonly root: Uint8Array;
  readonly bytes: number;
  take(blob: Uint8Array): void;
}

export class Evidence {
  readonly #options: EvidenceOptions;
  #record: Uint8Array | null = null;
  #residual: Uint8Array | null = null;
  /** Ids of entries that the log has lost; null until the record was looked at. */
  #lost: readonly string[] | null = null;
  readonly #envelopes = new Map<string, Envelope>();
  readonly #entries = new Map<string, LogEntry>();
  #fetch: BlobFetch | null = null;
  #isAskedForEntries = false;
  #isStuck = false;
  #hasFailed = false;

  constructor(options: EvidenceOptions) {
    this.#options = options;
    const { nothing, size, proof } = options;
    if (equals(proof.before, nothing)) this.#residual = new Uint8Array(4 * size);
  }

  get record(): Uint8Array | null {
    return this.#record;
  }

  get residual(): Uint8Array | null {
    return this.#residual;
  }

  /** Those that the log has lost, as far as they were shown. */
  get entries(): ReadonlyMap<string, LogEntry> {
    return this.#entries;
  }

  /** It was looked at already. */
  get isOpened(): boolean {
    return this.#lost !== null;
  }

  get isWhole(): boolean {
    return this.#lost !== null && this.#residual !== null && this.#entries.size === this.#lost.length;
  }

  /** Its author has not shown what it was asked for. */
  get isStuck(): boolean {
    return this.#isStuck;
  }

  /** It was so once, and may have been asked again since. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** The record names these, and the log has them no longer. False where no honest training names so many. */
  lacks(ids: readonly string[]): boolean {
    this.#lost = ids;
    return ids.length <= lostMax;
  }

  /** The author is asked once more. */
  askAgain(): void {
    this.#isStuck = false;
    this.#fetch = null;
    this.#isAskedForEntries = false;
  }

  next(): Array<{ readonly request: Request; readonly about: EvidencePart }> {
    if (this.#isStuck || this.isWhole) return [];
    const wanted = this.#wanted();
    if (wanted) {
      if (!this.#fetch || !equals(this.#fetch.root, wanted.root)) this.#fetch = this.#fetchOf(wanted);
      const { root } = wanted;
      return this.#fetch
        .next()
        .map(({ part }) => ({ request: blobRequest(root, part), about: { root, part } }));
    }
    const unseen = (this.#lost ?? []).filter((id) => !this.#envelopes.has(id) && !this.#entries.has(id));
    if (unseen.length === 0 || this.#isAskedForEntries) return [];
    this.#isAskedForEntries = true;
    const ids = unseen.slice(0, idsMax).map(hexToBytes);
    return [{ request: { kind: 'entries', ids }, about: { kind: 'entries' } }];
  }

  accept(about: EvidencePart, frames: readonly Uint8Array[]): void {
    if ('kind' in about) this.#takeEntries(frames);
    else if (this.#fetch && equals(this.#fetch.root, about.root)) {
      this.#fetch.accept(this.#options.author, about.part, frames[0]);
      const { blob } = this.#fetch;
      const wanted = blob && this.#wanted();
      if (blob && wanted) {
        this.#fetch = null;
        wanted.take(blob);
      } else if (this.#fetch.stuck) this.#stick();
    }
  }

  failed(about: EvidencePart): void {
    if (!('kind' in about) && !(this.#fetch && equals(this.#fetch.root, about.root))) return;
    this.#stick();
  }

  /** The next blob; null where none is. */
  #wanted(): Wanted | null {
    const { proof, size } = this.#options;
    if (!this.#record) {
      const take = (blob: Uint8Array): void => {
        this.#record = blob;
      };
      return { root: proof.record, bytes: Math.min(proof.recordBytes, 4 * size + recordBytesMore), take };
    }
    if (this.#lost === null) return null;
    if (!this.#residual) {
      const take = (blob: Uint8Array): void => {
        this.#residual = blob;
      };
      return { root: proof.before, bytes: 4 * size, take };
    }
    const [bodiless] = this.#envelopes.values();
    if (!bodiless) return null;
    const take = (body: Uint8Array): void => this.#takeEntry({ ...bodiless, body });
    return { root: bodiless.bodyRoot, bytes: bodiless.bodyBytes, take };
  }

  #fetchOf({ root, bytes }: Wanted): BlobFetch {
    const fetch = new BlobFetch(root, bytes, this.#options);
    fetch.addHolder(this.#options.author);
    return fetch;
  }

  #takeEntries(frames: readonly Uint8Array[]): void {
    this.#isAskedForEntries = false;
    const before = this.#envelopes.size + this.#entries.size;
    const lost = new Set(this.#lost);
    for (const frame of frames) {
      const envelope = this.#options.openEnvelope(frame);
      if (!envelope || !lost.has(envelope.id) || this.#entries.has(envelope.id)) continue;
      if (envelope.body) this.#takeEntry(envelope);
      else if (this.#bodyBytes() + envelope.bodyBytes <= lostBytesMax)
        this.#envelopes.set(envelope.id, envelope);
    }
    // Who has something to show shows some of it.
    if (this.#envelopes.size + this.#entries.size === before) this.#stick();
  }

  #takeEntry(envelope: Envelope): void {
    this.#envelopes.delete(envelope.id);
    const entry = this.#options.decode(envelope);
    if (entry) this.#entries.set(entry.id, entry);
    else this.#stick();
  }

  #stick(): void {
    this.#isStuck = true;
    this.#hasFailed = true;
  }

  #bodyBytes(): number {
    const all = [...this.#envelopes.values(), ...this.#entries.values()];
    return all.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
  }
}
