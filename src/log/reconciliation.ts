/**
 * Anti-entropy (Demers 1987): compares sets with random peers, pulls what is missing, and decides when a round is
 * final. Also the way in: a late joiner, or a node whose history turns out not to be the others', starts from a
 * snapshot and replays the log.
 */
import { equals } from 'uint8arrays';
import type { Output, PeerKey, StoreWrite } from '../core/io.ts';
import { pickRandom } from '../core/pick-random.ts';
import type { Refusals } from '../core/refusals.ts';
import { bytesToHex, type Envelope, openEnvelope } from './envelope.ts';
import { ForkWatch } from './finality/fork-watch.ts';
import { decideFold, type FoldDecision, RoundVotes } from './finality/round-votes.ts';
import { CatchUp } from './join/catch-up.ts';
import type { JoinMeaning } from './join/snapshot-join.ts';
import { type LogMessage, messagesOf } from './log-book.ts';
import { type FetchMeaning, MessageFetch } from './repair/message-fetch.ts';
import { authoredIn, logKey, type Replica, type ReplicaContext } from './replica.ts';
import { RequestTable } from './request-table.ts';
import { type DigestAnswer, decodeDigestAnswer, type Request, roundsPerDigestMax } from './wire.ts';

/**
 * Peers asked for digests per tick, while following and while catching up. Two: with one, 10 of 40 simulated
 * networks under 10 to 30 % loss finalised different sets somewhere (docs/LOG.md).
 */
const digestFanout = 2;
const catchUpFanout = 4;
type DigestMeaning = {
  readonly kind: 'digest';
  readonly peer: PeerKey;
  readonly finalised: number;
  readonly from: number;
  readonly digests: readonly Uint8Array[];
};
type Meaning = DigestMeaning | FetchMeaning | JoinMeaning;

export interface ReconciliationOptions {
  readonly context: ReplicaContext;
  readonly self: PeerKey;
  readonly replica: Replica;
  readonly slotMs: number;
  readonly rounds: number;
  readonly random: () => number;
  readonly refusals: Refusals;
  /** Judges and inserts a message that a peer holds; false when it should not exist. */
  readonly insert: (out: Output[], message: LogMessage, slot: number) => boolean;
  /** Restores what our own messages among these carried; returns what must be written with their removal. */
  readonly takeBack: (out: Output[], messages: readonly LogMessage[]) => StoreWrite[];
}

export class Reconciliation {
  readonly #options: ReconciliationOptions;
  readonly #replica: Replica;
  readonly #peers = new Set<PeerKey>();
  readonly #requests: RequestTable<Meaning>;
  readonly #fetch: MessageFetch;
  readonly #votes = new RoundVotes();
  readonly #forks = new ForkWatch();
  readonly #unknownTo = new Set<PeerKey>();
  /** Peers whose requests showed sets that are not ours: asked at the next tick (push-pull). */
  readonly #askBack = new Set<PeerKey>();
  /** Peers that ever answered us: what the silent claim of their history counts for nothing. */
  readonly #talking = new Set<PeerKey>();
  readonly #catchUp: CatchUp;
  #disputed: readonly LogMessage[] = [];
  #ticksStuck = 0;

  constructor(options: ReconciliationOptions) {
    this.#options = options;
    this.#replica = options.replica;
    this.#requests = new RequestTable(Math.max(2000, Math.min(15_000, 2 * options.slotMs)));
    this.#fetch = new MessageFetch(options.context.crypto);
    const { crypto, runId } = options.context;
    const size = options.replica.base.units.length;
    this.#catchUp = new CatchUp({ crypto, runId, size }, options.random);
  }

  get joining(): boolean {
    return this.#catchUp.phase !== 'present';
  }

  get joinedBySnapshot(): boolean {
    return this.#catchUp.startedFromSnapshot;
  }

  /** Every connected peer holds our history up to the last round folded. */
  get agreed(): boolean {
    return this.#forks.agreeing(this.#replica.base.round) >= this.#peers.size && !this.#forks.open;
  }

  /** Messages known to exist and not held. */
  get missing(): number {
    return this.#fetch.missing;
  }

  beginJoin(): void {
    this.#catchUp.begin('anyone');
  }

  peerUp(peer: PeerKey): void {
    this.#peers.add(peer);
    this.#ticksStuck = 0;
  }

  peerDown(peer: PeerKey): void {
    this.#peers.delete(peer);
    this.#forks.forget(peer);
    this.#talking.delete(peer);
  }

