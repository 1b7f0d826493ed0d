/** What a model says of rows, by the names of its classes. */
import { csvLine } from '../../core/csv-line.ts';
import { predict } from '../../learning/tfjs/inference.ts';
import { type TaskSpec, taskKindOf } from '../../tasks/data/registry.ts';
import { outputsOf } from '../../tasks/models/model-layout.ts';
import type { FoundModel } from './model-source.ts';

export interface PredictedRow {
  readonly row: number;
  /** Number of the most probable class. */
  readonly class: number;
  /** Its name, or its number where it has none. */
  readonly name: string;
  readonly probability: number;
  /** The right class, where it is known. */
  readonly label?: number;
  readonly labelName?: string;
}

/** `csv` has a row for each, with the probability of every class. */
export async function predictRows(
  { model, vector }: FoundModel,
  task: TaskSpec,
  inputs: Float32Array,
  labels: ArrayLike<number> | null,
  signal: AbortSignal,
): Promise<{ readonly predictions: readonly PredictedRow[]; readonly csv: string }> {
  const outputs = outputsOf(model);
  const { classes, probabilities } = await predict(model, vector, inputs, signal);
  const named = taskKindOf(task).names?.(task).classes ?? null;
  const nameOf = (index: number) => named?.[index] ?? String(index);
  const predictions = Array.from(classes, (predicted, row) => ({
    row,
    class: predicted,
    name: nameOf(predicted),
    probability: probabilities[row * outputs + predicted]!,
    ...(labels ? { label: labels[row]!, labelName: nameOf(labels[row]!) } : {}),
  }));
  const all = Array.from({ length: outputs }, (_, index) => index);
  const head = ['row', 'class', ...all.map((index) => `probability of ${nameOf(index)}`)];
  // Nine digits tell any two float32 apart.
  const lines = predictions.map(({ row, name }) =>
    csvLine([row, name, ...all.map((index) => Number(probabilities[row * outputs + index]!.toPrecision(9)))]),
  );
  return { predictions, csv: `${[csvLine(head), ...lines].join('\n')}\n` };
}
