/** What a task understands of a table, and refuses: in one pass, in memory that does not grow with it. */
import { outputsOf } from '../../models/model-layout.ts';
import type { ModelSpec } from '../../models/registry.ts';
import {
  type ColumnReport,
  type DataReport,
  orRefused,
  type PartReport,
  Refusals,
  type RowPreview,
} from '../data-report.ts';
import { type CsvHead, onlyTableOf, readCsvFile } from './csv-file.ts';
import { type CsvRow, textOf } from './csv-scanner.ts';
import { namesOf, scaleInPlace, tooFew } from './read-table.ts';
import { type ColumnEncoder, encodersOf, fieldOf, labelReader } from './row-encoder.ts';
import { slotsOf, usedColumns } from './slots.ts';
import { valuesMax } from './table-profile.ts';
import type { TableTask } from './table-schema.ts';

const previewRows = 3;

/** `model` null: any that has the inputs would do. */
export async function inspectTable(
  task: TableTask,
  path: string,
  model: ModelSpec | null,
): Promise<DataReport> {
  const refused = new Refusals();
  const file = await orRefused(() => onlyTableOf(path), refused);
  let survey: TableSurvey | null = null;
  if (file !== null) {
    const outputs = model === null ? (task.label.classes?.length ?? valuesMax) : outputsOf(model);
    await orRefused(
      () =>
        readCsvFile(file, namesOf(task), (head) => {
          survey = new TableSurvey(task, head, outputs, refused);
          return survey;
        }),
      refused,
    );
  }
  // TypeScript does not see that a callback has set it.
  const found = survey as TableSurvey | null;
  if (file !== null && found !== null && found.rows < task.heldOutEvery) {
    refused.add('rows', tooFew(file, found.rows, task.heldOutEvery));
  }
  const files = file === null ? [] : [file];
  if (found === null) return { files, parts: [], columns: null, refused: refused.list() };
  return { files, ...found.report(), refused: refused.list() };
}

/** What is counted of a column. */
interface Tally {
  readonly encoder: ColumnEncoder;
  readonly at: number;
  /** Names of the inputs. */
  readonly inputs: readonly string[];
  /** Null of numbers. */
  readonly counts: number[] | null;
  /** Inputs that say that a category is there, in front of one that says that none is. */
  readonly categories: number;
  missing: number;
  least: number;
  largest: number;
}

class TableSurvey {
  rows = 0;
  readonly #task: TableTask;
  readonly #head: CsvHead;
  readonly #refused: Refusals;
  readonly #tallies: readonly Tally[];
  readonly #labelOf: ReturnType<typeof labelReader>;
  readonly #raw: Float64Array;
  readonly #classes = { train: [] as number[], heldOut: [] as number[] };
  readonly #preview: RowPreview[] = [];

  constructor(task: TableTask, head: CsvHead, outputs: number, refused: Refusals) {
    this.#task = task;
    this.#head = head;
    this.#refused = refused;
    this.#labelOf = labelReader(task, head, outputs);
    this.#tallies = talliesOf(task, head);
    this.#raw = new Float64Array(slotsOf(task).length);
  }

  readonly refuse = ({ reason, sentence }: { reason: string; sentence: string }): void =>
    this.#refused.add(reason, sentence);

