/** Why a task that is guessed from the looks of a table leaves a column out, and where there is no task to guess. */
import { type CsvHead, fieldOf } from './csv-head.ts';
import { type CsvRow, textOf } from './csv-scanner.ts';
import { isMissing } from './field-values.ts';
import { categoriesMax } from './guess-table.ts';
import { classNames } from './labels.ts';
import { slotsOf, usedColumns } from './slots.ts';
import type { TableTask } from './table-schema.ts';

/** 1.234,51 and 1,234.51, 1 234,51 and 1'234.51. */
const grouped = /^[+-]?\d{1,3}(?:([., '\u00a0\u202f])\d{3})(?:\1\d{3})*(?:[.,]\d+)?$/;
const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

type Fault = 'grouped' | 'boundless';

class Looks {
  there = 0;
  readonly faults: Record<Fault, number> = { grouped: 0, boundless: 0 };
  /** The first that has a fault. */
  example = '';

  /** `text` null of what is a number. */
  note(text: string | null): void {
    this.there++;
    const fault = text === null ? null : faultOf(text);
    if (fault === null) return;
    this.faults[fault]++;
    this.example ||= text!;
  }

  /** What most have. */
  fault(): Fault | null {
    const { grouped, boundless } = this.faults;
    if (boundless > 0) return 'boundless';
    return 2 * grouped > this.there ? 'grouped' : null;
  }
}

function faultOf(text: string): Fault | null {
  if (grouped.test(text)) return 'grouped';
  return decimal.test(text) && !Number.isFinite(Number(text)) ? 'boundless' : null;
}

/** Looks at the columns that are left out or are categories. */
export class LeftOut {
  readonly #task: TableTask;
  readonly #head: CsvHead;
  #rows = 0;
  readonly #fields: readonly (readonly [column: string, field: number, looks: Looks])[];

  constructor(task: TableTask, head: CsvHead) {
    this.#task = task;
    this.#head = head;
    const numbers = new Set([
      ...(task.numeric ?? []).map(({ column }) => column),
      ...(task.label.kind === 'number' ? [task.label.column] : []),
    ]);
    this.#fields = head.columns
      .filter((column) => !numbers.has(column))
      .map((column) => [column, fieldOf(head, column), new Looks()]);
  }

  note(row: CsvRow): void {
    this.#rows++;
    for (const [, field, looks] of this.#fields) {
      if (isMissing(row, field)) continue;
      looks.note(Number.isNaN(this.#head.numbers.read(row, field)) ? textOf(row, field) : null);
    }
  }

  /** Why each column is not used, by its name. */
  reasons(): ReadonlyMap<string, string> {
    const used = new Set(usedColumns(this.#task));
    return new Map(
      this.#fields.flatMap(([column, , looks]) => (used.has(column) ? [] : [[column, reasonOf(looks)]])),
    );
  }

  /** Why no run starts from the guess, by reason; nothing of a table without a row. */
  problems(file: string): { readonly reason: string; readonly sentence: string }[] {
    if (this.#rows === 0) return [];
    const used = new Set(usedColumns(this.#task));
    const faulty = this.#fields.filter(([column, , looks]) => used.has(column) && looks.fault() !== null);
    const problems = faulty.map(([column, , looks]) => ({
      reason: `looks ${column}`,
      sentence: `${file}: column '${column}' has ${reasonOf(looks)}`,
    }));
    const classes = classNames(this.#task.label);
    if (classes?.length === 1) {
      const sentence = `${file}: the label has one class only, '${classes[0]}': there is nothing to tell apart; name another column with --label, or take a table with all classes`;
      problems.push({ reason: 'classes', sentence });
    }
    if (slotsOf(this.#task).length === 0) {
      const why = [...this.reasons()].slice(0, 3).map(([column, reason]) => `'${column}' has ${reason}`);
      const sentence = `${file}: no column is left to learn from${why.length > 0 ? `: ${why.join('; ')}` : ''}`;
      problems.push({ reason: 'inputs', sentence });
    }
    return problems;
  }
}

function reasonOf(looks: Looks): string {
  const fault = looks.fault();
  if (looks.there === 0) return 'no values';
  switch (fault) {
    case null:
      return `more than ${categoriesMax} different texts`;
    case 'grouped':
      return `numbers in groups of thousands, such as ${looks.example}: write them without the sign between`;
    case 'boundless':
      return `numbers too large for any computer's, such as ${looks.example}: leave them empty, or scale the column`;
    default:
      return fault satisfies never;
  }
}
