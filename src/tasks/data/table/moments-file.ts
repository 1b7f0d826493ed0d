/** Moments of a site's columns as a file that can be given away: no rows, no extremes, and no list of values with one that few rows have. */
import * as z from 'zod';
import { parseJson } from '../../../core/parse-json.ts';
import { readAtMost } from '../../../platform/node/read-at-most.ts';
import { DataFileError } from '../../datasets/data-error.ts';
import type { ColumnProfile, TableProfile } from './table-profile.ts';

/** What fewer rows have is not told: a cell of a table that is published has five at least, by common practice of statistical offices. */
export const rowsToldMin = 5;
/** Values of a column of numbers are told only where they could be classes or codes. Guess. */
const codesMax = 20;
const fileBytesMax = 16 << 20;

const count = z.int().min(0);
const schema = z.strictObject({
  kind: z.literal('starlings table moments'),
  rows: count,
  hasNames: z.boolean(),
  columns: z
    .array(
      z.strictObject({
        column: z.string().min(1).max(200),
        missing: count,
        numbers: count,
        mean: z.number(),
        squares: z.number().min(0),
        texts: count,
        values: z.array(z.tuple([z.string(), count])).nullable(),
      }),
    )
    .max(16_384),
});

/** The file's text. */
export function writeMoments(profile: TableProfile): string {
  const { rows, hasNames, columns } = toldOf(profile);
  const told = columns.map(({ values, ...column }) => ({ ...column, values: values && [...values].sort() }));
  return `${JSON.stringify({ kind: 'starlings table moments', rows, hasNames, columns: told } satisfies z.infer<typeof schema>, null, 1)}\n`;
}

/** What is told of a table. */
export function toldOf({ columns, ...whole }: TableProfile): TableProfile {
  return { ...whole, columns: columns.map(toldColumn) };
}

/**
 * Beside a list of the frequent values, moments of all rows would tell the rare ones (all 0 but one row, and a sum of 737): they are of the
 * rows with those values alone. Where most rows have rare values they are of all rows, and no value is listed.
 */
function toldColumn({
  column,
  missing,
  numbers,
  mean,
  squares,
  texts,
  values,
}: ColumnProfile): ColumnProfile {
  const moments = numbers >= rowsToldMin ? { numbers, mean, squares } : { numbers: 0, mean: 0, squares: 0 };
  const whole = { column, missing, texts, ...moments };
  if (values === null || (numbers > 0 && values.size > codesMax)) return { ...whole, values: null };
  const frequent = new Map([...values].filter(([, rowsOf]) => rowsOf >= rowsToldMin));
  const listed = momentsOf(frequent);
  if (listed.numbers === numbers || moments.numbers === 0) return { ...whole, values: frequent };
  // Half: a guess.
  if (2 * listed.numbers < numbers) return { ...whole, values: new Map([...frequent].filter(isText)) };
  return { ...whole, ...listed, values: frequent };
}

function momentsOf(values: ReadonlyMap<string, number>): Pick<ColumnProfile, 'numbers' | 'mean' | 'squares'> {
  let numbers = 0;
  let mean = 0;
  let squares = 0;
  for (const [value, rows] of values) {
    if (isText([value])) continue;
    // Welford (1962), with weights as West (1979) has them.
    const step = Number(value) - mean;
    numbers += rows;
    mean += (step * rows) / numbers;
    squares += rows * step * (Number(value) - mean);
  }
  return { numbers, mean, squares };
}

/** Numbers are keys in the form that JavaScript writes. */
function isText([value]: readonly [string, ...unknown[]]): boolean {
  return !Number.isFinite(Number(value)) || String(Number(value)) !== value;
}

/** @throws DataFileError */
export async function readMoments(file: string): Promise<TableProfile> {
  const bytes = await readAtMost(file, fileBytesMax).catch((error: NodeJS.ErrnoException) => {
    throw new DataFileError(`${file}: expected moments of a table, but it cannot be opened (${error.code})`);
  });
  const parsed = bytes && schema.safeParse(parseJson(bytes.toString('utf8')));
  if (!parsed?.success) {
    throw new DataFileError(
      `${file}: these are no moments that \`starlings data moments --out\` has written`,
    );
  }
  const { columns, ...whole } = parsed.data;
  return {
    ...whole,
    columns: columns.map(({ values, ...column }) => ({ ...column, values: values && new Map(values) })),
  };
}
