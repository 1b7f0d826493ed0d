import type { SecretStream } from './secret-stream.ts';

const two32 = 2 ** 32;

/** The probability with which each of so many examples takes part in a step, for so many on average: a multiple of 2^-32. */
export function samplingRate(batchSize: number, examples: number): number {
  return Math.min(1, Math.ceil((batchSize / examples) * two32) / two32);
}

/** Numbers of the examples that take part: each with this probability, independently of all others, so that their number varies. */
export function poissonSample(stream: SecretStream, examples: number, rate: number): number[] {
  const below = rate * two32;
  const sample: number[] = [];
  for (let example = 0; example < examples; example++) {
    if (stream.uint32() < below) sample.push(example);
  }
  return sample;
}
