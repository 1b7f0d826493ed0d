/** What a task understands of a table, and refuses: in one pass, in memory that does not grow with it. */
import { outputsOf } from '../../models/model-layout.ts';
import type { ModelSpec } from '../../models/registry.ts';
import { answerWidth } from '../../objective.ts';
import { type ColumnReport, type DataReport, orRefused, Refusals, type RowPreview } from '../data-report.ts';
import { onlyTableOf, readCsvFile } from './csv-file.ts';
import { type CsvHead, fieldOf } from './csv-head.ts';
import { type CsvRow, textOf } from './csv-scanner.ts';
import { LabelTally } from './label-tally.ts';
import { type AnswerReader, answerReader, classNames, objectiveOfLabel } from './labels.ts';
import { LeftOut } from './left-out.ts';
import { namesOf, scaleInPlace, tooFew } from './read-table.ts';
import { type ColumnEncoder, encodersOf } from './row-encoder.ts';
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
    const outputs = model === null ? (classNames(task.label)?.length ?? valuesMax) : outputsOf(model);
    await orRefused(
      () =>
        readCsvFile(file, namesOf(task), (head) => {
          survey = new TableSurvey(task, head, outputs, refused, model === null);
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
  for (const { reason, sentence } of found?.leftOut?.problems(file!) ?? []) refused.add(reason, sentence);
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
  /** Of a task that is a guess. */
  readonly leftOut: LeftOut | null;
  readonly #task: TableTask;
  readonly #head: CsvHead;
  readonly #refused: Refusals;
  readonly #tallies: readonly Tally[];
  readonly #answerOf: AnswerReader;
  readonly #answer: Float64Array;
  readonly #raw: Float64Array;
  readonly #labels: LabelTally;
  readonly #preview: RowPreview[] = [];

  constructor(task: TableTask, head: CsvHead, outputs: number, refused: Refusals, isGuess: boolean) {
    this.leftOut = isGuess ? new LeftOut(task, head) : null;
    this.#task = task;
    this.#head = head;
    this.#refused = refused;
    this.#answerOf = answerReader(task.label, head, outputs);
    this.#answer = new Float64Array(answerWidth(objectiveOfLabel(task.label)));
    this.#labels = new LabelTally(task.label);
    this.#tallies = talliesOf(task, head);
    this.#raw = new Float64Array(slotsOf(task).length);
  }

  readonly refuse = ({ reason, sentence }: { reason: string; sentence: string }): void =>
    this.#refused.add(reason, sentence);

  readonly row = (row: CsvRow): void => {
    this.leftOut?.note(row);
    const raw = this.#raw;
    for (const { encoder, at } of this.#tallies) {
      const problem = encoder.encode(row, raw, at);
      if (problem) {
        this.refuse(problem);
        return;
      }
    }
    const none = this.#answerOf(row, this.#answer);
    if (none) {
      this.refuse(none);
      return;
    }
    for (const tally of this.#tallies) count(tally, raw);
    this.rows++;
    this.#labels.count(this.rows % this.#task.heldOutEvery === 0 ? 'held out' : 'train', this.#answer);
    if (this.#preview.length < previewRows) this.#preview.push(this.#previewOf(row));
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
      parts: this.#labels.parts(),
      columns: columns.length,
      table: { format, columns: this.#columns(), preview: this.#preview },
    };
  }

  #columns(): ColumnReport[] {
    const used = new Set(usedColumns(this.#task));
    const reasons = this.leftOut?.reasons();
    const nothing = { missing: 0, range: null, values: null, inputs: [] };
    return [
      ...this.#tallies.map(columnReport),
      ...this.#labels.columns(),
      ...this.#head.columns
        .filter((column) => !used.has(column))
        .map((column): ColumnReport => {
          const why = reasons?.get(column);
          return { column, kind: 'unused', ...nothing, ...(why === undefined ? {} : { why }) };
        }),
    ];
  }

  #previewOf(row: CsvRow): RowPreview {
    const label = this.#labels.isClass ? this.#answer[0]! : [...this.#answer];
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
