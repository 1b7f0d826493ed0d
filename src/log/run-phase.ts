import type { Phase } from '../core/io.ts';

/** Histories are compared at full pace for so long after the end: longer than anybody waits for another one. Guess. */
const restAfterWindows = 8;

export interface PhaseView {
  readonly slot: number;
  readonly windowRounds: number;
  readonly isJoining: boolean;
  /** All rounds of the run are folded. */
  readonly isComplete: boolean;
  /** Every connected peer holds our history. */
  readonly isAgreed: boolean;
  /** Another history is being looked into, or is still to be: one after the other, so that the last may come late. */
  readonly isDisputed: boolean;
  /** The run has all the rounds it asks for, as far as can be told. */
  readonly isSpent: boolean;
}

/**
 * Histories that are looked into at the end are waited for so many windows: a peer whose clock is wrong, or that lies, would keep all
 * others from their end with one that never comes. Where one comes in the end and stands higher, the run opens again. Guess.
 */
const pursuitWindows = 6;

/** Where a node stands in the life of a run. */
export class RunPhase {
  #phase: Phase = 'waiting';
  /** When the last round was folded for the last time. */
  #completeSlot: number | null = null;

  get now(): Phase {
    return this.#phase;
  }

  /** Finished for so long that whoever finished with us has too: nothing is to be expected but newcomers, who ask by themselves. */
  isAtRest(slot: number, windowRounds: number): boolean {
    return (
      this.#phase === 'finished' &&
      this.#completeSlot !== null &&
      slot > this.#completeSlot + restAfterWindows * windowRounds
    );
  }

  /** Whether the phase is another one now. */
  advance(view: PhaseView): boolean {
    const before = this.#phase;
    this.#phase = this.#next(view);
    return this.#phase !== before;
  }

  /** What had come to an end goes on: it is another history now. Returns whether the phase is another one now. */
  reopen(): boolean {
    this.#completeSlot = null;
    if (this.#phase !== 'finished') return false;
    this.#phase = 'draining';
    return true;
  }

  #next(view: PhaseView): Phase {
    const { slot, windowRounds, isJoining, isComplete, isAgreed, isDisputed, isSpent } = view;
    if (isJoining || !isComplete) this.#completeSlot = null;
    else this.#completeSlot ??= slot;
    if (isJoining) return 'joining';
    if (this.#completeSlot === null) return isSpent ? 'draining' : 'training';
    // The last round is folded: wait until peers confirm the whole history, but not for ever.
    const waited = slot - this.#completeSlot;
    if (this.#phase === 'finished') return 'finished';
    if (isDisputed) return waited >= pursuitWindows * windowRounds ? 'finished' : 'draining';
    return isAgreed || waited >= 2 * windowRounds ? 'finished' : 'draining';
  }
}
