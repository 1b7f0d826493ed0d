/** The one local training that may be under way: which round it is for, where it started, what it missed. */
import type { Input, Output, StoreWrite, TrainedRound } from '../core/io.ts';
import type { RunFrame } from '../core/run-frame.ts';
import { median } from '../math/statistics.ts';

/** A loss this many times the best one, plus one, is reported as divergence. Guess. */
const divergenceFactor = 3;

/**
 * Trainings whose median speed tells how many steps fit, so that one or two say nothing: the first of a process, and those that an
 * evaluation held up. Guess.
 */
const speedsKept = 5;

/** Who begins late may train on into what is for gossip, up to this part of the slot: half of it. Guess. */
const lastShare = (slotShare: number): number => (1 + slotShare) / 2;

/** Milliseconds per step as of the last training, float64, little endian: who comes back in the middle of a slot knows what fits into the rest. */
const SPEED_KEY = 'self/speed';

type State =
  | { readonly kind: 'idle' }
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
  /** The node stops: nothing begins any more. */
  #isLeaving = false;
  #lastRound = -1;
  /** Milliseconds per step of the last trainings, oldest first. */
  #speeds: readonly number[] = [];
  #bestLoss = Number.POSITIVE_INFINITY;
  #lastTrained: TrainedRound | null = null;

  constructor({ localSteps, slotShare }: RunFrame['training']) {
    this.#stepsMax = localSteps;
    this.#slotShare = slotShare;
  }

  get lastTrained(): TrainedRound | null {
    return this.#lastTrained;
  }

  /** Of a node that trained before. */
  restore(stored: readonly (readonly [string, Uint8Array])[]): void {
    for (const [key, value] of stored) {
      if (key !== SPEED_KEY || value.length !== 8) continue;
      const msPerStep = new DataView(value.buffer, value.byteOffset).getFloat64(0, true);
      if (Number.isFinite(msPerStep) && msPerStep > 0) this.#speeds = [msPerStep];
    }
  }

  /** What a restart must find. */
  writes(): StoreWrite[] {
    if (this.#speeds.length === 0) return [];
    const value = new Uint8Array(8);
    new DataView(value.buffer).setFloat64(0, median(this.#speeds), true);
    return [{ key: SPEED_KEY, value }];
  }

  mayStart(round: number): boolean {
    return !this.#isLeaving && this.#state.kind === 'idle' && round > this.#lastRound;
  }

  /**
   * Returns the number of local steps: the run's H, fewer on a machine too slow for it, and for who comes late in the slot.
   * @param sinceMs since when the slot lasts, where what is left of it counts
   */
  start(round: number, start: Float32Array, nowMs: number, slotMs: number, sinceMs = nowMs): number {
    const leftMs = lastShare(this.#slotShare) * slotMs - (nowMs - sinceMs);
    const timeMs = Math.min(this.#slotShare * slotMs, leftMs);
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
    return this.#state.kind === 'busy' ? this.#state.round : null;
  }

  /** @param made steps that the learner says it made, where that was not all */
  finish(round: number, nowMs: number, made?: number): Finished | null {
    const state = this.#state;
    if (state.kind !== 'busy' || state.round !== round) return null;
    this.#state = { kind: 'idle' };
    const steps = Math.max(1, Math.min(state.steps, made ?? state.steps));
    this.#speeds = [...this.#speeds.slice(1 - speedsKept), (nowMs - state.startedMs) / steps];
    return { start: state.start, misses: state.misses, steps, isCut: steps < state.steps };
  }

  failed(out: Output[], { round, reason }: Input & { type: 'training-failed' }): void {
    if (this.#state.kind === 'busy' && this.#state.round === round) this.#state = { kind: 'idle' };
    out.push({ type: 'event', event: { kind: 'skipped', round, reason } });
  }

  noteLoss(out: Output[], round: number, loss: number): void {
    this.#lastTrained = { round, loss };
    if (loss > divergenceFactor * this.#bestLoss + 1) {
      out.push({ type: 'event', event: { kind: 'diverging', round, loss, best: this.#bestLoss } });
    }
    this.#bestLoss = Math.min(this.#bestLoss, loss);
  }
}
