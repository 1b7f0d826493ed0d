/** Examples taken out of what is learned from, so that constants are chosen on other data than what is reported. */
import type { TaskData } from './dataset.ts';

/**
 * Takes the share of the training examples out. With `evaluates` `validation` they take the place of the held-out data; the
 * training data is the same either way. A share of 0 takes nothing.
 */
export function withValidation(
  { train, heldOut }: TaskData,
  share: number,
  evaluates: 'held-out' | 'validation',
): TaskData {
  if (share === 0) return { train, heldOut };
  const [learned, validation] = train.split(share);
  return { train: learned, heldOut: evaluates === 'validation' ? validation : heldOut };
}
