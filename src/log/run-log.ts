/**
 * The machine of a run's log: routes between repair (what peers hold), finality (when a round is folded), the fork watch (which of
 * two histories stands) and catch-up (the way to the present). None of them knows another; nobody calls back into this class.
 */
import { bytesToHex } from '../core/bytes.ts';
import type { Signer } from '../core/crypto.ts';
import type { Input, PeerKey, Phase, StoreWrite, Verdict } from '../core/io.ts';
import { Refusals } from '../core/refusals.ts';
import { type AdmissionOptions, judgeAnnouncement, judgePulled } from './admission.ts';
import type { Entitlement } from './entitlement.ts';
import type { LogEntry } from './entry-kind.ts';
import { type Envelope, type EnvelopeContext, openEnvelope } from './envelope.ts';
import { adoptedSet } from './finality/adopted-set.ts';
import { Finality } from './finality/finality.ts';
import { ForkSettlement } from './finality/fork-settlement.ts';
import type { HistoryView } from './finality/histories.ts';
import type { FoldDecision } from './finality/round-votes.ts';
import { CatchUp } from './join/catch-up.ts';
import type { JoinMeaning } from './join/snapshot-join.ts';
import { LogClock } from './log-clock.ts';
import type { LogEffect } from './log-effect.ts';
import type { Kinds, LogFrame } from './log-state.ts';
import { OwnEntries } from './own-entries.ts';
import { answerRequest } from './repair/answers.ts';
import {
  DigestExchange,
  type DigestMeaning,
  type DigestView,
  type Finding,
} from './repair/digest-exchange.ts';
import { EntryFetch, type FetchMeaning } from './repair/entry-fetch.ts';
import type { Replica } from './replica.ts';
import { RequestTable } from './request-table.ts';
import { RunPhase } from './run-phase.ts';
import { snapshotBytesMax } from './snapshot.ts';
import { logKey } from './store-keys.ts';
import { decodeDigestAnswer } from './wire.ts';

type Meaning = DigestMeaning | FetchMeaning | JoinMeaning;

export interface RunLogOptions {
  readonly kinds: Kinds;
  readonly frame: LogFrame;
  readonly replica: Replica;
  readonly envelopes: EnvelopeContext;
  readonly signer: Signer;
  readonly isMember: (peer: PeerKey) => boolean;
  readonly entitlement: Entitlement;
  readonly random: () => number;
}

export type LogEvent =
  | { readonly type: 'tick' }
  | Extract<
      Input,
      { readonly type: 'peer-up' | 'peer-down' | 'announcement' | 'request' | 'response' | 'request-failed' }
    >;

export class RunLog {
  readonly replica: Replica;
  readonly clock: LogClock;
  readonly own: OwnEntries;
  readonly refusals = new Refusals();
  readonly #options: RunLogOptions;
  readonly #admission: AdmissionOptions;
  readonly #peers = new Set<PeerKey>();
  readonly #requests: RequestTable<Meaning>;
  readonly #digests: DigestExchange;
  readonly #fetch: EntryFetch;
  readonly #finality: Finality;
  readonly #forks: ForkSettlement;
  readonly #catchUp: CatchUp;
  readonly #phase = new RunPhase();
  /** Nobody goes back behind this round. */
  #checkpoint = -1;

