/**
 * Our own part in audits: what our trainings began with, for whoever is drawn to train them again; and the deltas of others that we are
 * drawn for, one after the other. An auditor asks the author for what it began with, rebuilds the start from the log, has it trained
 * again, and says whether it comes to the same.
 */
import { equals } from 'uint8arrays';
import type { DeltaCodec } from '../../codec/delta-codec.ts';
import { blobRoot } from '../../content/blob.ts';
import { bytesToHex } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { OutputSink, PeerKey, StoreWrite } from '../../core/io.ts';
import { type AuditKind, baseAgeMax } from '../../entries/audit/audit-kind.ts';
import type { AuditCase, AuditVote } from '../../entries/audit/audit-state.ts';
import type { DeltaKind } from '../../entries/delta/delta-kind.ts';
import type { DeltaContent, DeltaProof } from '../../entries/delta/delta-state.ts';
import type { LogEntry } from '../../log/entry-kind.ts';
import type { Claim } from '../../log/envelope.ts';
import type { Kinds, LogFrame } from '../../log/log-state.ts';
import { BlobFetch, type BlobPart, blobRequest } from '../../log/repair/blob-fetch.ts';
import type { Replica } from '../../log/replica.ts';
import { RequestTable } from '../../log/request-table.ts';
import { encodeRequest } from '../../log/wire.ts';
import { Author } from './author.ts';
import { openStart, type Start } from './open-start.ts';
import {
  type Began,
  decodeTraining,
  isTrainingKey,
  type TrainingRecord,
  trainingKey,
} from './training-record.ts';

const nothing = '0'.repeat(64);
/** Of a record beside its residuals. */
const recordBytesMore = 1 << 20;
/** An answer is waited for a slot long, within these bounds. Guess. */
const [timeoutMinMs, timeoutMaxMs] = [1000, 15_000];

export interface AuditingOptions {
  readonly kind: AuditKind;
  /** Of the kind among those of the run. */
  readonly number: number;
  readonly runId: string;
  readonly crypto: Crypto;
  readonly kinds: Kinds;
  readonly frame: LogFrame;
  readonly delta: DeltaKind;
  readonly codec: DeltaCodec;
  readonly decay: number;
  readonly headStart: number;
  readonly size: number;
  readonly self: PeerKey;
  /** Records stay in the store, for audits of our own. */
  readonly keepsAll: boolean;
  readonly nextRequestId: () => number;
  readonly nowMs: () => number;
}

/** What an auditor has come to. */
export interface Found {
  readonly one: AuditCase;
  readonly vote: AuditVote;
}

interface Duty {
  readonly one: AuditCase;
  readonly delta: LogEntry<DeltaContent>;
  readonly proof: DeltaProof;
  fetch: BlobFetch;
  /** While it is trained again. */
  again: { readonly record: TrainingRecord; readonly start: Float32Array } | null;
}

export class Auditing {
  readonly #options: AuditingOptions;
  readonly #linked = new Set<PeerKey>();
  /** What our trainings began with, by root. */
  readonly #shown = new Map<string, { readonly round: number; readonly bytes: Uint8Array }>();
  /** Cases that we have done with. */
  readonly #done = new Set<string>();
  readonly #requests: RequestTable<{ readonly peer: PeerKey; readonly id: string; readonly part: BlobPart }>;
  #duty: Duty | null = null;
  /** Whose authors have not answered so far, the longest first. */
  readonly #aside = new Map<string, Duty>();
  /** Root of the residual after our last delta, and how often it had changed by then. */
  #left: { readonly changes: number; readonly root: Uint8Array } | null = null;

  constructor(options: AuditingOptions) {
    this.#options = options;
    const timeoutMs = Math.max(timeoutMinMs, Math.min(timeoutMaxMs, options.frame.slotMs));
    this.#requests = new RequestTable(timeoutMs, options.nextRequestId);
  }

  restore(stored: Iterable<readonly [string, Uint8Array]>): void {
    for (const [key, bytes] of stored) {
      const record = isTrainingKey(key) ? decodeTraining(bytes) : null;
      if (record) this.#show(record.round, bytes);
    }
  }

  met(peer: PeerKey): void {
    this.#linked.add(peer);
  }

  parted(peer: PeerKey): void {
    this.#linked.delete(peer);
  }

