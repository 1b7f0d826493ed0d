/** Examples taken out of what is learned from, so that constants are chosen on other data than what is reported. */
import { rngFor } from '../../math/rng.ts';
import { type Dataset, subset, type TaskData, textDataset } from './dataset.ts';

/**
 * Takes the share of the training examples out: of rows a fixed random choice, of text the end. With `evaluates` `validation` they
 * take the place of the held-out data; the training data is the same either way. A share of 0 takes nothing.
 */
export function withValidation(
  { train, heldOut }: TaskData,
  share: number,
  evaluates: 'held-out' | 'validation',
): TaskData {
  if (share === 0) return { train, heldOut };
  const [learned, validation] = split(train, share);
  return { train: learned, heldOut: evaluates === 'validation' ? validation : heldOut };
}

/** At most so many examples, always the same: of rows a random choice, of text the beginning. */
export function sampleOf(dataset: Dataset, examples: number): Dataset {
  if (dataset.examples <= examples) return dataset;
  if (dataset.kind === 'text') {
    return textDataset(dataset.bytes.subarray(0, examples + dataset.context), dataset.context, 'the sample');
  }
  return subset(dataset, rngFor('sample').sample(dataset.examples, examples));
}

function split(train: Dataset, share: number): readonly [Dataset, Dataset] {
  if (train.kind === 'text') {
    const cut = Math.round(train.bytes.length * (1 - share));
    const part = (bytes: Uint8Array, name: string) => textDataset(bytes, train.context, name);
    return [
      part(train.bytes.subarray(0, cut), 'what is left to learn from'),
      part(train.bytes.subarray(cut), 'the validation share'),
    ];
  }
  const order = Uint32Array.from({ length: train.examples }, (_, row) => row);
  rngFor('validation').shuffle(order);
  const taken = Math.round(train.examples * share);
  return [subset(train, order.subarray(taken).sort()), subset(train, order.subarray(0, taken).sort())];
}
