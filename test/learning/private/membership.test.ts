/** What privacy is for: who reads a model cannot tell whose example was trained on (Yeom et al. 2018: by the loss; Carlini et al. 2022: by shadows). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { initialVector } from '../../../src/learning/initial.ts';
import { createTfjsLearner } from '../../../src/learning/tfjs/tfjs-learner.ts';
import { noiseFor } from '../../../src/math/renyi-accountant.ts';
import { rngFor } from '../../../src/math/rng.ts';
import { LabelledRows } from '../../../src/tasks/datasets/labelled-rows.ts';
import { modelSchema } from '../../../src/tasks/models/registry.ts';
import { smallTraining } from '../small-data.ts';

const features = 30;
const examples = 400;
const steps = 700;
const model = modelSchema.parse({ kind: 'mlp', inputs: features, hidden: [64], outputs: 2 });

/** Labels that follow the first feature seven times out of ten: what is learned beyond that is learned by heart. */
const rng = rngFor('membership');
const inputs = new Float32Array(2 * examples * features);
rng.fillUniform(inputs, -1, 1);
const labels = Int32Array.from({ length: 2 * examples }, (_, row) => {
  const isRight = rng.float() < 0.7;
  return inputs[row * features]! > 0 === isRight ? 1 : 0;
});

function rowsOf(numbers: readonly number[]): LabelledRows {
  const part = new Float32Array(numbers.length * features);
  numbers.forEach((row, at) => {
    part.set(inputs.subarray(row * features, (row + 1) * features), at * features);
  });
  const own = Int32Array.from(numbers, (row) => labels[row]!);
  return new LabelledRows({ features, inputs: part, scale: 1, labels: own });
}

type Protection = { readonly epsilon: number; readonly delta: number } | null;

/** Loss of every example under a model that was trained on these. */
async function lossesOf(members: readonly number[], protection: Protection, seed: number): Promise<number[]> {
  const batchSize = 50;
  const learner = await createTfjsLearner({
    ...{ model, training: { ...smallTraining, batchSize, learningRate: 0.4 }, rounds: 1, backend: 'wasm' },
    shares: [rowsOf(members), ...Array.from({ length: 2 * examples }, (_, row) => rowsOf([row]))],
    heldOut: rowsOf([0]),
    privateChance: 'named',
  });
  const noiseMultiplier = protection && noiseFor(protection, learner.samplingRates![0]!, steps);
  const { parameters } = await learner.train({
    ...{ parameters: initialVector(model, seed), steps, round: 0, streamKey: `membership/${seed}`, share: 0 },
    privacy: noiseMultiplier === null ? undefined : { clipNorm: 1, noiseMultiplier },
  });
  const losses: number[] = [];
  for (let row = 0; row < 2 * examples; row++) {
    losses.push((await learner.score([parameters], row + 1))[0]!);
  }
  await learner.close();
  return losses;
}

/** Probability that a member is ranked above another: by pairs. */
function aucOf(scores: readonly number[], isMember: readonly boolean[]): number {
  const order = scores
    .map((score, at) => ({ score, member: isMember[at]! }))
    .sort((a, b) => a.score - b.score);
  let [others, pairs] = [0, 0];
  for (const { member } of order) {
    if (member) pairs += others;
    else others += 1;
  }
  return pairs / (others * (order.length - others));
}

const half = (seed: number): boolean[] => {
  const chosen = rngFor(`membership/half/${seed}`);
  return Array.from({ length: 2 * examples }, () => chosen.float() < 0.5);
};
const numbersOf = (isIn: readonly boolean[]): number[] => isIn.flatMap((yes, row) => (yes ? [row] : []));

/** How far the target's loss lies on the side of models that had the example: a likelihood ratio of normals (LiRA). */
function likelihoodRatios(
  target: readonly number[],
  shadows: readonly { losses: number[]; isIn: boolean[] }[],
): number[] {
  const logit = (loss: number): number => {
    const p = Math.min(1 - 1e-6, Math.max(1e-6, Math.exp(-loss)));
    return Math.log(p / (1 - p));
  };
  return target.map((loss, row) => {
    const density = (isIn: boolean): number => {
      const seen = shadows.flatMap((one) => (one.isIn[row] === isIn ? [logit(one.losses[row]!)] : []));
      const mean = seen.reduce((sum, x) => sum + x, 0) / Math.max(1, seen.length);
      const variance = seen.reduce((sum, x) => sum + (x - mean) ** 2, 0) / Math.max(1, seen.length) + 0.1;
      return -0.5 * Math.log(variance) - (logit(loss) - mean) ** 2 / (2 * variance);
    };
    return density(true) - density(false);
  });
}

describe('membership inference on a run that learns by heart', () => {
  for (const [name, protection, holds] of [
    ['without privacy an AUC above .7', null, (auc: number) => auc > 0.7],
    ['at epsilon 3 an AUC of .55 at most', { epsilon: 3, delta: 1e-5 }, (auc: number) => auc <= 0.55],
  ] as const) {
    test(`${name}, by losses and with 16 shadows`, async (context) => {
      const isIn = half(0);
      const target = await lossesOf(numbersOf(isIn), protection, 100);
      const shadows: { losses: number[]; isIn: boolean[] }[] = [];
      for (let shadow = 1; shadow <= 16; shadow++) {
        const own = half(shadow);
        shadows.push({ losses: await lossesOf(numbersOf(own), protection, 100 + shadow), isIn: own });
      }
      // One model says little of so few examples: all seventeen are attacked.
      const attacked = [{ losses: target, isIn }, ...shadows].map((one) =>
        aucOf(
          one.losses.map((loss) => -loss),
          one.isIn,
        ),
      );
      const byLoss = attacked.reduce((sum, auc) => sum + auc, 0) / attacked.length;
      const byShadows = aucOf(likelihoodRatios(target, shadows), isIn);
      context.diagnostic(`AUC by losses ${byLoss.toFixed(3)}, with shadows ${byShadows.toFixed(3)}`);
      assert.ok(holds(byLoss), `${byLoss}`);
      assert.ok(holds(byShadows), `${byShadows}`);
    });
  }
});
