/** What examples have paid with: by steps that were made. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BudgetSpentError,
  emptyLedger,
  PrivacyLedger,
  type PrivacyLedgerData,
} from '../../../src/learning/private/privacy-ledger.ts';
import { epsilonOfSteps } from '../../../src/math/renyi-accountant.ts';
import { privacySchema } from '../../../src/run/privacy-spec.ts';

const demand = privacySchema.parse({ epsilon: 8, delta: 1e-5, clipNorm: 1 });
const run = { runId: 'run', name: 'run', demand, rounds: 10, localSteps: 20, rate: 0.1, isBack: false };

test('steps that a cut training did not make are paid for no more, and can be made later', async () => {
  const kept: PrivacyLedgerData[] = [];
  const ledger = new PrivacyLedger(emptyLedger, async (data) => void kept.push(data));
  const account = (await ledger.open(run))!;
  const { noiseMultiplier } = await account.charge(0, 20);
  await account.giveBack(13);
  const { steps, budgets } = account.state();
  assert.equal(steps, 7);
  assert.equal(budgets[0]!.spent, epsilonOfSteps({ rate: 0.1, noiseMultiplier }, 7, 1e-5));
  assert.equal(kept.at(-1)!.runs['run']!.spent[0]!.steps, 7);
  await account.charge(1, 193);
  await assert.rejects(account.charge(2, 20), BudgetSpentError);
});
