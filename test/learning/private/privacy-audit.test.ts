import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { audited } from './privacy-audit.ts';

const trainings = 1000;
const told = (what: string, { epsilon, atLeast }: { epsilon: number; atLeast: number }): string =>
  `${what}: epsilon ${epsilon.toFixed(2)} by the accountant, at least ${atLeast.toFixed(2)} by guesses`;

describe('an audit by who sees the model and knows all examples but one', () => {
  for (const [what, settings] of [
    ['one step with all examples', { examples: 4, batchSize: 4, steps: 1, noiseMultiplier: 1 }],
    ['four steps with half of them', { examples: 8, batchSize: 4, steps: 4, noiseMultiplier: 0.7 }],
  ] as const) {
    test(`proves no more than the accountant says, and something: ${what}`, async (context) => {
      const audit = await audited(settings, trainings);
      context.diagnostic(told(what, audit));
      assert.ok(audit.atLeast <= audit.epsilon, told(what, audit));
      // An attack that finds nothing would prove nothing of the noise either.
      assert.ok(audit.atLeast > 0.3, told(what, audit));
    });
  }

  test('convicts a training with a fifth of the noise that it is charged for', async (context) => {
    const settings = { examples: 4, batchSize: 4, steps: 1, noiseMultiplier: 0.4, claimed: 2 };
    const audit = await audited(settings, trainings);
    context.diagnostic(told('a fifth of the noise', audit));
    assert.ok(audit.atLeast > audit.epsilon, told('a fifth of the noise', audit));
  });
});