  constructor(options: RunLogOptions) {
    const { replica, envelopes, frame, kinds, random } = options;
    const { crypto } = envelopes;
    this.#options = options;
    this.#admission = options;
    this.replica = replica;
    this.clock = new LogClock(replica, frame);
    this.own = new OwnEntries(options);
    this.#requests = new RequestTable(Math.max(2000, Math.min(15_000, 2 * frame.slotMs)));
    this.#forks = new ForkSettlement(replica, this.own);
    this.#digests = new DigestExchange(replica, crypto, random);
    this.#fetch = new EntryFetch(crypto);
    this.#finality = new Finality(replica, frame);
    this.#catchUp = new CatchUp(
      { kinds, envelopes, bytesMax: snapshotBytesMax(kinds), entitlement: options.entitlement },
      random,
    );
  }

  get phase(): Phase {
    return this.#phase.now;
  }

  get joining(): boolean {
    return this.#catchUp.phase !== 'present';
  }

  get joinedBySnapshot(): boolean {
    return this.#catchUp.startedFromSnapshot;
  }

  /** Every connected peer holds our history up to the last round folded. */
  get agreed(): boolean {
    const { histories } = this.#forks;
    const rootAt = (round: number) => this.replica.rootAt(round);
    return histories.agreeing(this.replica.base.round) >= this.#peers.size && !histories.isOpen({ rootAt });
  }

  /** Entries known to exist and not held. */
  get missing(): number {
    return this.#fetch.missing;
  }

  /** First event of a session, once the replica is restored. */
  start(nowMs: number, out: LogEffect[]): void {
    const slot = this.clock.slotAt(nowMs);
    const { admitRounds, windowRounds } = this.#options.frame;
    this.own.announceAgain(slot - admitRounds, slot, out);
    if (slot > windowRounds) this.#catchUp.begin('anyone');
  }

  handle(event: LogEvent, nowMs: number, out: LogEffect[]): void {
    const slot = this.clock.slotAt(nowMs);
    switch (event.type) {
      case 'tick':
        if (slot >= 0) this.#tick(out, slot);
        break;
      case 'peer-up':
        // Who has no say in a closed run is nobody to compare with, to ask, or to wait for.
        if (!this.#options.isMember(event.peer)) break;
        this.#peers.add(event.peer);
        this.#finality.hope();
        break;
      case 'peer-down':
        this.#peers.delete(event.peer);
        for (const part of [this.#forks.histories, this.#digests, this.#finality]) part.forget(event.peer);
        break;
      case 'announcement': {
        const verdict = this.#announced(out, event.from, event.bytes, slot);
        out.push({ type: 'verdict', token: event.token, verdict });
        break;
      }
      case 'request': {
        const { replica, refusals } = this;
        if (!this.#options.isMember(event.from)) {
          refusals.add(out, 'not-a-member', event.from);
          out.push({ type: 'refuse', token: event.token, reason: 'not a member of this run' });
          break;
        }
        const request = answerRequest(out, event, { ...this.#options, replica, refusals });
        if (request?.kind === 'digest')
          this.#note(event.from, this.#digests.heard(event.from, request, this.#view(slot)), slot);
        break;
      }
      case 'response':
        this.#response(out, event.requestId, event.frames, slot);
        break;
      case 'request-failed':
        this.#failed(out, event.requestId);
        break;
      default:
        event satisfies never;
    }
  }

  #tick(out: LogEffect[], slot: number): void {
    this.#finality.tick();
    this.#chooseSnapshot(out);
    this.#askDigests(out, slot);
    this.#settleFork(out, slot);
    this.#proceed(out, slot);
    const { round } = this.replica.base;
    const behind = this.#lastFinal(slot) - round;
    const reached = this.#catchUp.replayed(behind, this.#options.frame.windowRounds);
    for (const peer of this.#catchUp.takeFailedLeaders()) this.#forks.histories.disbelieve(peer, slot);
    if (reached === 'gave-up-leaders') this.#finality.hope();
    else if (reached) out.push({ type: 'event', event: { kind: 'joined', round, donors: reached.donors } });
    this.#noteCheckpoint(slot);
    this.#setPhase(out, slot);
  }

  /** Two thirds of those with a say stand in our history: nobody goes back behind their last snapshot any more. */
  #noteCheckpoint(slot: number): void {
    const round = this.replica.anchor.round;
    if (this.joining || round <= this.#checkpoint) return;
    const { entitlement } = this.#options;
    const share = this.#forks.histories.share(this.#historyView(slot), round, entitlement.known());
    if (share >= 2 / 3) this.#checkpoint = round;
  }

  #setPhase(out: LogEffect[], slot: number): void {
    const hasChanged = this.#phase.advance({
      slot,
      windowRounds: this.#options.frame.windowRounds,
      isJoining: this.joining,
      isComplete: this.replica.isComplete,
      isAgreed: this.agreed,
      isSpent: this.clock.isSpentBefore(slot),
    });
    if (!hasChanged) return;
    const writes = this.phase === 'finished' ? this.replica.checkpoint() : [];
    if (writes.length > 0) out.push({ type: 'persist', writes, durable: true });
    out.push({ type: 'event', event: { kind: 'phase', phase: this.phase } });
  }

  #announced(out: LogEffect[], from: PeerKey, bytes: Uint8Array, slot: number): Verdict {
    const judgement = judgeAnnouncement(bytes, slot, this.#admission);
    switch (judgement.kind) {
      case 'refused':
        this.refusals.add(out, judgement.reason, from);
        return judgement.verdict;
      case 'bodiless':
        this.#fetch.wantBody(judgement.envelope, from);
        this.#pump(out);
        return 'accept';
      case 'admitted':
        this.#insert(out, judgement.entry);
        return 'accept';
    }
  }

  /** The one place where an entry of another peer enters the log. */
  #insert(out: LogEffect[], entry: LogEntry): void {
    const { round, author } = entry;
    const insertion = this.replica.insert(entry);
    if (entry.anchor) this.#forks.histories.sign(author, entry.anchor, round);
    this.#fetch.settle(entry.id);
    if (insertion === 'duplicate' || insertion === 'full') return;
    const isEquivocation = insertion === 'equivocation';
    out.push({ type: 'entered', entry, isEquivocation, writes: [this.replica.writeOf(entry)] });
    if (isEquivocation) {
      this.refusals.add(out, 'equivocation', author);
      out.push({ type: 'event', event: { kind: 'equivocation', round, author } });
    } else {
      const { id } = this.#options.kinds[entry.kind]!;
      out.push({ type: 'event', event: { kind: 'accepted', round, author, entryKind: id } });
    }
  }

  /** False for an entry that should not exist. */
  #pulled(out: LogEffect[], envelope: Envelope, slot: number): boolean {
    const entry = judgePulled(envelope, slot, this.#admission);
    if (entry && entry.round > this.replica.base.round) this.#insert(out, entry);
    this.#fetch.settle(envelope.id);
    return entry !== null;
  }

  #response(out: LogEffect[], requestId: number, frames: readonly Uint8Array[], slot: number): void {
    const meaning = this.#requests.take(requestId);
    if (!meaning) return;
    if (!this.#understand(out, meaning, frames, slot)) this.refusals.add(out, 'bad-response', meaning.peer);
    this.#proceed(out, slot);
  }

  #failed(out: LogEffect[], requestId: number): void {
    const meaning = this.#requests.take(requestId);
    if (meaning?.kind === 'entries') this.#fetch.entriesDone(meaning.peer, meaning.ids);
    else if (meaning?.kind === 'blob') this.#fetch.blobFailed(meaning);
    else if (meaning?.kind === 'snapshot-blob') this.#catchUp.failed(meaning);
    this.#pump(out);
  }

  /** False when the peer lied or talked nonsense. */
  #understand(out: LogEffect[], meaning: Meaning, frames: readonly Uint8Array[], slot: number): boolean {
    switch (meaning.kind) {
      case 'digest': {
        const answer = frames[0] ? decodeDigestAnswer(frames[0]) : null;
        if (!answer) return false;
        this.#note(meaning.peer, this.#digests.answered(meaning, answer, this.#view(slot)), slot);
        return true;
      }
      case 'entries': {
        const good = frames.every((frame) => this.#takeEnvelope(out, meaning, frame, slot));
        this.#fetch.entriesDone(meaning.peer, meaning.ids);
        return good;
      }
      case 'blob': {
        const complete = this.#fetch.blobPart(meaning, frames[0]);
        return complete?.every((envelope) => this.#pulled(out, envelope, slot)) ?? false;
      }
      case 'snapshots':
      case 'snapshot-blob': {
        const good = this.#catchUp.answer(meaning, frames);
        this.#finishSnapshot(out);
        return good;
      }
    }
  }

  #note(peer: PeerKey, findings: readonly Finding[], slot: number): void {
    for (const finding of findings) {
      switch (finding.kind) {
        case 'mark':
          this.#forks.histories.tell(peer, finding.mark, slot);
          break;
        case 'agreed':
          this.#forks.histories.agree(peer, finding.round);
          break;
        case 'vote':
          this.#finality.record(finding.round, peer, finding.vote);
          break;
        case 'holds':
          this.#fetch.want(finding.id, finding.round, peer);
          break;
        case 'quiet':
          this.#finality.recordQuiet(peer, finding.from, finding.through);
          break;
        case 'forgot':
          if (this.#catchUp.phase !== 'choosing') this.#forks.noteForgetful(peer);
          break;
        default:
          finding satisfies never;
      }
    }
  }

  #takeEnvelope(
    out: LogEffect[],
    { peer, ids }: FetchMeaning & { kind: 'entries' },
    frame: Uint8Array,
    slot: number,
  ): boolean {
    const opened = openEnvelope(frame, this.#options.envelopes);
    if (!opened.ok) {
      this.refusals.add(out, opened.reason, peer);
      return false;
    }
    if (!ids.includes(opened.envelope.id)) return false;
    // Gossip was faster.
    if (!this.#fetch.has(opened.envelope.id)) return true;
    if (opened.envelope.body) return this.#pulled(out, opened.envelope, slot);
    this.#fetch.wantBody(opened.envelope, peer);
    return true;
  }

  #view(slot: number): DigestView {
    return {
      slot,
      isComplete: this.replica.isComplete,
      windowRounds: this.#options.frame.windowRounds,
      isJoining: this.joining,
      follows: (peer) => this.#catchUp.follows(peer),
    };
  }

  #askDigests(out: LogEffect[], slot: number): void {
    const busy = (peer: PeerKey): boolean =>
      this.#requests.some((meaning) => meaning.kind === 'digest' && meaning.peer === peer);
    const free = [...this.#peers].filter((peer) => this.#catchUp.follows(peer) && !busy(peer));
    for (const { meaning, request } of this.#digests.asks(free, this.#view(slot))) {
      this.#requests.open(out, meaning, request);
    }
  }

  #proceed(out: LogEffect[], slot: number): void {
    if (this.#catchUp.phase !== 'choosing') this.#finalise(out, slot);
    this.#pump(out);
  }

  #pump(out: LogEffect[]): void {
    if (!this.#requests.hasRoomForAll) return;
    for (const { meaning, request } of [...this.#fetch.asks(), ...this.#catchUp.asks()]) {
      this.#requests.open(out, meaning, request);
    }
  }

  /** The newest round that may be folded in this slot. */
  #lastFinal(slot: number): number {
    return this.replica.isComplete ? this.replica.base.round : slot - this.#options.frame.windowRounds;
  }

  #finalise(out: LogEffect[], slot: number): void {
    const isFollowing = this.#catchUp.leaders !== 'anyone';
    const { entitlement, signer } = this.#options;
    const view = {
      slot,
      lastFinal: this.#lastFinal(slot),
      peers: isFollowing ? new Set(this.#followed()) : this.#peers,
      weightOf: (peer: PeerKey) => entitlement.weightOf(peer),
      myWeight: this.joining ? 0 : entitlement.weightOf(signer.key),
      isFollowing,
    };
    for (let next = this.#finality.next(view); next; next = this.#finality.next(view)) {
      if (next.kind === 'pass') {
        this.#pass(out, next.through);
        continue;
      }
      const { round, decision, timedOut } = next;
      if (decision.kind === 'wait') return;
      // A set that nobody sends us, because its holders are gone or lied, is not waited for longer than for votes.
      const adopted = decision.kind === 'adopt' && this.#adoptSet(out, round, decision);
      if (decision.kind === 'adopt' && !adopted && !timedOut) return;
      this.#fold(out, round, !decision.forced && (adopted || decision.kind === 'fold'));
    }
  }

  /** Rounds of which nobody holds anything, all at once. */
  #pass(out: LogEffect[], through: number): void {
    const from = this.replica.base.round + 1;
    this.replica.passThrough(through);
    this.#finality.folded(through, true);
    this.#fetch.pruneThrough(through);
    this.#forks.folded(through);
    out.push({ type: 'event', event: { kind: 'passed', from, through } });
  }

  #fold(out: LogEffect[], round: number, byAgreement: boolean): void {
    const entries = this.replica.log.places(round).length;
    const writes = this.replica.foldNext();
    if (writes.length > 0) out.push({ type: 'persist', writes, durable: false });
    this.#finality.folded(round, byAgreement);
    this.#fetch.pruneThrough(round);
    this.#forks.folded(round);
    const root = bytesToHex(this.replica.base.root);
    out.push({ type: 'event', event: { kind: 'finalised', round, entries, root } });
  }

  /** Makes our set of the round the one the peers folded; false while entries of it are still missing. */
  #adoptSet(out: LogEffect[], round: number, decision: FoldDecision & { kind: 'adopt' }): boolean {
    const { absent, surplus } = adoptedSet(this.replica.log, round, decision.rows);
    for (const id of absent) for (const holder of decision.holders) this.#fetch.want(id, round, holder);
    if (absent.length > 0) return false;
    for (const { key, kept } of surplus) {
      this.replica.remove(round, key);
      for (const entry of kept) this.replica.insert(entry);
    }
    const entries = surplus.flatMap(({ removed }) => removed);
    if (entries.length > 0) {
      const writes = entries.map((entry): StoreWrite => ({ key: logKey(entry), value: null }));
      out.push({ type: 'left-out', entries, writes });
    }
    return true;
  }

  #followed(): PeerKey[] {
    return [...this.#peers].filter((peer) => this.#catchUp.follows(peer));
  }

  #historyView(slot: number): HistoryView {
    const { entitlement, signer, frame } = this.#options;
    return {
      rootAt: (round) => this.replica.rootAt(round),
      self: signer.key,
      weightOf: (peer) => entitlement.weightOf(peer),
      sinceSlot: slot - 2 * frame.windowRounds,
    };
  }

  #chooseSnapshot(out: LogEffect[]): void {
    const peers = this.#followed();
    const busy = (peer: PeerKey): boolean =>
      this.#requests.some((meaning) => meaning.kind === 'snapshots' && meaning.peer === peer);
    for (const { meaning, request } of this.#catchUp.choose(this.replica.base.round, peers, busy)) {
      this.#requests.open(out, meaning, request);
    }
  }

  #finishSnapshot(out: LogEffect[]): void {
    const finished = this.#catchUp.finish();
    if (!finished) return;
    const { state, blob } = finished;
    const entries = this.#forks.replacedThrough(state.round);
    out.push({ type: 'left-out', entries, writes: this.replica.adopt(state, blob) });
    this.#finality.clear();
    this.#fetch.pruneThrough(state.round);
  }

  /** Two histories: the weaker one is given up for the stronger, and its own entries are published anew. */
  #settleFork(out: LogEffect[], slot: number): void {
    if (this.#catchUp.phase === 'choosing') return;
    const followed = this.#followed().length;
    const view = this.#historyView(slot);
    const settlement = this.#forks.settle(followed, this.joining, view, this.#checkpoint);
    if (!settlement) return;
    if (settlement.kind === 'out-of-reach') {
      this.#catchUp.begin(this.#catchUp.leaders);
      return;
    }
    const { fork, writes } = settlement;
    const mine = bytesToHex(fork.mine);
    const theirs = bytesToHex(fork.theirs);
    out.push({ type: 'event', event: { kind: 'fork', round: fork.round, mine, theirs } });
    this.#finality.clear();
    if (!writes) {
      this.#catchUp.begin(fork.holders);
      return;
    }
    // Their sets replace ours round by round; what ours of our own held goes back into the residual then.
    if (writes.length > 0) out.push({ type: 'persist', writes, durable: true });
    this.#catchUp.replay(fork.holders);
  }
}
