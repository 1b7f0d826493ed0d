/** Whether a classifier is right as often as it says, in counts, so that those of several sites add up. */

/** Examples about whose prediction a model was about as sure. */
export interface CalibrationBin {
  readonly examples: number;
  /** Of which it told so many. */
  readonly right: number;
  /** Sum of the probabilities that it gave to what it said. */
  readonly confidence: number;
}

/** Equal parts of [0, 1] (Guo et al. 2017, "On Calibration of Modern Neural Networks"). */
const bins = 15;

/** `confidences`: of what was predicted for each example. */
export function calibrationBins(
  confidences: ArrayLike<number>,
  isRight: (example: number) => boolean,
): CalibrationBin[] {
  const filled = Array.from({ length: bins }, () => ({ examples: 0, right: 0, confidence: 0 }));
  for (let example = 0; example < confidences.length; example++) {
    // A model that has diverged says nothing.
    const confidence = Number.isFinite(confidences[example]) ? confidences[example]! : 0;
    const bin = filled[Math.min(bins - 1, Math.floor(bins * confidence))]!;
    bin.examples++;
    bin.right += isRight(example) ? 1 : 0;
    bin.confidence += confidence;
  }
  return filled;
}

/** Of all examples together. */
export function pooledBins(sites: readonly (readonly CalibrationBin[])[]): CalibrationBin[] {
  const sum = (bin: number, of: (one: CalibrationBin) => number) =>
    sites.reduce((total, site) => total + of(site[bin]!), 0);
  return Array.from({ length: bins }, (_, bin) => ({
    examples: sum(bin, ({ examples }) => examples),
    right: sum(bin, ({ right }) => right),
    confidence: sum(bin, ({ confidence }) => confidence),
  }));
}

/**
 * Expected calibration error: how far a model's confidence is from how often it is right, in the mean over the examples (Naeini et al. 2015).
 * Few examples make it larger than it is. Null without any.
 */
export function calibrationError(filled: readonly CalibrationBin[]): number | null {
  const examples = filled.reduce((sum, bin) => sum + bin.examples, 0);
  if (examples === 0) return null;
  return filled.reduce((sum, { right, confidence }) => sum + Math.abs(right - confidence), 0) / examples;
}
