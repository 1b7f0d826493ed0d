/** The one local training that may be under way: which round it is for, where it started, what it missed. */
import type { Input, Output } from '../core/io.ts';
import type { RunFrame } from '../core/run-frame.ts';
import { median } from '../math/statistics.ts';

/** A loss this many times the best one, plus one, is reported as divergence. Guess. */
const divergenceFactor = 3;

/**
 * Trainings whose median speed tells how many steps fit, so that one or two say nothing: the first of a process, and those that an
 * evaluation held up. Guess.
 */
const speedsKept = 5;

type State =
  | { readonly kind: 'idle' }
  /** The node stops: nothing begins any more. */
  | { readonly kind: 'over' }
  | {
      readonly kind: 'busy';
      readonly round: number;
      readonly start: Float32Array;
      readonly startedMs: number;
      readonly steps: number;
      misses: number;
    };

export interface Finished {
  readonly start: Float32Array;
  readonly misses: number;
  readonly steps: number;
  /** It ended before the steps that it was to make. */
  readonly isCut: boolean;
}

export class LocalTraining {
  readonly #stepsMax: number;
  /** What training may take of a slot, in [0, 1]. */
  readonly #slotShare: number;
  #state: State = { kind: 'idle' };
  #isLeaving = false;
  #lastRound = -1;
  /** Milliseconds per step of the last trainings, oldest first. */
  #speeds: readonly number[] = [];
  #bestLoss = Number.POSITIVE_INFINITY;
  #lastLoss: number | null = null;

  constructor({ localSteps, slotShare }: RunFrame['training']) {
    this.#stepsMax = localSteps;
    this.#slotShare = slotShare;
  }

  get lastLoss(): number | null {
    return this.#lastLoss;
  }

  mayStart(round: number): boolean {
    return this.#state.kind === 'idle' && round > this.#lastRound;
  }

  /** Returns the number of local steps: the run's H, fewer on a machine too slow for it. */
  start(round: number, start: Float32Array, nowMs: number, slotMs: number): number {
    const timeMs = this.#slotShare * slotMs;
    const affordable = this.#speeds.length > 0 ? Math.floor(timeMs / median(this.#speeds)) : this.#stepsMax;
    const steps = Math.max(1, Math.min(this.#stepsMax, affordable));
    this.#state = { kind: 'busy', round, start, startedMs: nowMs, steps, misses: 0 };
    this.#lastRound = round;
    return steps;
  }

  /** A delta of `round` arrived: too late for the training under way if it is of an earlier one. */
  noteArrival(round: number): void {
    if (this.#state.kind === 'busy' && round < this.#state.round) this.#state.misses += 1;
  }

  /** The node is about to stop. Returns the round whose training is to be cut, null for none; after it nothing begins. */
  leave(): number | null {
    this.#isLeaving = true;
    if (this.#state.kind === 'busy') return this.#state.round;
    this.#state = { kind: 'over' };
    return null;
  }

  /** @param made steps that the learner says it made, where that was not all */
  finish(round: number, nowMs: number, made?: number): Finished | null {
    const state = this.#state;
    if (state.kind !== 'busy' || state.round !== round) return null;
    this.#state = { kind: this.#isLeaving ? 'over' : 'idle' };
    const steps = Math.max(1, Math.min(state.steps, made ?? state.steps));
    this.#speeds = [...this.#speeds.slice(1 - speedsKept), (nowMs - state.startedMs) / steps];
    return { start: state.start, misses: state.misses, steps, isCut: steps < state.steps };
  }

  failed(out: Output[], { round, reason }: Input & { type: 'training-failed' }): void {
    if (this.#state.kind === 'busy' && this.#state.round === round)
      this.#state = { kind: this.#isLeaving ? 'over' : 'idle' };
    out.push({ type: 'event', event: { kind: 'skipped', round, reason } });
  }

  noteLoss(out: Output[], round: number, loss: number): void {
    this.#lastLoss = loss;
    if (loss > divergenceFactor * this.#bestLoss + 1) {
      out.push({ type: 'event', event: { kind: 'diverging', round, loss, best: this.#bestLoss } });
    }
    this.#bestLoss = Math.min(this.#bestLoss, loss);
  }
}
