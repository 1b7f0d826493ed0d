import type { PrivacyReport } from '../../daemon/privacy-report.ts';
import type { BudgetState } from '../../learning/private/privacy-ledger.ts';

const figure = (epsilon: number): string => (Number.isFinite(epsilon) ? epsilon.toFixed(3) : 'without bound');

function budgetText({ epsilon, delta, spent }: BudgetState): string {
  const left = Math.max(0, epsilon - spent);
  return `epsilon ${figure(spent)} of ${epsilon} spent, ${figure(left)} left, at delta ${delta}`;
}

/** A report as people read it. */
export function privacyLines({ node, spent, earlierBudgets, runs, assumptions }: PrivacyReport): string[] {
  const all = `epsilon ${figure(spent.epsilon)} spent at delta ${spent.delta}; this node has no budget over all runs`;
  return [
    `node      ${node ? budgetText(node) : all}`,
    ...(earlierBudgets.length > 0
      ? [
          `          its budget was changed ${earlierBudgets.length} times: what it was before is no promise any more`,
        ]
      : []),
    ...runs.flatMap((run) => [
      `run       ${run.name} (${run.runId.slice(0, 12)}): ${run.steps} steps at noise ${run.noiseMultiplier}, rate ${run.rate.toPrecision(3)}, clipped to ${run.clipNorm}`,
      ...run.budgets.map((budget) => `          by the ${budget.of}'s budget: ${budgetText(budget)}`),
      ...(run.assumedSteps > 0
        ? [
            `          ${run.assumedSteps} of the steps were done by a copy of this directory, as the log of the run shows`,
          ]
        : []),
      ...(run.isSpent ? ['          spent: nothing more is trained or published'] : []),
    ]),
    'These figures hold if:',
    ...assumptions.map((assumption) => `- ${assumption}`),
  ];
}