  readonly row = (row: CsvRow): void => {
    const raw = this.#raw;
    for (const { encoder, at } of this.#tallies) {
      const problem = encoder.encode(row, raw, at);
      if (problem) {
        this.refuse(problem);
        return;
      }
    }
    const label = this.#labelOf(row);
    if (typeof label === 'object') {
      this.refuse(label);
      return;
    }
    for (const tally of this.#tallies) count(tally, raw);
    this.rows++;
    const classes = this.#classes[this.rows % this.#task.heldOutEvery === 0 ? 'heldOut' : 'train'];
    while (classes.length <= label) classes.push(0);
    classes[label]!++;
    if (this.#preview.length < previewRows) this.#preview.push(this.#previewOf(row, label));
  };

  report(): Pick<DataReport, 'parts' | 'columns' | 'table'> {
    const { delimiter, columns, header, numbers } = this.#head;
    const sign = { '\t': 'tabs', ';': 'semicolons', '|': 'bars', ',': 'commas' }[delimiter];
    const format = [
      `fields between ${sign}`,
      header === null ? 'no row of names' : 'names in the first row',
      ...(numbers.isDecimalComma ? ['decimal commas'] : []),
    ].join(', ');
    return {
      parts: this.#parts(),
      columns: columns.length,
      table: { format, columns: this.#columns(), preview: this.#preview },
    };
  }

  #parts(): PartReport[] {
    const { train, heldOut } = this.#classes;
    const length = Math.max(train.length, heldOut.length, this.#task.label.classes?.length ?? 0);
    return (
      [
        ['train', train],
        ['held out', heldOut],
      ] as const
    ).map(([name, counted]) => {
      const classes = Array.from({ length }, (_, label) => counted[label] ?? 0);
      return { name, rows: classes.reduce((sum, one) => sum + one, 0), classes };
    });
  }

  #columns(): ColumnReport[] {
    const used = new Set(usedColumns(this.#task));
    const { column: label } = this.#task.label;
    const nothing = { missing: 0, range: null, values: null, inputs: [] };
    return [
      ...this.#tallies.map(columnReport),
      { column: label, kind: 'label', ...nothing },
      ...this.#head.columns
        .filter((column) => !used.has(column))
        .map((column): ColumnReport => ({ column, kind: 'unused', ...nothing })),
    ];
  }

  #previewOf(row: CsvRow, label: number): RowPreview {
    const raw = usedColumns(this.#task).map((column) => textOf(row, fieldOf(this.#head, column)));
    const inputs = this.#raw.slice();
    scaleInPlace(inputs, slotsOf(this.#task));
    return { line: row.line, raw, inputs: [...inputs], label };
  }
}

function talliesOf(task: TableTask, head: CsvHead): Tally[] {
  const slots = slotsOf(task);
  const numbers = task.numeric?.length ?? 0;
  let at = 0;
  return encodersOf(task, head).map((encoder, index) => {
    const isNumber = index < numbers;
    const tally = {
      encoder,
      at,
      inputs: slots.slice(at, at + encoder.width).map(({ name }) => name),
      categories: encoder.width - (task.categorical?.[index - numbers]?.missingIndicator ? 1 : 0),
      counts: isNumber ? null : new Array<number>(encoder.width).fill(0),
      missing: 0,
      least: Number.POSITIVE_INFINITY,
      largest: Number.NEGATIVE_INFINITY,
    };
    at += encoder.width;
    return tally;
  });
}

function count(tally: Tally, raw: Float64Array): void {
  const { counts, categories, at } = tally;
  if (counts === null) {
    const value = raw[at]!;
    if (Number.isNaN(value)) tally.missing++;
    else {
      if (value < tally.least) tally.least = value;
      if (value > tally.largest) tally.largest = value;
    }
    return;
  }
  let isThere = false;
  for (let slot = 0; slot < counts.length; slot++) {
    if (raw[at + slot] !== 1) continue;
    counts[slot]!++;
    isThere = slot < categories;
  }
  if (!isThere) tally.missing++;
}

function columnReport({ encoder, counts, missing, least, largest, inputs }: Tally): ColumnReport {
  const { column } = encoder;
  if (counts === null) {
    return {
      column,
      kind: 'number',
      missing,
      range: least <= largest ? [least, largest] : null,
      values: null,
      inputs,
    };
  }
  const values = counts.map((one, slot) => ({ value: inputs[slot]!.slice(column.length + 1), count: one }));
  return { column, kind: 'category', missing, range: null, values, inputs };
}
