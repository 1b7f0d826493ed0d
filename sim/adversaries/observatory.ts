/**
 * What attackers who see everything know: mean and spread of the honest updates and models of a round, as far as
 * trainings have ended. The literature's attacks assume it; a real attacker sees less.
 */

import type { TrainResult } from '../../src/learning/learner.ts';
import type { Honest } from '../../src/methods/attacks/attack.ts';

interface Sums {
  readonly round: number;
  count: number;
  readonly mean: Float64Array;
  readonly squares: Float64Array;
  readonly models: Float64Array;
}

/** Rounds looked back on. */
const roundsKept = 2;

export class Observatory {
  readonly #size: number;
  readonly #rounds: Sums[] = [];
  /** End minus start. */
  #newest: Float32Array | null = null;

  constructor(size: number) {
    this.#size = size;
  }

  note(round: number, start: Float32Array, { parameters }: TrainResult): void {
    let sums = this.#rounds.find((known) => known.round === round);
    if (!sums) {
      const zeros = () => new Float64Array(this.#size);
      sums = { round, count: 0, mean: zeros(), squares: zeros(), models: zeros() };
      this.#rounds.push(sums);
      if (this.#rounds.length > roundsKept) this.#rounds.shift();
    }
    sums.count++;
    const newest = new Float32Array(this.#size);
    for (let i = 0; i < this.#size; i++) {
      const update = parameters[i]! - start[i]!;
      newest[i] = update;
      // Welford's recurrence.
      const before = update - sums.mean[i]!;
      sums.mean[i]! += before / sums.count;
      sums.squares[i]! += before * (update - sums.mean[i]!);
      sums.models[i]! += (parameters[i]! - sums.models[i]!) / sums.count;
    }
    this.#newest = newest;
  }

  /** The newest round of which something is known; null before the first honest training. */
  latest(): Honest | null {
    const sums = this.#rounds.at(-1);
    if (!sums || !this.#newest) return null;
    const { count, mean, squares, models } = sums;
    return {
      updateMean: mean,
      updateVariance: squares.map((square) => square / count),
      modelMean: models,
      newest: this.#newest,
    };
  }
}
