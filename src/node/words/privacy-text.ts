/** What is said of privacy to people, in the same words everywhere. */
import type { BudgetState, PrivacyState } from '../../learning/private/privacy-ledger.ts';

/** The one that is nearest to its end. */
function tightest(budgets: readonly BudgetState[]): BudgetState {
  return budgets.reduce((a, b) => (b.spent / b.epsilon > a.spent / a.epsilon ? b : a));
}

export function spentText(budgets: readonly BudgetState[]): string {
  const { of, epsilon, delta, spent } = tightest(budgets);
  return (
    `private: the privacy budget of the ${of} is spent (epsilon ${spent.toFixed(2)} of ${epsilon} at delta ${delta}, and another round would go ` +
    'beyond): this node trains and publishes nothing more, and what it published stays in the model'
  );
}

/** `noise 1.10, each example clipped to 1; epsilon 0.42 of 3 at delta 0.00001 spent` */
export function privacyText({ noiseMultiplier, clipNorm, budgets }: Omit<PrivacyState, 'rate'>): string {
  const { of, epsilon, delta, spent } = tightest(budgets);
  return (
    `noise ${noiseMultiplier}, each example clipped to ${clipNorm}; of the ${of}'s budget, epsilon ${epsilon} at delta ${delta}, ` +
    `${spent.toFixed(2)} is spent`
  );
}
