/** What is different between two simulations: what they were told, what came out, and from which round on. */
import type { Chronicle, RoundRow } from '../chronicle.ts';

export interface ChronicleComparison {
  /** Same seed, same events, same bytes: everything else that differs is wall time. */
  readonly sameTrace: boolean;
  /** Settings that differ, by their path in the scenario. */
  readonly settings: ReadonlyArray<{ readonly path: string; readonly a: unknown; readonly b: unknown }>;
  /** Numbers of the results, side by side. */
  readonly results: ReadonlyArray<{ readonly field: string; readonly a: number; readonly b: number }>;
  /** First round whose rows differ; null where none does, as far as both have rows. */
  readonly firstRound: number | null;
  /** For each column the round in which it differs most; columns that never differ are left out. */
  readonly columns: ReadonlyArray<{
    readonly column: string;
    readonly round: number;
    readonly a: number;
    readonly b: number;
  }>;
}

export function compareChronicles(a: Chronicle, b: Chronicle): ChronicleComparison {
  const numbers = Object.keys(a.result).filter(
    (field) => typeof a.result[field] === 'number' && typeof b.result[field] === 'number',
  );
  const pairs = a.rows.slice(0, b.rows.length).map((row, index) => [row, b.rows[index]!] as const);
  return {
    sameTrace: a.result['traceHash'] !== undefined && a.result['traceHash'] === b.result['traceHash'],
    settings: differences(a.scenario, b.scenario, ''),
    results: numbers.map((field) => ({ field, a: a.result[field] as number, b: b.result[field] as number })),
    firstRound:
      pairs.find(([one, other]) => JSON.stringify(one) !== JSON.stringify(other))?.[0].round ?? null,
    columns: columnsOf(pairs),
  };
}

function columnsOf(pairs: ReadonlyArray<readonly [RoundRow, RoundRow]>): ChronicleComparison['columns'] {
  const columns = pairs[0] ? (Object.keys(pairs[0][0]) as (keyof RoundRow)[]) : [];
  return columns.flatMap((column) => {
    let worst: { column: string; round: number; a: number; b: number } | null = null;
    for (const [one, other] of pairs) {
      const [x, y] = [one[column], other[column]];
      if (x === null || y === null || x === y) continue;
      if (!worst || Math.abs(x - y) > Math.abs(worst.a - worst.b))
        worst = { column, round: one.round, a: x, b: y };
    }
    return worst ? [worst] : [];
  });
}

function differences(a: unknown, b: unknown, path: string): Array<{ path: string; a: unknown; b: unknown }> {
  if (!isObject(a) || !isObject(b)) return JSON.stringify(a) === JSON.stringify(b) ? [] : [{ path, a, b }];
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return keys.flatMap((key) => differences(a[key], b[key], path === '' ? key : `${path}.${key}`));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Of a line: a name, two values and what follows them. */
const nameColumns = 26;
const valueColumns = 22;
/** Settings have nothing after their values, and long names. */
const settingColumns = 53;

/** At most so many columns; what a terminal would obey instead of showing is replaced. */
function clipped(text: string, columns: number): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd').slice(0, columns);
}

/** For a terminal of 100 columns. */
export function formatComparison(comparison: ChronicleComparison, names: readonly [string, string]): string {
  const { sameTrace, settings, results, firstRound, columns } = comparison;
  const number = (value: number): string => String(Number(value.toPrecision(6)));
  const row = (name: string, a: string, b: string, more = '', columns = nameColumns): string => {
    const [left, right] = [a, b].map((value) => clipped(value, valueColumns).padStart(valueColumns));
    return `${clipped(name, columns).padEnd(columns)} ${left} ${right} ${more}`.trimEnd();
  };
  const text = (value: unknown): string => (value === undefined ? '-' : JSON.stringify(value));
  const lines = [sameTrace ? 'the traces are the same' : 'the traces differ'];
  if (firstRound !== null) lines.push(`the rounds differ from round ${firstRound} on`);
  if (settings.length > 0) {
    lines.push(
      '',
      row('setting', ...names, '', settingColumns),
      ...settings.map(({ path, a, b }) => row(path, text(a), text(b), '', settingColumns)),
    );
  }
  lines.push('', row('result', ...names, 'b / a'));
  for (const { field, a, b } of results) {
    lines.push(row(field, number(a), number(b), a === b ? '' : a === 0 ? '' : (b / a).toFixed(3)));
  }
  if (columns.length > 0) {
    lines.push('', row('differs most', ...names, 'in round'));
    for (const { column, round, a, b } of columns)
      lines.push(row(column, number(a), number(b), String(round)));
  }
  return `${lines.join('\n')}\n`;
}
