/** What a directory says of the privacy that its examples have spent. */
import {
  type BudgetState,
  PrivacyLedger,
  type PrivacyLedgerData,
  type PrivacyState,
} from '../learning/private/privacy-ledger.ts';
import { epsilonOf } from '../math/renyi-accountant.ts';
import { keptPrivacyFile } from './privacy-file.ts';

export interface PrivacyReport {
  /** Of the node over all its runs; null where it has no budget of its own. */
  readonly node: BudgetState | null;
  /** Over all runs, at the delta of the budget, or at 1e-5 where there is none. */
  readonly spent: { readonly epsilon: number; readonly delta: number };
  /** Budgets that were replaced, oldest first. */
  readonly earlierBudgets: PrivacyLedgerData['earlierBudgets'];
  readonly runs: readonly (PrivacyState & { readonly runId: string; readonly name: string })[];
  readonly assumptions: readonly string[];
}

const usualDelta = 1e-5;

/** What the figures rest on; each of these, where it does not hold, makes them worth less. */
const assumptions = [
  'the unit is one example as the task reads it: one row, one image, of a text one window of its context; a person with k of them is protected k times less (epsilon about k times as much)',
  'neighbours differ by one example more or less; how many examples there are (the sampling rate) is taken to be public',
  'each step draws each example independently with the sampling rate, clips what it adds, and adds Gaussian noise in double precision from the cryptographic generator of the system',
  'who reads along sees every vector that this node publishes and knows everything else: no privacy is counted for committees being drawn, for aggregation, or for compression',
  'losses and accuracies that this node shows to its owner (status, page, figures, log) are not protected: they do not leave it unless the owner passes them on',
  'the moments of features, the vocabulary and the like that stand in the manifest were public before the run, and so were the choices of settings by looking at earlier results',
  'the same examples are not trained on by another node, or with another directory or key: only this directory counts',
] as const;

/** @throws what `keptPrivacyFile` throws */
export async function privacyReport(directory: string): Promise<PrivacyReport> {
  const data = await keptPrivacyFile(directory);
  const ledger = new PrivacyLedger(data, () => Promise.resolve());
  const losses = ledger.losses(null);
  const { budget } = data;
  const delta = budget?.delta ?? usualDelta;
  const spent = { epsilon: epsilonOf(losses, delta), delta };
  return {
    node: budget && { of: 'node', epsilon: budget.epsilon, delta, spent: spent.epsilon },
    spent,
    earlierBudgets: data.earlierBudgets,
    runs: Object.entries(data.runs).map(([runId, { name }]) => ({
      ...{ runId, name },
      ...ledger.account(runId).state(),
    })),
    assumptions,
  };
}
