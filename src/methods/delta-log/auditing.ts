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
import type { Input, Output, OutputSink, PeerKey } from '../../core/io.ts';
import { type AuditKind, baseAgeMax } from '../../entries/audit/audit-kind.ts';
import type { AuditCase, AuditVote } from '../../entries/audit/audit-state.ts';
import type { DeltaKind } from '../../entries/delta/delta-kind.ts';
import type { DeltaContent, DeltaProof } from '../../entries/delta/delta-state.ts';
import { judgePulled } from '../../log/admission.ts';
import type { LogEntry } from '../../log/entry-kind.ts';
import { type Envelope, type EnvelopeContext, openEnvelope } from '../../log/envelope.ts';
import { placeKey } from '../../log/log-book.ts';
import type { Kinds, LogFrame } from '../../log/log-state.ts';
import type { Replica } from '../../log/replica.ts';
import { RequestTable } from '../../log/request-table.ts';
import { encodeRequest } from '../../log/wire.ts';
import { AuditorCalls } from './auditor-calls.ts';
import { Author } from './author.ts';
import { Evidence, type EvidencePart } from './evidence.ts';
import { openStart, type Start, startOf } from './open-start.ts';
import { ShownTrainings } from './shown-trainings.ts';
import { decodeTraining, openEntries, type TrainingRecord } from './training-record.ts';
import { type Speaking, say } from './words.ts';

const noResult = '0'.repeat(64);
/** An answer is waited for a slot long, within these bounds. Guess. */
const [timeoutMinMs, timeoutMaxMs] = [1000, 15_000];

export interface AuditingOptions extends Speaking {
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
  /** Root of a residual of zeros. */
  readonly nothing: Uint8Array;
  readonly envelopes: EnvelopeContext;
  readonly nowMs: () => number;
  readonly random: () => number;
}

/** Inputs that may be about audits. */
export type AuditInput = Input & {
  readonly type: 'peer-up' | 'peer-down' | 'response' | 'request-failed' | 'retrained';
};

/** What an auditor has come to. */
interface Found {
  readonly one: AuditCase;
  readonly vote: AuditVote;
}

interface Duty {
  readonly one: AuditCase;
  readonly delta: LogEntry<DeltaContent>;
  readonly proof: DeltaProof;
  readonly evidence: Evidence;
  /** While it is trained again. */
  again: { readonly record: TrainingRecord; readonly start: Float32Array } | null;
}

