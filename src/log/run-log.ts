/**
 * The machine of a run's log: routes what happens between the parts that know about it. Repair finds out what peers hold and
 * pulls it, finality says when a round is folded, the fork watch which of two histories stands, catch-up is the way to the
 * present. None of them knows another; nobody calls back into this class.
 */
import type { Signer } from '../core/crypto.ts';
import type { Input, PeerKey, StoreWrite, Verdict } from '../core/io.ts';
import { Refusals } from '../core/refusals.ts';
import { type AdmissionOptions, judgeAnnouncement, judgePulled } from './admission.ts';
import { bytesToHex, type Envelope, openEnvelope } from './envelope.ts';
import { adoptedSet } from './finality/adopted-set.ts';
import { Finality } from './finality/finality.ts';
import { ForkWatch } from './finality/fork-watch.ts';
import type { FoldDecision } from './finality/round-votes.ts';
import { CatchUp } from './join/catch-up.ts';
import type { JoinMeaning } from './join/snapshot-join.ts';
import type { LogMessage } from './log-book.ts';
import type { LogEffect } from './log-effect.ts';
import { answerRequest } from './repair/answers.ts';
import {
  DigestExchange,
  type DigestMeaning,
  type DigestView,
  type Finding,
} from './repair/digest-exchange.ts';
import { type FetchMeaning, MessageFetch } from './repair/message-fetch.ts';
import { authoredIn, logKey, type Replica, type ReplicaContext } from './replica.ts';
import { RequestTable } from './request-table.ts';
import { decodeDigestAnswer } from './wire.ts';

type Meaning = DigestMeaning | FetchMeaning | JoinMeaning;

export interface RunLogOptions {
  readonly replica: Replica;
  readonly context: ReplicaContext;
  readonly signer: Signer;
  readonly isMember: (peer: PeerKey) => boolean;
  readonly slotMs: number;
  readonly rounds: number;
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
  readonly refusals = new Refusals();
  readonly #options: RunLogOptions;
  readonly #admission: AdmissionOptions;
  readonly #peers = new Set<PeerKey>();
  readonly #requests: RequestTable<Meaning>;
  readonly #digests: DigestExchange;
  readonly #fetch: MessageFetch;
  readonly #finality: Finality;
  readonly #forks = new ForkWatch();
  readonly #catchUp: CatchUp;
  /** Peers whose log does not reach back to our next round. */
  readonly #forgetful = new Set<PeerKey>();
  /** Messages of our own in rounds that a fork opened again. */
  #disputed: readonly LogMessage[] = [];

  constructor(options: RunLogOptions) {
    const { replica, context, random } = options;
    this.#options = options;
    this.#admission = options;
    this.replica = replica;
    this.#requests = new RequestTable(Math.max(2000, Math.min(15_000, 2 * options.slotMs)));
    this.#digests = new DigestExchange(replica, context.crypto, random);
    this.#fetch = new MessageFetch(context.crypto);
    this.#finality = new Finality(replica, context.spec);
    const { crypto, runId } = context;
    this.#catchUp = new CatchUp({ crypto, runId, size: replica.base.units.length }, random);
  }

  get joining(): boolean {
    return this.#catchUp.phase !== 'present';
  }

  get joinedBySnapshot(): boolean {
    return this.#catchUp.startedFromSnapshot;
  }

  /** Every connected peer holds our history up to the last round folded. */
  get agreed(): boolean {
    return this.#forks.agreeing(this.replica.base.round) >= this.#peers.size && !this.#forks.open;
  }

  /** Messages known to exist and not held. */
  get missing(): number {
    return this.#fetch.missing;
  }

  beginJoin(): void {
    this.#catchUp.begin('anyone');
  }

