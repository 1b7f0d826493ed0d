/**
 * A look into another history beside the one in which we stand: brings a second replica to the present along its holders' sets, and
 * says whether it stands higher. Nothing of ours changes by it, and nothing of it leaves the node but requests.
 */
import { equals } from 'uint8arrays';
import type { PeerKey } from '../core/io.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Entitlement } from './entitlement.ts';
import type { Fork } from './finality/fork-watch.ts';
import {
  commonRound,
  latestWords,
  type Support,
  standsHigher,
  supportOf,
  supportOfState,
  type Word,
} from './finality/order.ts';
import type { History } from './history.ts';
import type { EffectSink } from './log-effect.ts';
import type { Replica } from './replica.ts';

/** Words count from so many windows before the present, or the end of the run. Guess. */
const wordWindows = 2;

/** In so many ticks a holder must have agreed with what we have folded. Guess. */
const confirmTicks = 20;

export type PursuitOutcome =
  | 'under-way'
  | 'higher'
  /** It does not stand higher than ours, or could not be shown. */
  | 'vain'
  /** It parted from ours before the state that we began with. */
  | 'deeper'
  /** Its holders are gone, or have come over. */
  | 'moot';

export interface PursuitOptions {
  readonly fork: Fork;
  readonly history: History;
  /** Last round that it has from us; null where it has nothing: its holders' log from the start, or where that is gone a snapshot. */
  readonly branchedAt: number | null;
  readonly entitlement: Entitlement;
  /** A state that we have not folded takes more than half of so much at least; 0: of those who have spoken. */
  readonly known: number;
}

export class Pursuit {
  readonly fork: Fork;
  readonly history: History;
  readonly branchedAt: number | null;
  readonly #entitlement: Entitlement;
  readonly #known: number;
  /** Since it has reached the present. */
  #ticksThere: number | null = null;

  constructor({ fork, history, branchedAt, entitlement, known }: PursuitOptions) {
    this.#known = known;
    this.fork = fork;
    this.history = history;
    this.branchedAt = branchedAt;
    this.#entitlement = entitlement;
    history.catchUp.replay();
  }

  /** Performs something on its history and lets out of it what concerns others: requests, and what peers did wrong. */
  through<Result>(out: EffectSink, act: (history: History, effects: EffectSink) => Result): Result {
    return act(this.history, {
      push: (effect) => {
        const isRefusal = effect.type === 'event' && effect.event.kind === 'refused';
        if (isRefusal || effect.type === 'request' || effect.type === 'blame') out.push(effect);
      },
    });
  }

  /** One tick. `ours`: the history in which we stand. */
  tick(
    out: EffectSink,
    nowMs: number,
    ours: History,
    connected: ReadonlySet<PeerKey>,
    checkpoint: Checkpoint | null,
  ): PursuitOutcome {
    const { history, fork } = this;
    if (!fork.holders.some((peer) => connected.has(peer))) return 'moot';
    const slot = history.clock.slotAt(nowMs);
    const reached = this.through(out, (one, effects) => one.tick(effects, slot));
    if (reached === 'gave-up-leaders') return 'vain';
    if (history.watch.hasParted) return this.#whyParted();
    if (reached) this.#ticksThere = 0;
    if (this.#ticksThere === null) return 'under-way';
    this.#ticksThere += 1;
    // What we brought to the present must be what they hold, and not what we make of it.
    const confirmed = Math.min(fork.round, history.replica.base.round);
    if (history.watch.agreeing(confirmed) === 0)
      return this.#ticksThere > confirmTicks ? 'vain' : 'under-way';
    // What was before a state that one of the two began with decides with: it is asked for meanwhile.
    if ((ours.isTracing || history.isTracing) && this.#ticksThere <= confirmTicks) return 'under-way';
    return this.#judge(ours, slot, checkpoint);
  }

  /** A holder has shown another history than the one we bring to the present. */
  #whyParted(): PursuitOutcome {
    const { history, branchedAt } = this;
    if (history.watch.agreeing(branchedAt ?? this.fork.round) > 0) return 'moot';
    return branchedAt !== null && branchedAt >= 0 ? 'deeper' : 'vain';
  }

  #judge(ours: History, slot: number, checkpoint: Checkpoint | null): PursuitOutcome {
    const { replica } = this.history;
    const mine = ours.replica;
    const round = commonRound(mine, replica);
    const [here, there] = [mine.markAt(round), replica.markAt(round)];
    if (here && there && equals(here.root, there.root)) return 'moot';
    const passed = checkpoint && replica.markAt(checkpoint.round);
    if (passed && !equals(passed.root, checkpoint.root)) return 'vain';
    const words = this.#wordsOf(mine, slot, ours.windowRounds);
    const entitlement = this.#entitlement;
    if (this.history.catchUp.startedFromSnapshot) {
      // What peers hold now is newer than what they signed last, and at the end of a run nobody signs any more.
      const told = ours.watch.toldSince(slot - wordWindows * ours.windowRounds);
      const latest = new Map([...words, ...told]);
      const byOurs = supportOfState(latest, mine, replica, (peer) => entitlement.weightOf(peer));
      if (!this.#isCredible(byOurs, mine.isComplete)) return 'vain';
    }
    const support = supportOf(words, mine, replica, (peer) => entitlement.weightInBoth(peer, replica.base));
    return standsHigher(replica, mine, support) ? 'higher' : 'vain';
  }

  /** Late words in either history; where both are over, those of final rounds, which are the same at all who hold both. */
  #wordsOf(mine: Replica, slot: number, windowRounds: number): Map<PeerKey, Word> {
    const { replica, catchUp } = this.history;
    const ends = [mine, replica].filter(({ isComplete }) => isComplete).map(({ base }) => base.round);
    const lastRound = Math.min(slot, ...ends);
    const late = [...mine.log.entries(), ...replica.log.entries(), ...catchUp.witnesses].filter(
      ({ round }) => round <= lastRound,
    );
    return latestWords(late, lastRound - wordWindows * windowRounds);
  }

  /**
   * Its holders gave us a state, and what it says of its past is their word. Where we hold a state from before the parting they could
   * have let us fold it, and more than half must stand in it; where we do not, or nobody signs any more, no more than half may stand
   * in ours. What is signed for a round before their state stands in ours.
   */
  #isCredible({ ours, theirs, all }: Support, isOver: boolean): boolean {
    if (this.#known > 0) return 2 * theirs > Math.max(all, this.#known);
    return this.branchedAt === null || isOver ? theirs > 0 && 2 * ours <= all : 2 * theirs > all;
  }
}
