/**
 * One history of the run and the way to its present: routes between repair (what peers hold), finality (when a round is folded)
 * and catch-up. A node stands in one, and may look into another one beside it; which of the two stands is none of its business.
 */
import type { PeerKey } from '../core/io.ts';
import type { Refusals } from '../core/refusals.ts';
import { judgePulled } from './admission.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Entitlement } from './entitlement.ts';
import type { LogEntry } from './entry-kind.ts';
import { type Envelope, type EnvelopeContext, openEnvelope } from './envelope.ts';
import { Finality } from './finality/finality.ts';
import { ForkWatch } from './finality/fork-watch.ts';
import { Folding, leaveOut } from './folding.ts';
import { CatchUp, type Leaders, type Reached } from './join/catch-up.ts';
import { ForgetfulPeers } from './join/forgetful-peers.ts';
import { Founding } from './join/founding.ts';
import type { JoinMeaning } from './join/snapshot-join.ts';
import { LogClock } from './log-clock.ts';
import type { EffectSink } from './log-effect.ts';
import type { Kinds, LogFrame } from './log-state.ts';
import type { BlobFetch } from './repair/blob-fetch.ts';
import { ChainFetch, type ChainMeaning } from './repair/chain-fetch.ts';
import {
  DigestExchange,
  type DigestMeaning,
  type DigestView,
  type Finding,
} from './repair/digest-exchange.ts';
import { EntryFetch, type FetchMeaning, isFetch } from './repair/entry-fetch.ts';
import { type Answered, misdeedOf } from './repair/misdeed.ts';
import type { Replica } from './replica.ts';
import { RequestTable } from './request-table.ts';
import { snapshotBytesMax } from './snapshot.ts';
import { decodeChain, decodeDigestAnswer, encodeRequest, type Request } from './wire.ts';

type Meaning = DigestMeaning | FetchMeaning | JoinMeaning | ChainMeaning;

export interface HistoryOptions {
  readonly kinds: Kinds;
  readonly frame: LogFrame;
  readonly replica: Replica;
  readonly envelopes: EnvelopeContext;
  readonly entitlement: Entitlement;
  readonly self: PeerKey;
  readonly random: () => number;
  /** Connected peers that may have a say. */
  readonly peers: ReadonlySet<PeerKey>;
  readonly refusals: Refusals;
  readonly nextRequestId: () => number;
  /** Of what is being handled. */
  readonly nowMs: () => number;
  /** Whose sets count. In a history that is not anyone's we do not stand, but look into it. */
  readonly leaders: Leaders;
  /** The place that our history must contain, where we were told of one. */
  readonly checkpoint: Checkpoint | null;
}

export class History {
  readonly replica: Replica;
  readonly clock: LogClock;
  /** What peers tell of theirs. */
  readonly watch = new ForkWatch();
  readonly catchUp: CatchUp;
  readonly #options: HistoryOptions;
  readonly #requests: RequestTable<Meaning>;
  readonly #digests: DigestExchange;
  readonly #fetch: EntryFetch;
  readonly #finality: Finality;
  readonly #chain: ChainFetch;
  readonly #forgetful = new ForgetfulPeers();
  readonly #founding: Founding;
  readonly #folding: Folding;