  /** Whether a training of a round, ours or another's, may begin on the state after another. */
  mayBeginOn(base: number, round: number): boolean {
    return base < round && base >= round - baseAgeMax(this.#options.frame.windowRounds);
  }

  /** What a delta of ours claims besides; what its training began with is shown from now on. */
  prove(round: number, { bytes, before }: Began, residual: Author): readonly Claim[] {
    const { crypto } = this.#options;
    const record = this.#show(round, bytes);
    const { changes } = residual;
    // What was left is what is begun with, where nothing but this training has changed it since.
    const known = this.#left?.changes === changes - 1 ? this.#left.root : null;
    const root = blobRoot(crypto, residual.toBytes());
    this.#left = { changes, root };
    return [bytes.length, record, known ?? blobRoot(crypto, before), root];
  }

  #show(round: number, bytes: Uint8Array): Uint8Array {
    const root = blobRoot(this.#options.crypto, bytes);
    this.#shown.set(bytesToHex(root), { round, bytes });
    return root;
  }

  /** Of final rounds that nobody was drawn for, or has done with, nothing is asked any more. */
  forget({ base }: Replica): StoreWrite[] {
    const { kind, number, self, keepsAll } = this.#options;
    const asked = new Set(kind.casesOf(base.kinds[number], self).map(({ round }) => round));
    const writes: StoreWrite[] = [];
    for (const [root, { round }] of this.#shown) {
      if (round > base.round || asked.has(round)) continue;
      this.#shown.delete(root);
      if (!keepsAll) writes.push({ key: trainingKey(round), value: null });
    }
    return writes;
  }

  shown(root: Uint8Array): Uint8Array | undefined {
    return this.#shown.get(bytesToHex(root))?.bytes;
  }

  /** Takes up what we are drawn for; returns what has been found, which is said once. */
  next(out: OutputSink, replica: Replica, slot: number): Found | null {
    const duty = this.#duty ?? this.#begin(replica, slot);
    this.#duty = duty;
    if (!duty || duty.again) return null;
    const { one, fetch } = duty;
    if (!this.#options.kind.isInTime(one, slot)) return this.#drop();
    const record = fetch.blob;
    if (record) return this.#opened(out, duty, record, replica);
    if (fetch.stuck) {
      // Whom we do not see withholds nothing from us.
      const isLast = !this.#options.kind.isInTime(one, slot + 1);
      if (isLast) return this.#linked.has(one.author) ? this.#found('withheld') : this.#drop();
      // Who is mute keeps no other delta from being audited.
      this.#aside.set(one.id, duty);
      this.#duty = null;
      return this.next(out, replica, slot);
    }
    for (const { peer, part } of duty.fetch.next())
      this.#requests.open(
        out,
        { peer, id: one.id, part },
        encodeRequest(blobRequest(duty.proof.record, part)),
      );
    return null;
  }

  /** False where it is no answer to us. */
  answered(requestId: number, frame: Uint8Array | undefined): boolean {
    const meaning = this.#requests.take(requestId);
    if (!meaning) return false;
    if (meaning.id === this.#duty?.one.id) this.#duty.fetch.accept(meaning.peer, meaning.part, frame);
    return true;
  }

  failed(requestId: number): boolean {
    const meaning = this.#requests.take(requestId);
    if (!meaning) return false;
    if (meaning.id === this.#duty?.one.id) this.#duty.fetch.failed(meaning.peer, meaning.part);
    return true;
  }

  /** What training it again gave; null where it could not be done here. */
  retrained(id: string, end: Float32Array | null): Found | null {
    const duty = this.#duty;
    if (!duty?.again || duty.one.id !== id) return null;
    if (!end) return this.#drop();
    const { codec, decay, headStart, size, crypto } = this.#options;
    const { record, start } = duty.again;
    const author = new Author({ codec, decay, headStart, size });
    author.become(record.residual);
    if (!author.learn(start, end)) return this.#found('differs');
    const body = blobRoot(crypto, author.pay());
    const after = blobRoot(crypto, author.toBytes());
    if (equals(body, duty.delta.bodyRoot) && equals(after, duty.proof.after)) return this.#found('same');
    return this.#found('differs', bytesToHex(crypto.sha256(body, after)));
  }

  /** The entry of a round that says so; null where it comes too late. */
  compose({ one, vote }: Found, round: number): ReturnType<AuditKind['compose']> | null {
    const { kind } = this.#options;
    return kind.isInTime(one, round) ? kind.compose(one, vote) : null;
  }

  #begin(replica: Replica, slot: number): Duty | null {
    const { kind, number, self } = this.#options;
    const due = kind
      .dutiesIn(replica.base.kinds[number], self)
      .filter((one) => !this.#done.has(one.id) && kind.isInTime(one, slot));
    const known = new Set(due.map(({ id }) => id));
    for (const id of this.#aside.keys()) if (!known.has(id)) this.#aside.delete(id);
    const last = due.find((one) => this.#aside.has(one.id) && !kind.isInTime(one, slot + 1));
    if (last) return this.#takeUp(last.id);
    for (const one of due) {
      if (this.#aside.has(one.id)) continue;
      const delta = replica.log.entry(one.id) as LogEntry<DeltaContent> | undefined;
      const proof = delta?.content.proof;
      if (delta && proof) return { one, delta, proof, fetch: this.#fetchOf(proof, one.author), again: null };
    }
    // The one that has waited longest is asked once more.
    const [longest] = this.#aside.keys();
    const duty = longest === undefined ? null : this.#takeUp(longest);
    if (duty) duty.fetch = this.#fetchOf(duty.proof, duty.one.author);
    return duty;
  }

  #takeUp(id: string): Duty | null {
    const duty = this.#aside.get(id) ?? null;
    this.#aside.delete(id);
    return duty;
  }

  #fetchOf({ record, recordBytes }: DeltaProof, author: PeerKey): BlobFetch {
    const most = 8 * this.#options.size + recordBytesMore;
    const { crypto, nowMs } = this.#options;
    const fetch = new BlobFetch(record, Math.min(recordBytes, most), crypto, nowMs);
    fetch.addHolder(author);
    return fetch;
  }

  #opened(out: OutputSink, duty: Duty, bytes: Uint8Array, replica: Replica): Found | null {
    const { one, delta, proof } = duty;
    const record = decodeTraining(bytes);
    if (!record || !this.#isOf(record, delta, proof)) return this.#found('differs');
    const branch = replica.branchAt(record.base.round);
    // Who came later than it began cannot tell.
    if (!branch) return this.#drop();
    const start = openStart(record, branch, this.#options);
    if (start === null) return this.#found('withheld');
    duty.again = { record, start: this.#ahead(record, start) };
    const { steps } = delta.content;
    const { author, round } = delta;
    const { start: parameters } = duty.again;
    const { scheduleRound } = start;
    out.push({ type: 'retrain', id: one.id, author, round, steps, scheduleRound, parameters });
    return null;
  }

  /** Whether it is what the delta claims to have begun with, and could be. */
  #isOf(
    record: TrainingRecord,
    { author, round, content }: LogEntry<DeltaContent>,
    proof: DeltaProof,
  ): boolean {
    const { crypto, size } = this.#options;
    const { base, residual } = record;
    return (
      record.author === author &&
      record.round === round &&
      record.steps === content.steps &&
      record.began === null &&
      this.mayBeginOn(base.round, round) &&
      residual.length === 4 * size &&
      equals(blobRoot(crypto, residual), proof.before) &&
      isFinite32(residual)
    );
  }

  #ahead({ residual }: TrainingRecord, { model }: Start): Float32Array {
    const { codec, decay, headStart, size } = this.#options;
    const author = new Author({ codec, decay, headStart, size });
    author.become(residual);
    return author.startFrom(model);
  }

  #found(finding: AuditVote['finding'], result = nothing): Found {
    const { one } = this.#duty!;
    this.#drop();
    return { one, vote: { finding, result } };
  }

  #drop(): null {
    if (this.#duty) this.#done.add(this.#duty.one.id);
    this.#duty = null;
    return null;
  }
}

/** Little-endian float32 without infinities or what is no number: their exponents are all ones. */
function isFinite32(bytes: Uint8Array): boolean {
  for (let at = 3; at < bytes.length; at += 4)
    if ((bytes[at]! & 0x7f) === 0x7f && (bytes[at - 1]! & 0x80) !== 0) return false;
  return true;
}
