import type { Phase } from '../core/io.ts';

export interface PhaseView {
  readonly slot: number;
  readonly windowRounds: number;
  readonly isJoining: boolean;
  /** All rounds of the run are folded. */
  readonly isComplete: boolean;
  /** Every connected peer holds our history. */
  readonly isAgreed: boolean;
  /** The run has all the rounds it asks for, as far as can be told. */
  readonly isSpent: boolean;
}

/** Where a node stands in the life of a run. */
export class RunPhase {
  #phase: Phase = 'waiting';
  /** When the last round was folded for the last time. */
  #completeSlot: number | null = null;

  get now(): Phase {
    return this.#phase;
  }

  /** Whether the phase is another one now. */
  advance(view: PhaseView): boolean {
    const before = this.#phase;
    this.#phase = this.#next(view);
    return this.#phase !== before;
  }

  #next({ slot, windowRounds, isJoining, isComplete, isAgreed, isSpent }: PhaseView): Phase {
    if (isJoining || !isComplete) this.#completeSlot = null;
    else this.#completeSlot ??= slot;
    if (isJoining) return 'joining';
    if (this.#completeSlot === null) return isSpent ? 'draining' : 'training';
    // The last round is folded: wait until peers confirm the whole history, but not for ever.
    const isWaitOver = slot >= this.#completeSlot + 2 * windowRounds;
    return this.#phase === 'finished' || isAgreed || isWaitOver ? 'finished' : 'draining';
  }
}
