/**
 * The evaluation set of a run: examples that everybody has, on which deltas are judged. It travels as a file of the run, little-endian
 * float32: of each example what the model takes and then the right answers. Bytes and classes are whole numbers, which float32 holds exactly.
 */
import { evaluationExamplesOf } from '../entries/judging-registry.ts';
import { deltasOf } from '../methods/registry.ts';
import { evaluationFile, type RunVectors, trainingFile, type VectorPaths } from '../run/run-files.ts';
import type { RunSpec } from '../run/run-spec.ts';
import { loadTaskData, taskKindOf } from '../tasks/data/registry.ts';
import { DataShapeError } from '../tasks/datasets/data-error.ts';
import { type Batch, checkFits, type Dataset, type TaskData } from '../tasks/datasets/dataset.ts';
import { exampleForms } from '../tasks/example-form.ts';
import { answersPerExample, formOf, inputsOf, outputsOf } from '../tasks/models/model-layout.ts';
import { answerWidth, classification, type Objective } from '../tasks/objective.ts';
import { readRunVectors } from './model-files/start-vector.ts';

/** What deltas can be judged on, or all train on. */
export type ExampleSet = Pick<Dataset, 'examples' | 'objective' | 'batchOf'>;

/** Examples of a set that is made for a run: eight times those of a draw. Guess. */
const drawsInASet = 8;
/** Values of a set: 64 MiB, of MNIST 21,000 examples. */
const valuesMax = 1 << 24;

type Judged = Pick<RunSpec, 'model' | 'task'>;

/** The files of a run, its evaluation set made of the data that `paths` name or that came with the program. @throws what reading them throws */
export async function readRunFiles(
  paths: VectorPaths,
  spec: Judged & Pick<RunSpec, 'strategy'>,
): Promise<RunVectors> {
  const { evaluation, training, ...others } = paths;
  const { audits } = deltasOf(spec.strategy) ?? {};
  const vectors = await readRunVectors(others, spec.model);
  const examples = judgedExamplesOf(spec);
  const judged = await dataOf('evaluation', evaluation, examples !== null, spec);
  const trained = await dataOf('training', training, audits !== undefined, spec);
  return {
    ...vectors,
    ...(judged && { [evaluationFile]: packed(judged.heldOut.sample(drawsInASet * examples!), spec) }),
    ...(trained && { [trainingFile]: packed(trained.train, spec) }),
  };
}

/** Examples of its evaluation set that judging a round takes; null where no deltas are judged by examples. */
export function judgedExamplesOf({ strategy }: Pick<RunSpec, 'strategy'>): number | null {
  const judging = deltasOf(strategy)?.judging;
  return judging ? evaluationExamplesOf(judging) : null;
}

const purposes = {
  evaluation: {
    unwanted:
      'nobody judges deltas by examples in this run: leave `evaluation` out, or `judging` of `strategy` be scores',
    missing:
      'what judges deltas needs examples that everybody may see: name data with some held out as `evaluation` of the run',
  },
  training: {
    unwanted: 'nobody audits deltas in this run: leave `commonData` out, or ask for `audits`',
    missing:
      'what is audited is trained on examples that everybody has: name data as `commonData` of the run',
  },
} as const;

/** What is at `path`, or came with the program, where it is wanted; null where it is not. @throws DataShapeError; what reading throws */
async function dataOf(
  purpose: keyof typeof purposes,
  path: string | undefined,
  isWanted: boolean,
  { task, model }: Judged,
): Promise<TaskData | null> {
  if (!isWanted && path === undefined) return null;
  if (!isWanted) throw new DataShapeError(`${path}: ${purposes[purpose].unwanted}`);
  const data = path ?? (await taskKindOf(task).bundledData?.());
  if (data === undefined) throw new DataShapeError(purposes[purpose].missing);
  return loadTaskData(task, model, data);
}

/** @throws DataShapeError where it has no example, or is larger than a node would take */
function packed(dataset: Dataset, { model, task }: Judged): Float32Array {
  checkFits(dataset, model, 'evaluation set');
  const { inputs, answers } = widthsOf({ model, task });
  const width = inputs + answers;
  const examples = Math.min(dataset.examples, Math.floor(valuesMax / width));
  if (examples === 0) throw new DataShapeError('the evaluation set would have no example');
  const vector = new Float32Array(examples * width);
  for (let row = 0; row < examples; row++) {
    const batch = dataset.batchOf([row]);
    vector.set(batch.inputs, row * width);
    vector.set(batch.labels, row * width + inputs);
  }
  return vector;
}

/** @throws DataShapeError for what is no evaluation set of such a run */
export function examplesOf(vector: Float32Array, { model, task }: Judged): ExampleSet {
  const { inputs, answers, isSequence } = widthsOf({ model, task });
  const objective = objectiveOf(task);
  const width = inputs + answers;
  const examples = vector.length / width;
  if (!Number.isInteger(examples) || examples < 1 || vector.length > valuesMax) {
    throw new DataShapeError(`the evaluation set has ${vector.length} numbers, an example takes ${width}`);
  }
  if (!vector.every(Number.isFinite))
    throw new DataShapeError('the evaluation set has values that are no numbers');
  const isClasses = objective.kind === 'classification';
  const isOther = (value: number, count: number): boolean =>
    !(Number.isInteger(value) && value >= 0 && value < count);
  for (let row = 0; row < examples; row++) {
    const from = row * width + inputs;
    const wrong =
      isClasses && vector.subarray(from, from + answers).some((one) => isOther(one, outputsOf(model)));
    const noByte = isSequence && vector.subarray(row * width, from).some((one) => isOther(one, 256));
    if (wrong || noByte)
      throw new DataShapeError(`example ${row} of the evaluation set fits no model of this run`);
  }
  return {
    examples,
    objective,
    batchOf(numbers): Batch {
      const rows = numbers.length;
      const taken = isSequence ? new Int32Array(rows * inputs) : new Float32Array(rows * inputs);
      const labels = isClasses ? new Int32Array(rows * answers) : new Float32Array(rows * answers);
      for (let row = 0; row < rows; row++) {
        const from = numbers[row]! * width;
        taken.set(vector.subarray(from, from + inputs), row * inputs);
        labels.set(vector.subarray(from + inputs, from + width), row * answers);
      }
      return { rows, inputs: taken, labels };
    },
  };
}

function objectiveOf(task: RunSpec['task']): Objective {
  return taskKindOf(task).objective?.(task) ?? classification;
}

function widthsOf({ model, task }: Judged): { inputs: number; answers: number; isSequence: boolean } {
  const { isSequence } = exampleForms[formOf(model)];
  return {
    ...{ inputs: inputsOf(model), isSequence },
    answers: answersPerExample(model) * answerWidth(objectiveOf(task)),
  };
}