  handle(event: LogEvent, slot: number, out: LogEffect[]): void {
    switch (event.type) {
      case 'tick':
        this.#tick(out, slot);
        break;
      case 'peer-up':
        this.#peers.add(event.peer);
        this.#finality.hope();
        break;
      case 'peer-down':
        this.#peers.delete(event.peer);
        this.#forks.forget(event.peer);
        this.#digests.forget(event.peer);
        break;
      case 'announcement': {
        const verdict = this.#announced(out, event.from, event.bytes, slot);
        out.push({ type: 'verdict', token: event.token, verdict });
        break;
      }
      case 'request': {
        const { replica, refusals } = this;
        const { context, signer } = this.#options;
        const request = answerRequest(out, event, { replica, refusals, context, signer });
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
    const reached = this.#catchUp.replayed(behind, this.#options.context.spec.windowRounds);
    for (const peer of this.#catchUp.takeFailedLeaders()) this.#forks.disbelieve(peer, slot);
    if (reached === 'gave-up-leaders') this.#finality.hope();
    else if (reached) out.push({ type: 'event', event: { kind: 'joined', round, donors: reached.donors } });
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
        this.#insert(out, judgement.message);
        return 'accept';
    }
  }

  /** The one place where a message of another peer enters the log. */
  #insert(out: LogEffect[], message: LogMessage): void {
    const { round, author } = message;
    const insertion = this.replica.insert(message);
    this.#fetch.settle(message.id);
    if (insertion === 'duplicate' || insertion === 'full') return;
    const isEquivocation = insertion === 'equivocation';
    out.push({ type: 'entered', message, isEquivocation, writes: [this.replica.writeOf(message)] });
    if (isEquivocation) {
      this.refusals.add(out, 'equivocation', author);
      out.push({ type: 'event', event: { kind: 'equivocation', round, author } });
    } else out.push({ type: 'event', event: { kind: 'accepted', round, author } });
  }

  /** False for a message that should not exist. */
  #pulled(out: LogEffect[], envelope: Envelope, slot: number): boolean {
    const message = judgePulled(envelope, slot, this.#admission);
    if (message && message.round > this.replica.base.round) this.#insert(out, message);
    this.#fetch.settle(envelope.id);
    return message !== null;
  }

  #response(out: LogEffect[], requestId: number, frames: readonly Uint8Array[], slot: number): void {
    const meaning = this.#requests.take(requestId);
    if (!meaning) return;
    if (!this.#understand(out, meaning, frames, slot)) this.refusals.add(out, 'bad-response', meaning.peer);
    this.#proceed(out, slot);
  }

  #failed(out: LogEffect[], requestId: number): void {
    const meaning = this.#requests.take(requestId);
    if (meaning?.kind === 'messages') this.#fetch.messagesDone(meaning.peer, meaning.ids);
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
      case 'messages': {
        const good = frames.every((frame) => this.#takeEnvelope(out, meaning, frame, slot));
        this.#fetch.messagesDone(meaning.peer, meaning.ids);
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
          this.#forks.note(peer, finding.round, finding.mine, finding.theirs, slot);
          break;
        case 'vote':
          this.#finality.record(finding.round, peer, finding.vote);
          break;
        case 'holds':
          this.#fetch.want(finding.id, finding.round, peer);
          break;
        case 'forgot':
          if (this.#catchUp.phase !== 'choosing') this.#forgetful.add(peer);
          break;
        default:
          finding satisfies never;
      }
    }
  }

  #takeEnvelope(
    out: LogEffect[],
    { peer, ids }: FetchMeaning & { kind: 'messages' },
    frame: Uint8Array,
    slot: number,
  ): boolean {
    const opened = openEnvelope(frame, this.#options.context);
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
      lastRound: this.#options.rounds - 1,
      windowRounds: this.#options.context.spec.windowRounds,
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
    for (const { meaning, request } of [...this.#fetch.asks(), ...this.#catchUp.asks()]) {
      this.#requests.open(out, meaning, request);
    }
  }

  /** The newest round that may be folded in this slot. */
  #lastFinal(slot: number): number {
    return Math.min(slot - this.#options.context.spec.windowRounds, this.#options.rounds - 1);
  }

  #finalise(out: LogEffect[], slot: number): void {
    const view = {
      slot,
      lastFinal: this.#lastFinal(slot),
      peersConnected: this.#peers.size,
      isFollowing: this.#catchUp.leaders !== 'anyone',
    };
    for (let next = this.#finality.next(view); next; next = this.#finality.next(view)) {
      const { round, decision, timedOut } = next;
      if (decision.kind === 'wait') return;
      // A set that nobody sends us, because its holders are gone or lied, is not waited for longer than for votes.
      const adopted = decision.kind === 'adopt' && this.#adoptSet(out, round, decision);
      if (decision.kind === 'adopt' && !adopted && !timedOut) return;
      this.#fold(out, round, !decision.forced && (adopted || decision.kind === 'fold'));
    }
  }

  #fold(out: LogEffect[], round: number, byAgreement: boolean): void {
    const entries = this.replica.log.slots(round).length;
    const writes = this.replica.foldNext();
    if (writes.length > 0) out.push({ type: 'persist', writes, durable: false });
    this.#finality.folded(round, byAgreement);
    this.#fetch.pruneThrough(round);
    this.#forgetful.clear();
    this.#disputed = this.#disputed.filter((message) => message.round > round);
    const root = bytesToHex(this.replica.base.root);
    out.push({ type: 'event', event: { kind: 'finalised', round, entries, root } });
  }