  constructor(options: HistoryOptions) {
    const { replica, envelopes, frame, kinds, random, leaders } = options;
    const { crypto } = envelopes;
    this.#options = options;
    this.replica = replica;
    this.clock = new LogClock(replica, frame);
    const timeoutMs = Math.max(2000, Math.min(15_000, 2 * frame.slotMs));
    this.#requests = new RequestTable(timeoutMs, options.nextRequestId);
    this.#digests = new DigestExchange({ replica, random, isOurs: leaders === 'anyone' });
    this.#fetch = new EntryFetch({ crypto, random, nowMs: options.nowMs });
    this.#finality = new Finality(replica, frame);
    this.#founding = new Founding(options.checkpoint, replica);
    this.#folding = new Folding({
      ...{ replica, finality: this.#finality, fetch: this.#fetch, forgetful: this.#forgetful },
      ...{ entitlement: options.entitlement, self: options.self, windowRounds: frame.windowRounds },
    });
    this.#chain = new ChainFetch(replica, frame);
    this.catchUp = new CatchUp({ ...options, bytesMax: snapshotBytesMax(kinds) }, options.leaders);
  }

  get windowRounds(): number {
    return this.#options.frame.windowRounds;
  }

  get isJoining(): boolean {
    return this.catchUp.phase !== 'present';
  }

  /** Entries known to exist and not held. */
  get missing(): number {
    return this.#fetch.missing;
  }

  /** What was before the state that we began with is still being asked for. */
  get isTracing(): boolean {
    return !this.isJoining && this.#chain.isOpen(this.#followed());
  }

  /** First of a session, once the replica is restored: looks for a snapshot where it is late, or was told where to begin. */
  start(isLate: boolean): void {
    if (this.#founding.begin() || isLate) this.catchUp.begin();
  }

  /** Somebody new may agree: the wait for agreement begins anew. */
  hope(): void {
    this.#finality.hope();
  }

  forget(peer: PeerKey): void {
    for (const part of [this.watch, this.#digests, this.#finality, this.#forgetful]) part.forget(peer);
  }

  /** The replica has become another one: what was heard concerns one that it is not any more. */
  replaced(): void {
    this.watch.clear();
    this.#finality.clear();
    // What is still under way was asked for in another history, perhaps of another pace: the next digests find it again.
    this.#fetch.pruneThrough(Number.POSITIVE_INFINITY);
    this.#forgetful.clear();
    this.#chain.clear();
  }

  /** Asks, folds what may be folded; returns what came of catching up, if that is over. */
  tick(out: EffectSink, slot: number): Reached | null {
    this.#finality.tick();
    this.#chooseSnapshot(out);
    this.#askDigests(out, slot);
    if (this.catchUp.phase !== 'choosing' && this.#isOutOfReach(slot)) {
      this.#forgetful.clear();
      this.catchUp.begin();
    }
    this.#proceed(out, slot);
    const { isComplete, base } = this.replica;
    const reached = this.catchUp.replayed({
      behind: this.#folding.lastFinal(slot) - base.round,
      isLevel: () => isComplete || this.#finality.isLevel(this.#followed()),
      windowRounds: this.windowRounds,
    });
    if (reached) this.#founding.end();
    this.#finishSnapshot(out);
    return reached;
  }

  /** The one place where an entry of another peer enters the log. */
  insert(out: EffectSink, entry: LogEntry): boolean {
    const { round, author } = entry;
    const dropped: LogEntry[] = [];
    const insertion = this.replica.insert(entry, dropped);
    this.#fetch.settle(entry.id);
    if (insertion === 'duplicate' || insertion === 'full') return false;
    const isEquivocation = insertion === 'equivocation';
    out.push({ type: 'entered', entry, isEquivocation, writes: [this.replica.writeOf(entry)] });
    leaveOut(out, dropped);
    if (isEquivocation) {
      this.#options.refusals.add(out, 'equivocation', author);
      out.push({ type: 'event', event: { kind: 'equivocation', round, author } });
    } else {
      const { id } = this.#options.kinds[entry.kind]!;
      out.push({ type: 'event', event: { kind: 'accepted', round, author, entryKind: id } });
    }
    return true;
  }

  /** An entry that has been judged already. */
  enter(entry: LogEntry): void {
    if (entry.round > this.replica.base.round) this.replica.insert(entry);
  }

  /** All of an entry but its body is here. */
  wantBody(out: EffectSink, envelope: Envelope, holder: PeerKey): boolean {
    const isNews = this.#fetch.wantBody(envelope, holder);
    this.#pump(out);
    return isNews;
  }

  /** A body or snapshot that is on its way. */
  partOf(root: Uint8Array): BlobFetch | undefined {
    return this.catchUp.partOf(root) ?? this.#fetch.partOf(root);
  }

  /** A peer has shown its digests. */
  heard(from: PeerKey, request: Request & { kind: 'digest' }, slot: number): void {
    this.#note(from, this.#digests.heard(from, request, this.#view(slot)), slot);
  }

  /** Takes the answer to a request of this history's; false where it is none. */
  answered(out: EffectSink, requestId: number, frames: readonly Uint8Array[], slot: number): boolean {
    const meaning = this.#requests.take(requestId);
    if (!meaning) return false;
    const part = misdeedOf[this.#understand(out, meaning, frames, slot)];
    if (part === 1) this.#options.refusals.add(out, 'bad-response', meaning.peer);
    if (part > 0) out.push({ type: 'blame', peer: meaning.peer, part });
    this.#proceed(out, slot);
    return true;
  }

  failed(out: EffectSink, requestId: number, isRefused: boolean): void {
    const meaning = this.#requests.take(requestId);
    // Who is busy or far away does nothing wrong.
    if (isRefused && meaning && isFetch(meaning) && this.#fetch.isToldBy(meaning))
      out.push({ type: 'blame', peer: meaning.peer, part: misdeedOf.empty });
    if (meaning?.kind === 'entries') this.#fetch.entriesDone(meaning.peer, meaning.ids);
    else if (meaning?.kind === 'blob') this.#fetch.blobFailed(meaning, isRefused);
    else if (meaning?.kind === 'snapshot-blob') this.catchUp.failed(meaning, isRefused);
    else if (meaning?.kind === 'chain') this.#chain.failed(meaning);
    this.#pump(out);
  }

  /** False for an entry that should not exist. */
  #pulled(out: EffectSink, envelope: Envelope, slot: number): boolean {
    const entry = judgePulled(envelope, this.#options);
    // Our slot may have gone back since we asked: rounds have turned out to last longer.
    const isTimely = envelope.round > this.replica.base.round && envelope.round <= slot + 1;
    if (entry && isTimely) this.insert(out, entry);
    this.#fetch.settle(envelope.id);
    return entry !== null;
  }

  #understand(out: EffectSink, meaning: Meaning, frames: readonly Uint8Array[], slot: number): Answered {
    switch (meaning.kind) {
      case 'digest': {
        const answer = frames[0] ? decodeDigestAnswer(frames[0]) : null;
        if (!answer) return 'false';
        this.#note(meaning.peer, this.#digests.answered(meaning, answer, this.#view(slot)), slot);
        return 'good';
      }
      case 'entries': {
        const isVain = frames.length === 0 && this.#fetch.isToldBy(meaning);
        const good = frames.every((frame) => this.#takeEnvelope(out, meaning, frame, slot));
        this.#fetch.entriesDone(meaning.peer, meaning.ids);
        return isVain ? 'empty' : good ? 'good' : 'false';
      }
      case 'blob': {
        const complete = this.#fetch.blobPart(meaning, frames[0]);
        if (!complete) return 'false';
        // Whose body it is said so under its own name; who hands on its bytes did nothing wrong.
        for (const envelope of complete) {
          if (!this.#pulled(out, envelope, slot))
            this.#options.refusals.add(out, 'bad-body', envelope.author);
        }
        return 'good';
      }
      case 'chain': {
        const chain = frames[0] ? decodeChain(frames[0], meaning.count) : null;
        return this.#chain.taken(meaning, chain) ? 'good' : 'false';
      }
      case 'snapshots':
      case 'snapshot-blob': {
        const good = this.catchUp.answer(meaning, frames);
        this.#finishSnapshot(out);
        return good ? 'good' : 'false';
      }
    }
  }

  #note(peer: PeerKey, findings: readonly Finding[], slot: number): void {
    for (const finding of findings) {
      switch (finding.kind) {
        case 'mark':
          this.watch.note(peer, finding.round, finding.mine, finding.theirs, slot);
          break;
        case 'vote':
          this.#finality.record(finding.round, peer, finding);
          break;
        case 'holds':
          this.#fetch.want(finding.id, finding.round, peer);
          break;
        case 'quiet':
          this.#finality.recordQuiet(peer, finding.from, finding.through);
          break;
        case 'forgot':
          if (this.catchUp.phase !== 'choosing') this.#forgetful.note(peer);
          break;
        default:
          finding satisfies never;
      }
    }
  }

  #takeEnvelope(
    out: EffectSink,
    { peer, ids }: FetchMeaning & { kind: 'entries' },
    frame: Uint8Array,
    slot: number,
  ): boolean {
    const opened = openEnvelope(frame, this.#options.envelopes);
    if (!opened.ok) {
      this.#options.refusals.add(out, opened.reason, peer);
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
      windowRounds: this.windowRounds,
      isJoining: this.isJoining,
      follows: (peer) => this.catchUp.follows(peer),
    };
  }

  #askDigests(out: EffectSink, slot: number): void {
    const busy = (peer: PeerKey): boolean =>
      this.#requests.some((meaning) => meaning.kind === 'digest' && meaning.peer === peer);
    const free = this.#followed().filter((peer) => !busy(peer));
    const { request, meanings } = this.#digests.asks(free, this.#view(slot));
    if (meanings.length === 0) return;
    const bytes = encodeRequest(request);
    for (const meaning of meanings) this.#requests.open(out, meaning, bytes);
  }

  #proceed(out: EffectSink, slot: number): void {
    if (this.catchUp.phase !== 'choosing') this.#fold(out, slot);
    this.#pump(out);
  }

  #fold(out: EffectSink, slot: number): void {
    if (this.replica.base.round >= this.#folding.lastFinal(slot)) return;
    this.#folding.advance(out, {
      ...{ slot, peers: this.#followed(), isJoining: this.isJoining },
      isFollowing: this.catchUp.leaders !== 'anyone',
    });
  }

  #pump(out: EffectSink): void {
    if (!this.#requests.hasRoomForAll) return;
    const followed = this.#followed();
    this.#open(out, this.#fetch.asks());
    this.#open(out, this.catchUp.asks(followed));
    if (this.catchUp.phase !== 'choosing') this.#open(out, this.#chain.asks(followed));
  }

  #open(out: EffectSink, asks: readonly { readonly meaning: Meaning; readonly request: Request }[]): void {
    for (const { meaning, request } of asks) this.#requests.open(out, meaning, encodeRequest(request));
  }

  #followed(): PeerKey[] {
    const peers = [...this.#options.peers];
    return this.catchUp.leaders === 'anyone' ? peers : peers.filter((peer) => this.catchUp.follows(peer));
  }

  /**
   * The next round is in no log of those who count any more, by half of their weight: only a snapshot helps. Nobody forgets what is
   * younger than a snapshot, so that whoever is not so far behind was told a lie.
   */
  #isOutOfReach(slot: number): boolean {
    const { entitlement, frame } = this.#options;
    if (this.#founding.isUnderWay) return false;
    if (this.#folding.lastFinal(slot) - this.replica.base.round < frame.snapshotRounds) return false;
    const known = this.#founding.checkpoint ? entitlement.known().size : 0;
    return this.#forgetful.areHalf(this.#followed(), (peer) => entitlement.weightOf(peer), known);
  }

  #chooseSnapshot(out: EffectSink): void {
    if (this.catchUp.phase !== 'choosing') return;
    this.#founding.tick(out, this.catchUp.answered);
    const busy = (peer: PeerKey): boolean =>
      this.#requests.some((meaning) => meaning.kind === 'snapshots' && meaning.peer === peer);
    const followed = this.#followed();
    const { base } = this.replica;
    for (const { meaning, request } of this.catchUp.choose(base.round, followed, busy, this.#founding.sought))
      this.#requests.open(out, meaning, encodeRequest(request));
  }

  #finishSnapshot(out: EffectSink): void {
    const finished = this.catchUp.finish();
    const adopted = finished ? this.replica.adopt(finished.state, finished.blob, finished.leaves) : [];
    const writes = [...adopted, ...this.catchUp.takeWrites()];
    if (writes.length > 0) out.push({ type: 'persist', writes, durable: finished !== null });
    if (finished) this.replaced();
  }
}
