/**
 * How much a training gives away at least, measured: an example that pulls as hard as it may is put in or left out, and whoever sees the result
 * guesses which (Jagielski, Ullman, Oprea, "Auditing differentially private machine learning", 2020; the white-box game of Nasr et al. 2021).
 */
import { createTfjsLearner } from '../../../src/learning/tfjs/tfjs-learner.ts';
import { epsilonOfSteps } from '../../../src/math/renyi-accountant.ts';
import { LabelledRows } from '../../../src/tasks/datasets/labelled-rows.ts';
import { modelSchema } from '../../../src/tasks/models/registry.ts';
import { smallTraining } from '../small-data.ts';

const features = 4;
const model = modelSchema.parse({ kind: 'logistic-regression', inputs: features, outputs: 2 });
/** So sure of the first class where the first feature is 1 that who is of it pulls at nothing, and who is not with all the clip norm. */
const sure = Float32Array.from([30, -30, 0, 0, 0, 0, 0, 0, 0, 0]);
const learningRate = 1e-3;

export interface AuditedTraining {
  readonly examples: number;
  readonly batchSize: number;
  readonly steps: number;
  /** What the training is told. */
  readonly noiseMultiplier: number;
  /** What the accountant is told; the same where left out. */
  readonly claimed?: number;
}

export interface Audit {
  /** By the accountant. */
  readonly epsilon: number;
  /** Proven by guesses, at 95 % for each of two rates. */
  readonly atLeast: number;
}

const delta = 1e-5;

/** As many trainings with the example as without it, half of them to choose when to guess. */
export async function audited(of: AuditedTraining, trainings: number): Promise<Audit> {
  const { examples, batchSize, steps, noiseMultiplier, claimed = noiseMultiplier } = of;
  const shareOf = (canaries: number): LabelledRows => {
    const inputs = new Float32Array(examples * features);
    for (let row = 0; row < examples; row++) inputs[row * features] = 1;
    const labels = Int32Array.from({ length: examples }, (_, row) => (row < canaries ? 1 : 0));
    return new LabelledRows({ features, inputs, scale: 1, labels });
  };
  const learner = await createTfjsLearner({
    ...{ model, training: { ...smallTraining, batchSize, learningRate }, rounds: 1, backend: 'wasm' },
    // As many examples with it as without it: how many there are is not hidden.
    ...{ shares: [shareOf(1), shareOf(0)], heldOut: shareOf(0) },
  });
  const scores: [number[], number[]] = [[], []];
  const privacy = { clipNorm: 1, noiseMultiplier };
  for (let at = 0; at < 2 * trainings; at++) {
    const share = at % 2;
    const { parameters } = await learner.train({
      ...{ parameters: sure, steps, round: 0, streamKey: `audit/${at}`, share, privacy },
    });
    // Against the gradient of the example: away from the first class, towards the second, by kernel and bias alike.
    const [first, second, biasFirst, biasSecond] = [0, 1, 8, 9].map(
      (place) => parameters[place]! - sure[place]!,
    );
    scores[share]!.push(second! - first! + biasSecond! - biasFirst!);
  }
  const rate = learner.samplingRates![0]!;
  await learner.close();
  const [within, without] = scores;
  const half = trainings / 2;
  const threshold = bestThreshold(within.slice(0, half), without.slice(0, half));
  return {
    epsilon: epsilonOfSteps({ rate, noiseMultiplier: claimed }, steps, delta),
    atLeast: provenBy(within.slice(half), without.slice(half), threshold),
  };
}

const above = (scores: readonly number[], threshold: number): number =>
  scores.filter((score) => score >= threshold).length;

/** Shares of wrong guesses to choose from: rarer ones prove more, until there are too few of them to prove anything. */
const wrongShares = [0.3, 0.2, 0.1, 0.05, 0.02, 0.01];

function bestThreshold(within: readonly number[], without: readonly number[]): number {
  const [low, high] = [within, without].map((scores) => [...scores].sort((a, b) => a - b)) as [
    number[],
    number[],
  ];
  const candidates = wrongShares.flatMap((share) => {
    const wrong = Math.round(share * low.length);
    return [low[low.length - 1 - wrong]!, high[wrong]!];
  });
  const worth = candidates.map((threshold) => provenBy(within, without, threshold));
  return candidates[worth.indexOf(Math.max(...worth))]!;
}

/** Whichever way of guessing proves more. */
function provenBy(within: readonly number[], without: readonly number[], threshold: number): number {
  const [hits, alarms] = [above(within, threshold), above(without, threshold)];
  const misses = within.length - hits;
  const quiet = without.length - alarms;
  return Math.max(
    0,
    logRatio(atLeast(hits, within.length), atMost(alarms, without.length)),
    logRatio(atLeast(quiet, without.length), atMost(misses, within.length)),
  );
}

const logRatio = (right: number, wrong: number): number =>
  right > delta ? Math.log((right - delta) / wrong) : 0;

/** The largest rate at which so few of so many come up in one time of twenty (Clopper, Pearson 1934). */
function atMost(few: number, many: number): number {
  if (few === many) return 1;
  let [low, high] = [few / many, 1];
  for (let turn = 0; turn < 50; turn++) {
    const middle = (low + high) / 2;
    if (cumulative(few, many, middle) > 0.05) low = middle;
    else high = middle;
  }
  return high;
}

const atLeast = (few: number, many: number): number => 1 - atMost(many - few, many);

/** Probability of at most so few of so many at this rate. */
function cumulative(few: number, many: number, rate: number): number {
  let logTerm = many * Math.log1p(-rate);
  let sum = Math.exp(logTerm);
  for (let k = 1; k <= few; k++) {
    logTerm += Math.log((many - k + 1) / k) + Math.log(rate) - Math.log1p(-rate);
    sum += Math.exp(logTerm);
  }
  return sum;
}
