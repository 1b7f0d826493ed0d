/**
 * The machine of a run's log: the history in which we stand, at most one other that we look into beside it, what is admitted, what
 * we answer, and the phase of the run. Where the other one is proven to stand higher, we go over to it in one step.
 */
import { equals } from 'uint8arrays';
import { bytesToHex } from '../core/bytes.ts';
import type { Credentials } from '../core/credentials.ts';
import type { Signer } from '../core/crypto.ts';
import type { Agreement, Input, PeerKey, Phase, Verdict } from '../core/io.ts';
import { Refusals } from '../core/refusals.ts';
import { type AdmissionOptions, judgeAnnouncement } from './admission.ts';
import { type Checkpoint, checkpointText } from './checkpoint.ts';
import { type Entitlement, eitherOf } from './entitlement.ts';
import type { LogEntry } from './entry-kind.ts';
import type { EnvelopeContext } from './envelope.ts';
import type { Fork } from './finality/fork-watch.ts';
import { latestWords, shareAnchored } from './finality/order.ts';
import { History } from './history.ts';
import type { Leaders, Reached } from './join/catch-up.ts';
import { leftOutBy } from './left-out.ts';
import type { LogClock } from './log-clock.ts';
import type { EffectSink } from './log-effect.ts';
import type { Kinds, LogFrame } from './log-state.ts';
import { type Appended, OwnEntries } from './own-entries.ts';
import { Pursuit } from './pursuit.ts';
import { type AnswerContext, answerRequest } from './repair/answers.ts';
import type { BlobFetch } from './repair/blob-fetch.ts';
import { Underway } from './repair/underway.ts';
import type { Replica } from './replica.ts';
import { RunPhase } from './run-phase.ts';
import { partNamedBy } from './store-keys.ts';

/** With this part of all weight anchored at or after a round of ours, nobody goes back behind it. */
const checkpointPart = 2 / 3;

export interface RunLogOptions {
  readonly kinds: Kinds;
  readonly frame: LogFrame;
  readonly replica: Replica;
  readonly envelopes: EnvelopeContext;
  readonly signer: Signer;
  readonly credentials: Credentials;
  readonly entitlement: Entitlement;
  /** Where the history has to begin that we take part in; null where we were told of no such place. */
  readonly checkpoint: Checkpoint | null;
  readonly random: () => number;
  /** What we hand out besides snapshots and bodies. */
  readonly blobOf?: ((root: Uint8Array) => Uint8Array | undefined) | undefined;
  readonly entryOf?: ((id: string) => LogEntry | undefined) | undefined;
}

export type LogEvent =
  | { readonly type: 'tick' }
  | Extract<
      Input,
      { readonly type: 'peer-up' | 'peer-down' | 'announcement' | 'request' | 'response' | 'request-failed' }
    >;

export class RunLog {
  readonly own: OwnEntries;
  readonly refusals = new Refusals();
  readonly #options: RunLogOptions;
  readonly #admission: AdmissionOptions;
  readonly #answering: AnswerContext;
  readonly #peers = new Set<PeerKey>();
  readonly #ours: History;
  #pursuit: Pursuit | null = null;
  readonly #phase = new RunPhase();
  readonly #underway = new Underway();
  #checkpoint: Checkpoint | null = null;
  /** When it was last looked for: once a slot will do. */
  #checkpointSlot = -1;
  #requests = 0;
  /** Of the last event. */
  #nowMs = 0;

  constructor(options: RunLogOptions) {
    this.#options = options;
    this.#admission = options;
    const isUnderway = (id: string): boolean => this.#underway.has(id, this.#nowMs);
    const partOf = (root: Uint8Array): BlobFetch | undefined =>
      this.#ours.partOf(root) ?? this.#pursuit?.history.partOf(root);
    this.#answering = { ...options, refusals: this.refusals, isUnderway, partOf };
    this.own = new OwnEntries(options);
    this.#ours = this.#historyOf(options.replica, 'anyone', options.checkpoint);
  }

  get replica(): Replica {
    return this.#ours.replica;
  }

  get clock(): LogClock {
    return this.#ours.clock;
  }