export class Auditing {
  readonly #options: AuditingOptions;
  readonly #linked = new Set<PeerKey>();
  /** What our own trainings began with. */
  readonly shown: ShownTrainings;
  /** Entries that came when nobody admits announcements of their round any more, and their rounds. */
  readonly #late = new Map<string, number>();
  /** Cases that we have done with. */
  readonly #done = new Set<string>();
  readonly #requests: RequestTable<{
    readonly peer: PeerKey;
    readonly id: string;
    readonly about: EvidencePart;
  }>;
  readonly #calls: AuditorCalls;
  #duty: Duty | null = null;
  /** Whose authors have not answered so far, the longest first. */
  readonly #aside = new Map<string, Duty>();

  constructor(options: AuditingOptions) {
    this.#options = options;
    const { log } = options;
    this.shown = new ShownTrainings({
      ...options,
      replica: () => log.replica,
      openEntry: (bytes) => this.#openStored(bytes),
    });
    const timeoutMs = Math.max(timeoutMinMs, Math.min(timeoutMaxMs, options.frame.slotMs));
    this.#requests = new RequestTable(timeoutMs, () => log.nextRequestId());
    this.#calls = new AuditorCalls(timeoutMs, () => log.nextRequestId());
  }

  /** Whatever was shown is an entry only under a good signature, at a place that the run has. */
  #openStored(bytes: Uint8Array): LogEntry | null {
    const opened = openEnvelope(bytes, this.#options.envelopes);
    return opened.ok ? this.#decode(opened.envelope) : null;
  }

  #decode(envelope: Envelope): LogEntry | null {
    return judgePulled(envelope, { kinds: this.#options.kinds, replica: this.#options.log.replica });
  }

  /** True for what concerns nobody else. */
  handle(out: Output[], input: AuditInput, nowMs: number): boolean {
    switch (input.type) {
      case 'peer-up':
        this.#linked.add(input.peer);
        // It may have come to be asked, and be gone again soon.
        if (this.#prefer(input.peer)) this.tick(out, nowMs);
        return false;
      case 'peer-down':
        this.#linked.delete(input.peer);
        return false;
      case 'response':
        if (this.#calls.ended(input.requestId)) return true;
        if (!this.#answered(input.requestId, input.frames)) return false;
        // Who shows nonsense is asked again no sooner than who shows nothing.
        if (!this.#duty?.evidence.isStuck) this.tick(out, nowMs);
        return true;
      case 'request-failed':
        return this.#calls.ended(input.requestId) || this.#failed(input.requestId);
      case 'retrained':
        this.#say(out, this.#retrained(input.id, input.parameters), nowMs);
        return true;
      default:
        return input satisfies never;
    }
  }

  /** What we are drawn for. */
  tick(out: Output[], nowMs: number): void {
    const { phase, replica, clock } = this.#options.log;
    if (phase === 'joining' || phase === 'finished') return;
    const { kind, number, self } = this.#options;
    // Of final rounds that nobody was drawn for, or has done with, nothing is asked any more.
    const own = kind.casesOf(replica.base.kinds[number], self);
    const forgotten = this.shown.forget(new Set(own.map(({ round }) => round)));
    if (forgotten.length > 0) out.push({ type: 'persist', writes: forgotten, durable: false });
    const slot = clock.slotAt(nowMs);
    this.#calls.call(out, own, replica, this.#linked, slot);
    for (let found = this.#next(out, replica, slot); found; found = this.#next(out, replica, slot))
      this.#say(out, found, nowMs);
  }

  /** Of those that are put aside the author's come first; false where there are none. */
  #prefer(author: PeerKey): boolean {
    const isOurs = ({ one }: Duty): boolean => one.author === author;
    const all = [...this.#aside];
    const ours = all.filter(([, duty]) => isOurs(duty));
    const others = all.filter(([, duty]) => !isOurs(duty));
    this.#aside.clear();
    for (const [id, duty] of [...ours, ...others]) this.#aside.set(id, duty);
    return ours.length > 0;
  }

  /** In the present round, unless it comes too late. */
  #say(out: Output[], found: Found | null, nowMs: number): void {
    const { kind, number, log } = this.#options;
    const round = log.clock.slotAt(nowMs);
    if (!found || !kind.isInTime(found.one, round)) return;
    say(out, { round, kind: number, ...kind.compose(found.one, found.vote) }, this.#options);
  }

  /** An entry has come in this slot. */
  entered({ id, round }: LogEntry, slot: number): void {
    if (round < slot - this.#options.frame.admitRounds) this.#late.set(id, round);
  }

  /**
   * What a training of ours begins on besides the base. What came late may be left out of its round in the end, and nobody could then train
   * again what began with it: it counts once it is final. `start`: null where it is all that is here.
   */
  beginning(
    replica: Replica,
    round: number,
  ): { readonly open: readonly LogEntry[]; readonly start: Start | null } {
    const { base } = replica;
    for (const [id, late] of this.#late) if (late <= base.round) this.#late.delete(id);
    const all = openEntries(replica);
    const open = all.filter(({ id }) => !this.#late.has(id));
    return { open, start: open.length < all.length ? startOf(base, open, round, this.#options) : null };
  }

  /** Whether a training of a round, ours or another's, may begin on the state after another. */
  mayBeginOn(base: number, round: number): boolean {
    return base < round && base >= round - baseAgeMax(this.#options.frame.windowRounds);
  }

  /** Takes up what we are drawn for; returns what has been found, which is said once. */
  #next(out: OutputSink, replica: Replica, slot: number): Found | null {
    const duty = this.#duty ?? this.#begin(replica, slot);
    this.#duty = duty;
    if (!duty || duty.again) return null;
    const { one, evidence } = duty;
    if (!this.#options.kind.isInTime(one, slot)) return this.#drop();
    const found = evidence.record && !evidence.isOpened ? this.#look(duty, evidence.record, replica) : null;
    if (found || this.#duty !== duty) return found;
    if (evidence.isWhole) return this.#opened(out, duty, replica);
    const isLast = !this.#options.kind.isInTime(one, slot + 1);
    // Whom we do not see withholds nothing from us: it let us not ask, and has not called.
    const isLinked = this.#linked.has(one.author);
    if (isLast && (evidence.isStuck || (evidence.hasFailed && !isLinked)))
      return this.#found(isLinked ? 'withheld' : 'unreached');
    if (evidence.isStuck) {
      // Who is mute keeps no other delta from being audited.
      this.#aside.set(one.id, duty);
      this.#duty = null;
      return this.#next(out, replica, slot);
    }
    for (const { request, about } of evidence.next()) {
      const meaning = { peer: one.author, id: one.id, about };
      this.#requests.open(out, meaning, encodeRequest(request), { dials: true });
    }
    return null;
  }

  /** False where it is no answer to us. */
  #answered(requestId: number, frames: readonly Uint8Array[]): boolean {
    const meaning = this.#requests.take(requestId);
    if (!meaning) return false;
    if (meaning.id === this.#duty?.one.id) this.#duty.evidence.accept(meaning.about, frames);
    return true;
  }

  #failed(requestId: number): boolean {
    const meaning = this.#requests.take(requestId);
    if (!meaning) return false;
    if (meaning.id === this.#duty?.one.id) this.#duty.evidence.failed(meaning.about);
    return true;
  }

  /** What training it again gave; null where it could not be done here. */
  #retrained(id: string, end: Float32Array | null): Found | null {
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

  #begin(replica: Replica, slot: number): Duty | null {
    const { kind, number, self } = this.#options;
    const drawn = kind
      .dutiesIn(replica.base.kinds[number], self)
      .filter((one) => !this.#done.has(one.id) && kind.isInTime(one, slot));
    const said = drawn.length > 0 ? this.#said(replica) : [];
    const due = drawn.filter(({ id }) => !said.includes(id));
    const known = new Set(due.map(({ id }) => id));
    for (const id of this.#aside.keys()) if (!known.has(id)) this.#aside.delete(id);
    const last = due.find((one) => this.#aside.has(one.id) && !kind.isInTime(one, slot + 1));
    if (last) return this.#takeUp(last.id);
    for (const one of due) {
      if (this.#aside.has(one.id)) continue;
      const delta = replica.log.entry(one.id) as LogEntry<DeltaContent> | undefined;
      const proof = delta?.content.proof;
      if (delta && proof)
        return { one, delta, proof, evidence: this.#evidenceOf(proof, one.author), again: null };
    }
    // The one that has waited longest is asked once more.
    const [longest] = this.#aside.keys();
    const duty = longest === undefined ? null : this.#takeUp(longest);
    duty?.evidence.askAgain();
    return duty;
  }

  /** Of which a word of ours stands in the log already, from before we started again. */
  #said(replica: Replica): string[] {
    const { number, self } = this.#options;
    return openEntries(replica).flatMap(({ author, kind, claims }) =>
      author === self && kind === number && claims[1] instanceof Uint8Array ? [bytesToHex(claims[1])] : [],
    );
  }

  #takeUp(id: string): Duty | null {
    const duty = this.#aside.get(id) ?? null;
    this.#aside.delete(id);
    return duty;
  }

  #evidenceOf(proof: DeltaProof, author: PeerKey): Evidence {
    return new Evidence({
      ...this.#options,
      ...{ author, proof },
      openEnvelope: (bytes) => {
        const opened = openEnvelope(bytes, this.#options.envelopes);
        return opened.ok ? opened.envelope : null;
      },
      decode: (envelope) => this.#decode(envelope),
    });
  }

  /** Looks at the record, before anything more is asked for. */
  #look(duty: Duty, bytes: Uint8Array, replica: Replica): Found | null {
    const record = decodeTraining(bytes);
    if (!record || !this.#isOf(record, duty.delta)) return this.#found('differs');
    // Who came later than it began cannot tell.
    if (record.base.round < replica.logFrom - 1) return this.#drop();
    const lost = record.open.filter((id) => !replica.log.entry(id));
    return duty.evidence.lacks(lost) ? null : this.#found('withheld');
  }

  #opened(out: OutputSink, duty: Duty, replica: Replica): Found | null {
    const { one, delta, evidence } = duty;
    const record = { ...decodeTraining(evidence.record!)!, residual: evidence.residual! };
    if (!isFinite32(record.residual)) return this.#found('differs');
    const branch = replica.branchAt(record.base.round);
    if (!branch) return this.#drop();
    // Else nobody would have to name what is in the log.
    const isShown = [...evidence.entries.values()].every((entry) => hasGivenWay(entry, replica));
    const start = isShown ? openStart(record, branch, evidence.entries, this.#options) : null;
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
    { author, round, steps, base, residual, began }: TrainingRecord,
    delta: LogEntry<DeltaContent>,
  ): boolean {
    return (
      author === delta.author &&
      round === delta.round &&
      steps === delta.content.steps &&
      began === null &&
      residual.length === 0 &&
      this.mayBeginOn(base.round, round)
    );
  }

  #ahead({ residual }: TrainingRecord, { model }: Start): Float32Array {
    const { codec, decay, headStart, size } = this.#options;
    const author = new Author({ codec, decay, headStart, size });
    author.become(residual);
    return author.startFrom(model);
  }

  #found(finding: AuditVote['finding'], result = noResult): Found {
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

/**
 * Whether the log itself shows how it came to be without an entry: its round is full of what goes before it, or its author has said something
 * else at its place. What was only kept from everybody is not trained on.
 */
function hasGivenWay(entry: LogEntry, replica: Replica): boolean {
  return replica.log.at(entry.round, placeKey(entry)) !== undefined || !replica.hasRoom(entry);
}

/** Little-endian float32 without infinities or what is no number: their exponents are all ones. */
function isFinite32(bytes: Uint8Array): boolean {
  for (let at = 3; at < bytes.length; at += 4)
    if ((bytes[at]! & 0x7f) === 0x7f && (bytes[at - 1]! & 0x80) !== 0) return false;
  return true;
}