  tick(out: Output[], slot: number): void {
    this.#ticksStuck += 1;
    this.#chooseSnapshot(out);
    this.#askDigests(out, slot);
    this.#settleFork(out, slot);
    this.#proceed(out, slot);
    const { round } = this.#replica.base;
    const reached = this.#catchUp.replayed(
      this.#lastFinal(slot) - round,
      this.#options.context.spec.windowRounds,
    );
    for (const peer of this.#catchUp.takeFailedLeaders()) this.#forks.disbelieve(peer, slot);
    if (reached === 'gave-up-leaders') this.#ticksStuck = 0;
    else if (reached) out.push({ type: 'event', event: { kind: 'joined', round, donors: reached.donors } });
  }

  wantBody(out: Output[], envelope: Envelope, holder: PeerKey): void {
    this.#fetch.wantBody(envelope, holder);
    this.#pump(out);
  }

  settle(id: string): void {
    this.#fetch.settle(id);
  }

  /** What a peer's digest request tells of its own sets. */
  heard(peer: PeerKey, request: Request & { kind: 'digest' }, slot: number): void {
    const mine = this.#replica.markAt(request.finalised);
    if (mine && this.#talking.has(peer)) this.#forks.note(peer, request.finalised, mine, request, slot);
    if (!this.#catchUp.follows(peer)) return;
    request.digests.forEach((digest, index) => {
      const round = request.from + index;
      if (round <= this.#replica.base.round || round > slot + 1) return;
      this.#votes.record(round, peer, {
        digest: bytesToHex(digest),
        final: false,
        heardSlot: slot,
        entries: null,
      });
      if (!equals(digest, this.#replica.log.digest(round))) this.#askBack.add(peer);
    });
  }

  response(out: Output[], requestId: number, frames: readonly Uint8Array[], slot: number): void {
    const meaning = this.#requests.take(requestId);
    if (!meaning) return;
    if (!this.#understand(out, meaning, frames, slot))
      this.#options.refusals.add(out, 'bad-response', meaning.peer);
    this.#proceed(out, slot);
  }

  failed(out: Output[], requestId: number): void {
    const meaning = this.#requests.take(requestId);
    if (meaning?.kind === 'messages') this.#fetch.messagesDone(meaning.peer, meaning.ids);
    else if (meaning?.kind === 'blob') this.#fetch.blobFailed(meaning);
    else if (meaning?.kind === 'snapshot-blob') this.#catchUp.failed(meaning);
    this.#pump(out);
  }

  /** False when the peer lied or talked nonsense. */
  #understand(out: Output[], meaning: Meaning, frames: readonly Uint8Array[], slot: number): boolean {
    switch (meaning.kind) {
      case 'digest': {
        const answer = frames[0] ? decodeDigestAnswer(frames[0]) : null;
        if (!answer) return false;
        this.#talking.add(meaning.peer);
        this.#compare(meaning, answer, slot);
        return true;
      }
      case 'messages': {
        const good = frames.every((frame) => this.#takeEnvelope(out, meaning, frame, slot));
        this.#fetch.messagesDone(meaning.peer, meaning.ids);
        return good;
      }
      case 'blob': {
        const complete = this.#fetch.blobPart(meaning, frames[0]);
        return complete?.every((envelope) => this.#insert(out, envelope, slot)) ?? false;
      }
      case 'snapshots':
      case 'snapshot-blob': {
        const good = this.#catchUp.answer(meaning, frames);
        this.#finishSnapshot(out);
        return good;
      }
    }
  }

  #takeEnvelope(
    out: Output[],
    { peer, ids }: FetchMeaning & { kind: 'messages' },
    frame: Uint8Array,
    slot: number,
  ): boolean {
    const opened = openEnvelope(frame, this.#options.context);
    if (!opened.ok) {
      this.#options.refusals.add(out, opened.reason, peer);
      return false;
    }
    if (!ids.includes(opened.envelope.id)) return false;
    // Gossip was faster.
    if (!this.#fetch.has(opened.envelope.id)) return true;
    if (opened.envelope.body) return this.#insert(out, opened.envelope, slot);
    this.#fetch.wantBody(opened.envelope, peer);
    return true;
  }

  #insert(out: Output[], envelope: Envelope, slot: number): boolean {
    const message = this.#replica.open(envelope);
    const good = message !== null && this.#options.insert(out, message, slot);
    this.#fetch.settle(envelope.id);
    return good;
  }

  #askDigests(out: Output[], slot: number): void {
    const { round: finalised, root, weight } = this.#replica.base;
    const from = finalised + 1;
    const last = Math.min(slot + 1, finalised + roundsPerDigestMax, this.#options.rounds - 1);
    // Past the last round there is nothing to compare but the histories, and that goes on: forks are found so.
    const count = Math.max(0, last - from + 1);
    const digests = Array.from({ length: count }, (_, index) => this.#replica.log.digest(from + index));
    const fanout =
      this.joining || slot - finalised > 2 * this.#options.context.spec.windowRounds
        ? catchUpFanout
        : digestFanout;
    const busy = (peer: PeerKey): boolean =>
      this.#requests.some((meaning) => meaning.kind === 'digest' && meaning.peer === peer);
    const free = [...this.#peers].filter((peer) => this.#catchUp.follows(peer) && !busy(peer));
    const asked = new Set(pickRandom(free, fanout, this.#options.random));
    for (const peer of free) if (this.#askBack.has(peer)) asked.add(peer);
    this.#askBack.clear();
    for (const peer of asked) {
      const meaning: Meaning = { kind: 'digest', peer, finalised, from, digests };
      this.#requests.open(out, meaning, { kind: 'digest', finalised, root, weight, from, digests });
    }
  }

  #compare(asked: DigestMeaning, answer: DigestAnswer, slot: number): void {
    const { peer } = asked;
    const mine = this.#replica.markAt(asked.finalised);
    if (mine && answer.atYours) this.#forks.note(peer, asked.finalised, mine, answer.atYours, slot);
    if (!this.#catchUp.follows(peer)) return;
    for (const { round, state, entries } of answer.rounds) {
      const sent = asked.digests[round - asked.from];
      if (!sent || round <= this.#replica.base.round) continue;
      if (state === 'unknown') {
        if (round === this.#replica.base.round + 1 && this.#catchUp.phase !== 'choosing')
          this.#unknownTo.add(peer);
        continue;
      }
      const final = state === 'same-final' || state === 'differs-final';
      const same = state === 'same-open' || state === 'same-final';
      const digest = bytesToHex(same ? sent : this.#digestOf(entries));
      this.#votes.record(round, peer, { digest, final, heardSlot: slot, entries: same ? null : entries });
      if (same) continue;
      for (const id of entries.flatMap(idsOf)) {
        if (!this.#replica.log.message(id)) this.#fetch.want(id, round, peer);
      }
    }
  }

  /** The log's own digest of a set given by its entries. */
  #digestOf(entries: readonly Uint8Array[]): Uint8Array {
    const zero = new Uint8Array(32);
    const parts = entries.flatMap((entry) => [
      entry.subarray(0, 32),
      entry.length === 64 ? entry.subarray(32) : zero,
    ]);
    return this.#options.context.crypto.sha256(...parts);
  }

  #proceed(out: Output[], slot: number): void {
    if (this.#catchUp.phase !== 'choosing') this.#finalise(out, slot);
    this.#pump(out);
  }

  #pump(out: Output[]): void {
    for (const { meaning, request } of [...this.#fetch.asks(), ...this.#catchUp.asks()]) {
      this.#requests.open(out, meaning, request);
    }
  }

  /** The newest round that may be folded in this slot. */
  #lastFinal(slot: number): number {
    return Math.min(slot - this.#options.context.spec.windowRounds, this.#options.rounds - 1);
  }

  #finalise(out: Output[], slot: number): void {
    const { windowRounds, admitRounds } = this.#options.context.spec;
    const last = this.#lastFinal(slot);
    const following = this.#catchUp.leaders !== 'anyone';
    while (this.#replica.base.round < last) {
      const round = this.#replica.base.round + 1;
      // A round's turn comes windowRounds after its slot; peers then have as long again to agree.
      const timedOut = !following && this.#ticksStuck >= 2 * windowRounds && slot >= round + 2 * windowRounds;
      const decision = decideFold({
        votes: this.#votes.of(round),
        myDigest: bytesToHex(this.#replica.log.digest(round)),
        closedSlot: round + admitRounds + 1,
        peersConnected: following ? 1 : this.#peers.size,
        timedOut,
      });
      if (decision.kind === 'wait') return;
      // A set that nobody sends us, because its holders are gone or lied, is not waited for longer than for votes.
      const adopted = decision.kind === 'adopt' && this.#adoptSet(out, round, decision);
      if (decision.kind === 'adopt' && !adopted && !timedOut) return;
      if (!decision.forced && (adopted || decision.kind === 'fold')) this.#ticksStuck = 0;
      const entries = this.#replica.log.slots(round).length;
      const writes = this.#replica.foldNext();
      if (writes.length > 0) out.push({ type: 'persist', writes, durable: false });
      this.#votes.pruneThrough(round);
      this.#fetch.pruneThrough(round);
      this.#unknownTo.clear();
      this.#disputed = this.#disputed.filter((message) => message.round > round);
      const root = bytesToHex(this.#replica.base.root);
      out.push({ type: 'event', event: { kind: 'finalised', round, entries, root } });
    }
  }

  /** Makes our set of the round the one the peers folded; false while messages of it are still missing. */
  #adoptSet(out: Output[], round: number, decision: FoldDecision & { kind: 'adopt' }): boolean {
    const { log } = this.#replica;
    const theirs = new Map(
      decision.entries.map((entry) => [bytesToHex(entry.subarray(0, 32)), idsOf(entry)]),
    );
    // Of an equivocator only the fact counts: theirs may be other two messages than ours.
    const proven = [...theirs].filter(
      ([author, ids]) => ids.length === 2 && log.slot(round, author)?.kind === 'equivocation',
    );
    for (const [author] of proven)
      theirs.set(
        author,
        messagesOf(log.slot(round, author)!).map(({ id }) => id),
      );
    const absent = [...theirs.values()].flat().filter((id) => !log.message(id));
    for (const id of absent) for (const holder of decision.holders) this.#fetch.want(id, round, holder);
    if (absent.length > 0) return false;
    const removed: LogMessage[] = [];
    for (const [author, slot] of log.slots(round)) {
      const ids = theirs.get(author) ?? [];
      const kept = messagesOf(slot).filter(({ id }) => ids.includes(id));
      if (kept.length === messagesOf(slot).length) continue;
      removed.push(...messagesOf(slot).filter(({ id }) => !ids.includes(id)));
      this.#replica.remove(round, author);
      for (const message of kept) this.#replica.insert(message);
    }
    if (removed.length > 0) {
      const writes = removed.map((message): StoreWrite => ({ key: logKey(message), value: null }));
      out.push({
        type: 'persist',
        writes: [...writes, ...this.#options.takeBack(out, removed)],
        durable: true,
      });
    }
    return true;
  }

  #chooseSnapshot(out: Output[]): void {
    const peers = [...this.#peers].filter((peer) => this.#catchUp.follows(peer));
    const busy = (peer: PeerKey): boolean =>
      this.#requests.some((meaning) => meaning.kind === 'snapshots' && meaning.peer === peer);
    for (const { meaning, request } of this.#catchUp.choose(this.#replica.base.round, peers, busy)) {
      this.#requests.open(out, meaning, request);
    }
  }

  #finishSnapshot(out: Output[]): void {
    const finished = this.#catchUp.finish();
    if (!finished) return;
    const { state, blob } = finished;
    // What the peers' sets left out went back when they were adopted, and is not in the log any more.
    const lost = this.#disputed.filter(
      ({ round, id }) => round <= state.round && this.#replica.log.message(id),
    );
    this.#disputed = [];
    const writes = this.#replica.adopt(state, blob);
    out.push({ type: 'persist', writes: [...writes, ...this.#options.takeBack(out, lost)], durable: true });
    this.#votes.clear();
    this.#unknownTo.clear();
    this.#fetch.pruneThrough(state.round);
    this.#forks.clear();
  }

  /** Two histories: the weaker one is given up for the stronger, and its own deltas are published anew. */
  #settleFork(out: Output[], slot: number): void {
    if (this.#catchUp.phase === 'choosing') return;
    const followed = [...this.#peers].filter((peer) => this.#catchUp.follows(peer)).length;
    if (followed > 0 && this.#unknownTo.size >= Math.min(2, followed)) {
      // The next round is in no log any more: only a snapshot helps, in the middle of a replay as well.
      this.#unknownTo.clear();
      this.#catchUp.begin(this.#catchUp.leaders);
      return;
    }
    if (this.joining) return;
    const fork = this.#forks.verdict(slot - 2 * this.#options.context.spec.windowRounds);
    if (!fork) return;
    const { round, mine, theirs } = fork;
    if (!fork.weYield) return;
    out.push({
      type: 'event',
      event: { kind: 'fork', round, mine: bytesToHex(mine.root), theirs: bytesToHex(theirs.root) },
    });
    this.#votes.clear();
    this.#disputed = this.#replica.log
      .heldRounds()
      .filter((held) => held > fork.agreedRound && held <= this.#replica.base.round)
      .flatMap((held) => authoredIn(this.#replica, held, this.#options.self));
    const rolledBack = this.#replica.rollBack(fork.agreedRound);
    if (rolledBack) {
      // Their sets replace ours round by round; what ours of our own held goes back into the residual then.
      if (rolledBack.length > 0) out.push({ type: 'persist', writes: rolledBack, durable: true });
      this.#forks.clear();
      this.#catchUp.replay(fork.holders);
      return;
    }
    this.#forks.clear();
    this.#catchUp.begin(fork.holders);
  }
}

function idsOf(entry: Uint8Array): string[] {
  const ids = [bytesToHex(entry.subarray(32, 64))];
  if (entry.length === 96) ids.push(bytesToHex(entry.subarray(64)));
  return ids;
}