  /** Makes our set of the round the one the peers folded; false while messages of it are still missing. */
  #adoptSet(out: LogEffect[], round: number, decision: FoldDecision & { kind: 'adopt' }): boolean {
    const { absent, surplus } = adoptedSet(this.replica.log, round, decision.entries);
    for (const id of absent) for (const holder of decision.holders) this.#fetch.want(id, round, holder);
    if (absent.length > 0) return false;
    for (const { author, kept } of surplus) {
      this.replica.remove(round, author);
      for (const message of kept) this.replica.insert(message);
    }
    const messages = surplus.flatMap(({ removed }) => removed);
    if (messages.length > 0) {
      const writes = messages.map((message): StoreWrite => ({ key: logKey(message), value: null }));
      out.push({ type: 'left-out', messages, writes });
    }
    return true;
  }

  #chooseSnapshot(out: LogEffect[]): void {
    const peers = [...this.#peers].filter((peer) => this.#catchUp.follows(peer));
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
    // What the peers' sets left out went back when they were adopted, and is not in the log any more.
    const messages = this.#disputed.filter(
      ({ round, id }) => round <= state.round && this.replica.log.message(id),
    );
    this.#disputed = [];
    out.push({ type: 'left-out', messages, writes: this.replica.adopt(state, blob) });
    this.#finality.clear();
    this.#forgetful.clear();
    this.#fetch.pruneThrough(state.round);
    this.#forks.clear();
  }

  /** Two histories: the weaker one is given up for the stronger, and its own deltas are published anew. */
  #settleFork(out: LogEffect[], slot: number): void {
    if (this.#catchUp.phase === 'choosing') return;
    const followed = [...this.#peers].filter((peer) => this.#catchUp.follows(peer)).length;
    if (followed > 0 && this.#forgetful.size >= Math.min(2, followed)) {
      // The next round is in no log any more: only a snapshot helps, in the middle of a replay as well.
      this.#forgetful.clear();
      this.#catchUp.begin(this.#catchUp.leaders);
      return;
    }
    if (this.joining) return;
    const fork = this.#forks.verdict(slot - 2 * this.#options.context.spec.windowRounds);
    if (!fork?.weYield) return;
    const mine = bytesToHex(fork.mine.root);
    const theirs = bytesToHex(fork.theirs.root);
    out.push({ type: 'event', event: { kind: 'fork', round: fork.round, mine, theirs } });
    this.#finality.clear();
    this.#disputed = this.replica.log
      .heldRounds()
      .filter((held) => held > fork.agreedRound && held <= this.replica.base.round)
      .flatMap((held) => authoredIn(this.replica, held, this.#options.signer.key));
    const rolledBack = this.replica.rollBack(fork.agreedRound);
    this.#forks.clear();
    if (!rolledBack) {
      this.#catchUp.begin(fork.holders);
      return;
    }
    // Their sets replace ours round by round; what ours of our own held goes back into the residual then.
    if (rolledBack.length > 0) out.push({ type: 'persist', writes: rolledBack, durable: true });
    this.#catchUp.replay(fork.holders);
  }
}