  /** When it wants the next tick. */
  wakeAtMs(nowMs: number): number {
    // Who knows of another history does not rest: it is looked into again and again.
    const rests =
      this.#pursuit === null &&
      !this.#ours.watch.hasParted &&
      this.#phase.isAtRest(this.clock.slotAt(nowMs), this.#options.frame.windowRounds);
    return this.clock.wakeAtMs(nowMs, rests);
  }

  get phase(): Phase {
    return this.#phase.now;
  }

  get joining(): boolean {
    return this.#ours.isJoining;
  }

  get joinedBySnapshot(): boolean {
    return this.#ours.catchUp.startedFromSnapshot;
  }

  /** Whether the final log has shown the peer the door. */
  isOut(peer: PeerKey, credential = this.#options.credentials.shownBy(peer)): boolean {
    const { kinds } = this.replica.base;
    return this.#options.kinds.some((kind, index) => kind.expels?.(kinds[index], peer, credential) ?? false);
  }

  /** Entries known to exist and not held. */
  get missing(): number {
    return this.#ours.missing;
  }

  /** Nobody goes back behind it: what two thirds stand behind, or what we were told where we stand in that. */
  get #floor(): Checkpoint | null {
    const { checkpoint: told } = this.#options;
    if (this.#checkpoint || !told) return this.#checkpoint;
    const held = this.replica.markAt(told.round);
    return held && equals(held.root, told.root) ? told : null;
  }

  /** The newest that two thirds stand behind, as text; null for none yet. */
  get checkpoint(): string | null {
    return this.#checkpoint && checkpointText(this.#checkpoint);
  }

  get agreement(): Agreement {
    return this.#ours.watch.agreement;
  }

