/** A run whose examples are protected: who wants it, how such a run trains, and what noise that comes to for examples like these. */
import { planForRecords } from '../../../learning/private/privacy-plan.ts';
import { type RunSpec, trainingSchema } from '../../../run/run-spec.ts';
import type { DataReport } from '../../../tasks/data/data-report.ts';
import type { SizedStarter } from '../../../tasks/models/starters.ts';
import type { Asker } from './asker.ts';

type Training = SizedStarter['training'];

const epsilonUsual = '3';
/** Noise is paid by the step: few of them, with a part of the examples in each that is still much less than all. Guesses. */
const stepsOfRoundMax = 4;
const batchesOfData = 8;
const batchMax = 1024;
/** Beyond, noise on the mean of a step is about as large as what one example may add to it. Guess. */
const noiseOfMeanMuch = 0.1;

/** Null: nobody wants it. */
export async function askedEpsilon(asker: Asker | null): Promise<number | null> {
  if (asker === null) return null;
  const answer = await asker.choose({
    message: 'Is each single example to be protected?',
    choices: [
      { value: 'no', label: 'no', hint: 'what nodes publish can tell who was among their examples' },
      { value: 'yes', label: 'yes, by noise', hint: 'differential privacy; the model becomes less accurate' },
    ],
    initial: 'no',
  });
  if (answer === 'no') return null;
  const epsilon = await asker.text({
    message: 'With which budget (epsilon; the less the better protected, 3 is usual)?',
    initial: epsilonUsual,
    wrong: (value) =>
      Number(value) > 0 && Number(value) <= 1000 ? undefined : 'a number above 0, 1000 at most',
  });
  return Number(epsilon);
}

/** Larger batches and fewer steps than a run without noise. */
export function privateTraining(training: Training, examples: number | null, epsilon: number): Training {
  const { localSteps, batchSize } = trainingSchema.parse(training);
  const share = 2 ** Math.floor(Math.log2(Math.max(1, (examples ?? 0) / batchesOfData)));
  return {
    ...training,
    localSteps: Math.min(localSteps, stepsOfRoundMax),
    batchSize: Math.max(batchSize, Math.min(batchMax, share)),
    privacy: { epsilon },
  };
}

/** Null where a number of examples is not what the data tells. */
export function examplesIn({ columns, parts }: DataReport): number | null {
  const rows = parts.find(({ name }) => name === 'train')?.rows ?? 0;
  return columns === null || rows === 0 ? null : rows;
}

/** What a run that demands privacy means for a node with such data. */
export function privacyLines({ training, rounds }: RunSpec, report: DataReport): string[] {
  const { privacy, batchSize, localSteps } = training;
  if (!privacy) return [];
  const { epsilon, delta } = privacy;
  const lines = [
    `protects  each example of each node, epsilon ${epsilon} at delta ${delta} over the whole run: docs/PRIVACY.md says from what`,
  ];
  const examples = examplesIn(report);
  if (examples === null) return lines;
  const steps = rounds * localSteps;
  const { noiseMultiplier, noiseOfMean } = planForRecords(privacy, { examples, batchSize, steps });
  if (noiseMultiplier === null) {
    return [...lines, 'hopeless: no noise keeps such data to this budget; a larger epsilon, or fewer rounds'];
  }
  const isMuch = noiseOfMean! > noiseOfMeanMuch;
  return [
    ...lines,
    `noise     ${noiseMultiplier} times clipNorm on the sum of a step of ${batchSize} of ${examples} examples, ${noiseOfMean!.toPrecision(2)} on its mean` +
      (isMuch
        ? ': so much that little may be left to learn; more examples at each node, or fewer rounds'
        : ''),
  ];
}
