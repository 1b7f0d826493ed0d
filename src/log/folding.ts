/**
 * What finality decides of a history's rounds is done here: folded into the base, passed over where nobody holds anything of them, or made
 * the set that peers have folded, where entries of it are missing asked for.
 */
import { bytesToHex } from '../core/bytes.ts';
import type { PeerKey, StoreWrite } from '../core/io.ts';
import type { Entitlement } from './entitlement.ts';
import type { LogEntry } from './entry-kind.ts';
import { adoptedSet } from './finality/adopted-set.ts';
import type { Finality } from './finality/finality.ts';
import type { FoldDecision } from './finality/round-votes.ts';
import type { ForgetfulPeers } from './join/forgetful-peers.ts';
import type { EffectSink } from './log-effect.ts';
import type { EntryFetch } from './repair/entry-fetch.ts';
import type { Replica } from './replica.ts';
import { logKey } from './store-keys.ts';

interface FoldingParts {
  readonly replica: Replica;
  readonly finality: Finality;
  readonly fetch: EntryFetch;
  readonly forgetful: ForgetfulPeers;
  readonly entitlement: Entitlement;
  readonly self: PeerKey;
  readonly windowRounds: number;
}

/** Where the node stands when rounds are folded. */
interface FoldingView {
  readonly slot: number;
  /** Those that count. */
  readonly peers: readonly PeerKey[];
  readonly isJoining: boolean;
  /** Not everybody's word counts. */
  readonly isFollowing: boolean;
}

export class Folding {
  readonly #parts: FoldingParts;

  constructor(parts: FoldingParts) {
    this.#parts = parts;
  }

  /** The newest round that may be folded in this slot. */
  lastFinal(slot: number): number {
    const { replica, windowRounds } = this.#parts;
    return replica.isComplete ? replica.base.round : slot - windowRounds;
  }

  /** Folds, passes over and adopts what can be now. */
  advance(out: EffectSink, { slot, peers, isJoining, isFollowing }: FoldingView): void {
    const { finality, forgetful, entitlement, self } = this.#parts;
    const view = {
      ...{ slot, isFollowing, lastFinal: this.lastFinal(slot) },
      // Who has forgotten the round has nothing to say of it.
      peers: new Set(peers.filter((peer) => !forgetful.has(peer))),
      weightOf: (peer: PeerKey) => entitlement.weightOf(peer),
      myWeight: isJoining ? 0 : entitlement.weightOf(self),
    };
    for (let next = finality.next(view); next; next = finality.next(view)) {
      if (next.kind === 'pass') {
        this.#pass(out, next.through);
        // As many as one input may take; the others wait for the next.
        if (next.isFull) return;
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
  #pass(out: EffectSink, through: number): void {
    const { replica, finality, fetch, forgetful } = this.#parts;
    const from = replica.base.round + 1;
    replica.passThrough(through);
    finality.folded(through, true);
    fetch.pruneThrough(through);
    forgetful.clear();
    out.push({ type: 'event', event: { kind: 'passed', from, through } });
  }

  #fold(out: EffectSink, round: number, byAgreement: boolean): void {
    const { replica, finality, fetch, forgetful } = this.#parts;
    const entries = replica.log.places(round).length;
    const writes = replica.foldNext();
    if (writes.length > 0) out.push({ type: 'persist', writes, durable: false });
    finality.folded(round, byAgreement);
    fetch.pruneThrough(round);
    forgetful.clear();
    const root = bytesToHex(replica.base.root);
    out.push({ type: 'event', event: { kind: 'finalised', round, entries, root } });
  }

  /** Makes our set of the round the one the peers folded; false while entries of it are still missing. */
  #adoptSet(out: EffectSink, round: number, decision: FoldDecision & { kind: 'adopt' }): boolean {
    const { replica, fetch } = this.#parts;
    const { absent, surplus } = adoptedSet(replica.log, round, decision.rows);
    for (const id of absent) for (const holder of decision.holders) fetch.want(id, round, holder);
    if (absent.length > 0) return false;
    for (const { key, kept } of surplus) {
      replica.remove(round, key);
      for (const entry of kept) replica.insert(entry);
    }
    leaveOut(
      out,
      surplus.flatMap(({ removed }) => removed),
    );
    return true;
  }
}

/** Tells of entries that the log holds no longer. */
export function leaveOut(out: EffectSink, entries: readonly LogEntry[]): void {
  if (entries.length === 0) return;
  const writes = entries.map((entry): StoreWrite => ({ key: logKey(entry), value: null }));
  out.push({ type: 'left-out', entries, writes });
}