  /** Every connected peer holds our history up to the last round folded. */
  #isAgreed(slot: number): boolean {
    const { watch, replica } = this.#ours;
    return watch.agreeing(replica.base.round) >= this.#peers.size && !watch.isOpen(slot);
  }

  /** Takes up what an earlier session stored. False where that tells nothing of what was said in it: the disk may have been lost. */
  restore(stored: readonly (readonly [string, Uint8Array])[]): boolean {
    this.replica.restore(stored);
    this.#ours.catchUp.restore(stored);
    return stored.some(([key]) => !partNamedBy(key));
  }

  /** First event of a session, once the replica is restored. */
  start(nowMs: number, out: EffectSink): void {
    this.#nowMs = nowMs;
    const slot = this.clock.slotAt(nowMs);
    const { admitRounds, windowRounds } = this.#options.frame;
    this.own.announceAgain(slot - admitRounds, slot, out);
    this.#ours.start(slot > windowRounds);
  }

  handle(event: LogEvent, nowMs: number, out: EffectSink): void {
    this.#nowMs = nowMs;
    const slot = this.clock.slotAt(nowMs);
    switch (event.type) {
      case 'tick':
        if (slot >= 0) this.#tick(out, slot, nowMs);
        break;
      case 'peer-up':
        // Who has no say in a closed run is nobody to compare with, to ask, or to wait for.
        if (!this.#options.credentials.mayHave(event.peer) || this.isOut(event.peer)) break;
        this.#peers.add(event.peer);
        this.#ours.hope();
        break;
      case 'peer-down':
        this.#forget(event.peer);
        break;
      case 'announcement': {
        const verdict = this.#announced(out, event.from, event.bytes, slot);
        out.push({ type: 'verdict', token: event.token, verdict });
        break;
      }
      case 'request':
        this.#requested(out, event, nowMs);
        break;
      case 'response': {
        const { requestId, frames } = event;
        if (this.#ours.answered(out, requestId, frames, slot)) break;
        this.#pursuit?.through(out, (history, effects) =>
          history.answered(effects, requestId, frames, history.clock.slotAt(nowMs)),
        );
        break;
      }
      case 'request-failed':
        this.#ours.failed(out, event.requestId, event.isRefused);
        this.#pursuit?.through(out, (history, effects) =>
          history.failed(effects, event.requestId, event.isRefused),
        );
        break;
      default:
        event satisfies never;
    }
  }

  /** Numbers of requests are one row, whoever of a node asks. */
  nextRequestId(): number {
    return ++this.#requests;
  }

  #historyOf(replica: Replica, leaders: Leaders, checkpoint: Checkpoint | null): History {
    const { signer } = this.#options;
    return new History({
      ...this.#options,
      ...{ replica, leaders, checkpoint, self: signer.key, peers: this.#peers, refusals: this.refusals },
      nextRequestId: () => this.nextRequestId(),
      nowMs: () => this.#nowMs,
    });
  }

  #forget(peer: PeerKey): void {
    this.#peers.delete(peer);
    this.#ours.forget(peer);
    this.#pursuit?.history.forget(peer);
  }

  #tick(out: EffectSink, slot: number, nowMs: number): void {
    for (const peer of this.#peers) if (this.isOut(peer)) this.#forget(peer);
    const reached = this.#ours.tick(out, slot);
    if (reached) this.#joined(out, reached);
    if (this.#pursuit) this.#pursue(out, this.#pursuit, nowMs);
    else if (!this.joining) this.#lookAround(slot);
    this.#noteCheckpoint(slot);
    this.#setPhase(out, slot);
  }

  #joined(out: EffectSink, reached: Reached): void {
    // Ours follows anyone's sets, and nobody gives up anyone.
    if (reached === 'gave-up-leaders') return;
    const { round } = this.replica.base;
    out.push({ type: 'event', event: { kind: 'joined', round, donors: reached.donors } });
  }

  #requested(out: EffectSink, event: LogEvent & { type: 'request' }, nowMs: number): void {
    const { refusals } = this;
    const { from, token } = event;
    const bytes = this.#options.credentials.disclosed(from, event.bytes);
    if (bytes === null || this.isOut(from)) {
      refusals.add(out, 'not-a-member', from);
      out.push({ type: 'refuse', token, reason: 'not a member of this run' });
      return;
    }
    const request = answerRequest(out, { ...event, bytes }, this.#answering);
    if (request?.kind !== 'digest') return;
    for (const history of [this.#ours, this.#pursuit?.history])
      history?.heard(from, request, history.clock.slotAt(nowMs));
  }

  /** Two thirds of those with a say stand in our history: nobody goes back behind their last snapshot any more. */
  #noteCheckpoint(slot: number): void {
    const { replica } = this;
    if (slot === this.#checkpointSlot) return;
    this.#checkpointSlot = slot;
    const { round } = replica.anchor;
    if (this.joining || !replica.markAt(round) || round <= (this.#checkpoint?.round ?? -1)) return;
    const { entitlement, frame } = this.#options;
    const words = latestWords(replica.log.entries(), slot - 2 * frame.windowRounds);
    const weightOf = (peer: PeerKey): number => entitlement.weightOf(peer);
    const known = eitherOf(entitlement.known(), this.#peers);
    const share = shareAnchored(words, replica, round, known, weightOf);
    if (share > checkpointPart) this.#checkpoint = replica.anchor;
  }

  #setPhase(out: EffectSink, slot: number): void {
    const hasChanged = this.#phase.advance({
      slot,
      windowRounds: this.#options.frame.windowRounds,
      isJoining: this.joining,
      isComplete: this.replica.isComplete,
      isAgreed: this.#isAgreed(slot),
      isDisputed: this.#pursuit !== null || this.#ours.watch.isOpen(slot),
      isSpent: this.clock.isSpentBefore(slot),
    });
    if (!hasChanged) return;
    const writes = this.phase === 'finished' ? this.replica.takeSnapshot() : [];
    if (writes.length > 0) out.push({ type: 'persist', writes, durable: true });
    out.push({ type: 'event', event: { kind: 'phase', phase: this.phase } });
  }

  #announced(out: EffectSink, from: PeerKey, bytes: Uint8Array, slot: number): Verdict {
    const judgement = judgeAnnouncement(bytes, slot, this.#admission);
    switch (judgement.kind) {
      case 'refused':
        this.refusals.add(out, judgement.reason, from);
        return judgement.verdict;
      case 'bodiless':
        return this.#ours.wantBody(out, judgement.envelope, from) ? 'accept' : 'ignore';
      case 'admitted':
        // What changes nothing here is not for the mesh to carry on: one key could make any amount of it.
        return this.#enter(out, judgement.entry) ? 'accept' : 'ignore';
    }
  }

  /** Into our history and the one that we look into: what is open in both belongs to both. Returns whether ours has changed. */
  #enter(out: EffectSink, entry: LogEntry): boolean {
    const isNews = this.#ours.insert(out, entry);
    if (isNews) this.#underway.note(entry.id, this.#nowMs);
    this.#pursuit?.history.enter(entry);
    return isNews;
  }

  /** As `OwnEntries.append`. */
  append(...what: Parameters<OwnEntries['sealed']>): Appended {
    return this.enter(this.own.sealed(...what));
  }

  /** What this node has sealed. */
  enter(entry: LogEntry): Appended {
    const appended = this.own.enter(entry);
    this.#underway.note(entry.id, this.#nowMs);
    this.#pursuit?.history.enter(entry);
    return appended;
  }

  /** Begins to look into the most promising of the histories that peers hold instead of ours. */
  #lookAround(slot: number): void {
    const { entitlement, frame } = this.#options;
    const fork = this.#ours.watch.mostPromising({
      ...{ slot, windowRounds: frame.windowRounds },
      weightOf: (peer) => entitlement.weightOf(peer),
    });
    if (!fork || fork.round <= (this.#floor?.round ?? -1)) return;
    // Where the parting is not known, it is looked for backwards: not all holders have what is long past.
    const { agreedRound, round } = fork;
    this.#begin(fork, this.replica.branchAt(agreedRound < 0 ? round - 1 : agreedRound));
  }

  #begin(fork: Fork, branch: Replica | null): void {
    const replica = branch ?? this.replica.anew();
    for (const one of [this.replica, replica]) one.pin();
    this.#pursuit = new Pursuit({
      fork,
      history: this.#historyOf(replica, fork.holders, null),
      branchedAt: branch ? branch.base.round : null,
      entitlement: this.#options.entitlement,
      known: this.#options.checkpoint ? this.#options.entitlement.known().size : 0,
    });
  }

  #pursue(out: EffectSink, pursuit: Pursuit, nowMs: number): void {
    const outcome = pursuit.tick(out, nowMs, this.#ours, this.#peers, this.#floor);
    if (outcome === 'under-way') return;
    this.#pursuit = null;
    if (outcome === 'higher') {
      this.#switch(out, pursuit);
      return;
    }
    if (outcome === 'deeper') {
      this.#begin(pursuit.fork, this.replica.branchAt((pursuit.branchedAt ?? 0) - 1));
      return;
    }
    const slot = this.clock.slotAt(nowMs);
    if (outcome === 'vain') for (const peer of pursuit.fork.holders) this.#ours.watch.rest(peer, slot);
    const writes = this.replica.unpin();
    if (writes.length > 0) out.push({ type: 'persist', writes, durable: false });
  }

  /** Goes over to the other history: what is still open in ours stays open. */
  #switch(out: EffectSink, { fork, history, branchedAt }: Pursuit): void {
    const before = this.replica;
    const after = history.replica;
    for (const entry of before.log.entries()) {
      if (entry.round > after.base.round) after.insert(entry);
    }
    const { key } = this.#options.signer;
    const leftOut = leftOutBy(after, before, key, branchedAt ?? fork.agreedRound);
    const entered = [...after.log.entries()].filter(
      ({ author, id }) => author === key && !before.log.entry(id),
    );
    out.push({ type: 'switched', entered, leftOut, writes: before.become(after) });
    this.#ours.replaced();
    const mine = bytesToHex(fork.mine.root);
    const theirs = bytesToHex(fork.theirs.root);
    out.push({ type: 'event', event: { kind: 'fork', round: fork.round, mine, theirs } });
    // Whoever waits for the end hears that it was none.
    if (this.#phase.reopen()) out.push({ type: 'event', event: { kind: 'phase', phase: this.phase } });
  }
}
