/**
 * What things are, and how often whom errs on what, from what several people say of them (Dawid and Skene, "Maximum likelihood estimation of
 * observer error-rates using the EM algorithm", 1979). Sums, products and quotients alone: the same bits on every machine.
 */

/** What one of the people said of one thing; all are numbers from 0. The same person may speak of a thing again. */
export interface Said {
  readonly thing: number;
  readonly person: number;
  readonly value: number;
}

export interface DawidSkene {
  /** Of each thing, how probable each value is. */
  readonly probabilities: readonly (readonly number[])[];
  /** How frequent each value is. */
  readonly shares: readonly number[];
  /** Of each person and each true value, how often the person says each value; null for a true value that it said nothing of. */
  readonly errors: readonly (readonly (readonly number[] | null)[])[];
  /** Steps it took. */
  readonly steps: number;
  /** Whether the last step changed next to nothing. */
  readonly hasSettled: boolean;
}

export interface DawidSkeneOptions {
  readonly things: number;
  readonly people: number;
  readonly values: number;
  /** Guess: 45 patients take 16. */
  readonly stepsMax?: number;
  /** No probability changes by more in the last step. Guess. */
  readonly tolerance?: number;
}

/** Of things of which nobody said anything all values are as probable as they are frequent. */
export function dawidSkene(
  said: readonly Said[],
  { things, people, values, stepsMax = 200, tolerance = 1e-6 }: DawidSkeneOptions,
): DawidSkene {
  let probabilities = sharesSaid(said, things, values);
  for (let steps = 1; ; steps++) {
    const shares = columnMeans(probabilities, values);
    const errors = errorsOf(said, probabilities, people, values);
    const next = expected(said, shares, errors, things);
    const change = largestChange(probabilities, next);
    probabilities = next;
    const hasSettled = change <= tolerance;
    if (hasSettled || steps >= stepsMax) return { probabilities, shares, errors, steps, hasSettled };
  }
}

/** Equation 3.1: what it begins with, the share of each value in what was said of the thing. */
function sharesSaid(said: readonly Said[], things: number, values: number): number[][] {
  const counts = Array.from({ length: things }, () => new Array<number>(values).fill(0));
  for (const { thing, value } of said) counts[thing]![value]! += 1;
  return counts.map(normalised);
}

/** To a sum of 1; of nothing all are alike. */
function normalised(row: readonly number[]): number[] {
  const sum = sumOf(row);
  return row.map((each) => (sum > 0 ? each / sum : 1 / row.length));
}

function sumOf(row: readonly number[]): number {
  return row.reduce((sum, each) => sum + each, 0);
}

/** Equation 2.4. */
function columnMeans(rows: readonly (readonly number[])[], values: number): number[] {
  return Array.from(
    { length: values },
    (_, value) => rows.reduce((sum, row) => sum + row[value]!, 0) / Math.max(1, rows.length),
  );
}

/** Equation 2.3. */
function errorsOf(
  said: readonly Said[],
  probabilities: readonly (readonly number[])[],
  people: number,
  values: number,
): (number[] | null)[][] {
  const counts = Array.from({ length: people }, () =>
    Array.from({ length: values }, () => new Array<number>(values).fill(0)),
  );
  for (const { thing, person, value } of said) {
    for (let truth = 0; truth < values; truth++)
      counts[person]![truth]![value]! += probabilities[thing]![truth]!;
  }
  return counts.map((rows) => rows.map((row) => (sumOf(row) > 0 ? normalised(row) : null)));
}

/** Equation 2.5. Each factor takes away from all values alike what they have in common: products of many would be 0. */
function expected(
  said: readonly Said[],
  shares: readonly number[],
  errors: readonly (readonly (readonly number[] | null)[])[],
  things: number,
): number[][] {
  const rows = Array.from({ length: things }, () => [...shares]);
  for (const { thing, person, value } of said) {
    const row = rows[thing]!;
    for (const [truth, ofTruth] of errors[person]!.entries()) row[truth]! *= ofTruth?.[value] ?? 0;
    const most = Math.max(...row);
    if (most > 0) for (let truth = 0; truth < row.length; truth++) row[truth]! /= most;
  }
  return rows.map(normalised);
}

function largestChange(
  before: readonly (readonly number[])[],
  after: readonly (readonly number[])[],
): number {
  let most = 0;
  for (const [thing, row] of after.entries()) {
    for (const [value, each] of row.entries()) most = Math.max(most, Math.abs(each - before[thing]![value]!));
  }
  return most;
}
