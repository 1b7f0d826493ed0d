/** The chance in DP-SGD: who takes part in a step, and the noise on the sum of clipped gradients. */

import type { NormalNoise } from '../../math/normal-noise.ts';
import type { Dataset } from '../../tasks/datasets/dataset.ts';
import type { PrivacyOfTraining } from '../learner.ts';
import { poissonSample, samplingRate } from './poisson-sample.ts';
import type { SecretStream } from './secret-stream.ts';

/** Numbers of floats that gradients of single examples may take at once. */
const gradientFloatsMax = 2 ** 24;

/** How many examples are gone through at once, of a model with so many parameters. */
export function examplesAtOnce(parameters: number): number {
  return Math.max(1, Math.floor(gradientFloatsMax / parameters));
}

/** Examples of which no two hold the same datum: of a text, windows that do not overlap. */
export function separateExamples({ examples, sharedBy = 1 }: Dataset): number {
  return Math.ceil(examples / sharedBy);
}

export function rateOf(share: Dataset, batchSize: number): number {
  return samplingRate(batchSize, separateExamples(share));
}

/** Numbers of the examples of one step. */
export function drawPrivately(share: Dataset, batchSize: number, stream: SecretStream): number[] {
  const { sharedBy = 1 } = share;
  const drawn = poissonSample(stream, separateExamples(share), rateOf(share, batchSize));
  return drawn.map((example) => example * sharedBy);
}

/**
 * What a step descends along is a sum of clipped gradients with this on it: noise of deviation noiseMultiplier times clipNorm, and all of it
 * divided by the number of examples that a step has on average, whatever it has this time.
 */
export function noiseOf(
  { clipNorm, noiseMultiplier }: PrivacyOfTraining,
  examplesOnAverage: number,
  random: SecretStream,
): NormalNoise {
  return { deviation: noiseMultiplier * clipNorm, factor: 1 / examplesOnAverage, random };
}
