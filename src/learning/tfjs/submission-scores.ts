/** What the holder of a hidden shard finds of models that were submitted to an arena: the same at everybody who has the same files. */
import { bitsToHex, type ScoreRow } from '../../entries/arena/scores.ts';
import type { SubmissionState } from '../../entries/arena/submission-kind.ts';
import { vectorOfFile } from '../initial.ts';
import { ModelFileError } from '../learning-error.ts';
import { readSafetensors, type SafetensorsModel } from '../model-files/safetensors.ts';
import { whyUnfit } from '../submission-fit.ts';
import { predict } from './inference.ts';

export interface SubmissionFile {
  /** Id of its entry. */
  readonly entry: string;
  /** Null where it is not to be had. */
  readonly file: string | null;
}

type ComputeLimits = SubmissionState['limits'];

/** Weights that differ by less of their norm are near copies. Guess. */
const nearDistance = 0.05;
/** Wrong answers by which two are told to err alike, and the part of them that is the same. Guesses. */
const errorsMin = 8;
const sameErrors = 0.95;

export interface HeldShard {
  readonly bytes: Uint8Array;
  readonly examples: number;
}

interface Known {
  readonly entry: string;
  readonly model: string;
  readonly vector: Float32Array;
  readonly classes: Int32Array;
}

/** Of a shard's bytes: of each example what models take, scaled as they are trained, and then the right class. Null for bytes that are no such thing. */
export function examplesOfShard(bytes: Uint8Array, examples: number): Float32Array | null {
  const width = bytes.length / 4 / examples;
  return Number.isInteger(width) && width >= 2 ? vectorOfFile(bytes.slice()) : null;
}

/** In the order of submission. On what is no shard no model has a score, at anybody. */
export async function scoreSubmissions(
  { bytes, examples }: HeldShard,
  submissions: readonly SubmissionFile[],
  limits: ComputeLimits,
  signal?: AbortSignal,
): Promise<ScoreRow[]> {
  const shard = examplesOfShard(bytes, examples);
  if (shard === null)
    return submissions.map(({ entry }) => ({ submission: entry, verdict: 'no-model', right: '' }));
  const width = shard.length / examples;
  const inputs = new Float32Array(examples * (width - 1));
  const labels = new Int32Array(examples);
  for (let row = 0; row < examples; row++) {
    inputs.set(shard.subarray(row * width, (row + 1) * width - 1), row * (width - 1));
    labels[row] = shard[(row + 1) * width - 1]!;
  }
  const known: Known[] = [];
  const rows: ScoreRow[] = [];
  for (const { entry, file } of submissions) {
    const found = file === null ? 'not-had' : await fitting(file, width - 1, limits);
    if (typeof found === 'string') {
      rows.push({ submission: entry, verdict: found, right: '' });
      continue;
    }
    const { classes, probabilities } = await predict(found.model, found.vector, inputs, signal);
    if (!probabilities.every(Number.isFinite)) {
      rows.push({ submission: entry, verdict: 'not-finite', right: '' });
      continue;
    }
    const one = { entry, model: JSON.stringify(found.model), vector: found.vector, classes };
    const original = known.find((earlier) => isNear(earlier, one, labels));
    const right = bitsToHex(Array.from(classes, (predicted, row) => predicted === labels[row]));
    rows.push({
      submission: entry,
      verdict: 'scored',
      right,
      ...(original ? { copyOf: original.entry } : {}),
    });
    // A copy of a copy is one of the first.
    if (!original) known.push(one);
  }
  return rows;
}

async function fitting(
  file: string,
  inputs: number,
  limits: ComputeLimits,
): Promise<SafetensorsModel | ScoreRow['verdict']> {
  try {
    const found = await readSafetensors(file);
    return whyUnfit(found, inputs, limits) ?? found;
  } catch (error) {
    if (error instanceof ModelFileError) return 'no-model';
    throw error;
  }
}

function isNear(earlier: Known, later: Known, labels: Int32Array): boolean {
  if (earlier.model === later.model) {
    let apart = 0;
    let norm = 0;
    for (let at = 0; at < later.vector.length; at++) {
      apart += (earlier.vector[at]! - later.vector[at]!) ** 2;
      norm += earlier.vector[at]! ** 2;
    }
    if (apart < nearDistance ** 2 * norm) return true;
  }
  let wrong = 0;
  let same = 0;
  for (const [row, label] of labels.entries()) {
    if (earlier.classes[row] === label && later.classes[row] === label) continue;
    wrong += 1;
    if (earlier.classes[row] === later.classes[row]) same += 1;
  }
  return wrong >= errorsMin && same >= sameErrors * wrong;
}
