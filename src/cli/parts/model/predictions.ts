/** What a model says of rows, by the names of its classes or of what else it was to learn. */
import { spreadsheetLine } from '../../../core/csv-line.ts';
import { answer, predict } from '../../../learning/tfjs/inference.ts';
import { objectiveOf, type TaskSpec, taskKindOf } from '../../../tasks/data/registry.ts';
import { outputsOf } from '../../../tasks/models/model-layout.ts';
import type { Target } from '../../../tasks/objective.ts';
import type { FoundModel } from './model-source.ts';

export interface Predictions {
  /** One for each row, for programs. */
  readonly predictions: readonly object[];
  /** The same for people. */
  readonly lines: readonly string[];
  /** With a head; the probability of every class or label. */
  readonly csv: string;
}

interface PredictedRow {
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

/** `right` are the right answers, as batches have them; null where they are not known. */
export async function predictRows(
  found: FoundModel,
  task: TaskSpec,
  inputs: Float32Array,
  right: ArrayLike<number> | null,
  signal: AbortSignal,
): Promise<Predictions> {
  const objective = objectiveOf(task);
  if (objective.kind === 'classification') return predictClasses(found, task, inputs, right, signal);
  const said = await answer(found.model, objective, found.vector, inputs, signal);
  switch (objective.kind) {
    case 'regression':
      return numbersOf(objective.target, said, right);
    case 'multi-label':
      return labelsOf(objective.labels, said, right);
    default:
      return objective satisfies never;
  }
}

async function predictClasses(
  { model, vector }: FoundModel,
  task: TaskSpec,
  inputs: Float32Array,
  labels: ArrayLike<number> | null,
  signal: AbortSignal,
): Promise<Predictions> {
  const outputs = outputsOf(model);
  const { classes, probabilities } = await predict(model, vector, inputs, signal);
  const named = taskKindOf(task).names?.(task).classes ?? null;
  const nameOf = (index: number) => named?.[index] ?? String(index);
  const predictions = Array.from(
    classes,
    (predicted, row): PredictedRow => ({
      row,
      class: predicted,
      name: nameOf(predicted),
      probability: probabilities[row * outputs + predicted]!,
      ...(labels ? { label: labels[row]!, labelName: nameOf(labels[row]!) } : {}),
    }),
  );
  const all = Array.from({ length: outputs }, (_, index) => index);
  const head = ['row', 'class', ...all.map((index) => `probability of ${nameOf(index)}`)];
  const rows = predictions.map(({ row, name }) => [
    row,
    name,
    ...all.map((index) => nineDigits(probabilities[row * outputs + index]!)),
  ]);
  return { predictions, lines: predictions.map(classLine), csv: csvOf(head, rows) };
}

function classLine({ row, class: predicted, name, probability, label, labelName }: PredictedRow): string {
  const truth = label === undefined ? '' : label === predicted ? '  right' : `  wrong: it is ${labelName}`;
  return `row ${row}: class ${name} (${(100 * probability).toFixed(1)} %)${truth}`;
}

/** `said` is in the units of the data, `right` standardised. */
function numbersOf(
  { name, mean, scale, unit }: Target,
  said: Float32Array,
  right: ArrayLike<number> | null,
): Predictions {
  const predictions = Array.from(said, (value, row) => ({
    row,
    value: nineDigits(value),
    ...(right ? { label: nineDigits(Math.fround(mean + scale * right[row]!)) } : {}),
  }));
  const behind = unit === undefined ? '' : ` ${unit}`;
  const short = (value: number) => `${Number(value.toPrecision(5))}${behind}`;
  return {
    predictions,
    lines: predictions.map(
      ({ row, value, label }) =>
        `row ${row}: ${name} ${short(value)}${label === undefined ? '' : `  it is ${short(label)}`}`,
    ),
    csv: csvOf(
      ['row', name],
      predictions.map(({ row, value }) => [row, value]),
    ),
  };
}

function labelsOf(
  labels: readonly string[],
  said: Float32Array,
  right: ArrayLike<number> | null,
): Predictions {
  const width = labels.length;
  const predictions = Array.from({ length: said.length / width }, (_, row) => {
    const probabilities = labels.map((_label, at) => nineDigits(said[row * width + at]!));
    const there = labels.filter((_label, at) => right?.[row * width + at] === 1);
    return {
      row,
      labels: labels.filter((_label, at) => probabilities[at]! >= 0.5),
      probabilities,
      ...(right ? { right: there } : {}),
    };
  });
  const listed = (names: readonly string[]) => (names.length === 0 ? 'none' : names.join(', '));
  return {
    predictions,
    lines: predictions.map(
      ({ row, labels: own, right: there }) =>
        `row ${row}: ${listed(own)}${there === undefined ? '' : `  it is ${listed(there)}`}`,
    ),
    csv: csvOf(
      ['row', ...labels.map((label) => `probability of ${label}`)],
      predictions.map(({ row, probabilities }) => [row, ...probabilities]),
    ),
  };
}

function csvOf(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return `${[spreadsheetLine(head), ...rows.map(spreadsheetLine)].join('\n')}\n`;
}

/** Nine digits tell any two float32 apart. */
function nineDigits(value: number): number {
  return Number(value.toPrecision(9));
}
