/** What protects the examples of virtual peers, as a ledger would have it for each: the same noise, and the same end. */

import { ConfigError } from '../src/config/config-error.ts';
import type { PrivacyOfTraining } from '../src/learning/learner.ts';
import { BudgetSpentError, budgetSpent } from '../src/learning/private/privacy-ledger.ts';
import { epsilonOfSteps, noiseFor } from '../src/math/renyi-accountant.ts';
import type { RunSpec } from '../src/run/run-spec.ts';

interface Share extends PrivacyOfTraining {
  readonly stepsMax: number;
  steps: number;
}

export class PrivateTraining {
  readonly #shares: Share[];

  /** Null where the run demands nothing. `rates`: of each training share. @throws ConfigError where it cannot be */
  static of({ training, rounds }: RunSpec, rates: readonly number[] | undefined): PrivateTraining | null {
    const { privacy, localSteps } = training;
    if (privacy === undefined) return null;
    if (rates === undefined) {
      throw new ConfigError(
        'BAD_CONFIG',
        'training.privacy is for learner.id tfjs: functions of known optimum have no examples',
      );
    }
    const planned = rounds * localSteps;
    const shareOf = (rate: number): Share => {
      const noiseMultiplier = privacy.noiseMultiplier ?? noiseFor(privacy, rate, planned);
      if (noiseMultiplier === null) {
        throw new ConfigError(
          'BAD_CONFIG',
          'training.privacy.epsilon: no noise keeps to it over so many steps',
        );
      }
      const covers = (steps: number): boolean =>
        epsilonOfSteps({ rate, noiseMultiplier }, steps, privacy.delta) <= privacy.epsilon;
      let [low, high] = [0, 1];
      while (covers(high) && high < 2 ** 40) high *= 2;
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2);
        if (covers(middle)) low = middle;
        else high = middle;
      }
      return { clipNorm: privacy.clipNorm, noiseMultiplier, stepsMax: low, steps: 0 };
    };
    const known = new Map<number, Share>();
    return new PrivateTraining(
      rates.map((rate) => {
        const share = known.get(rate) ?? shareOf(rate);
        known.set(rate, share);
        return { ...share };
      }),
    );
  }

  private constructor(shares: Share[]) {
    this.#shares = shares;
  }

  /** How to train so many steps on a share, which are paid for. @throws BudgetSpentError */
  charge(share: number, steps: number): PrivacyOfTraining {
    const own = this.#shares[share]!;
    if (own.steps + steps > own.stepsMax) throw new BudgetSpentError(budgetSpent);
    own.steps += steps;
    return { clipNorm: own.clipNorm, noiseMultiplier: own.noiseMultiplier };
  }

  /** So many steps that were paid for are not made. */
  giveBack(share: number, steps: number): void {
    this.#shares[share]!.steps -= steps;
  }
}
