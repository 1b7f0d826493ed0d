/** Moments of a site's columns as a file that can be given away: no rows, no extremes, nothing that few rows have. */
import { readFile, stat } from 'node:fs/promises';
import * as z from 'zod';
import { parseJson } from '../../../core/parse-json.ts';
import { DataFileError } from '../../datasets/data-error.ts';
import type { TableProfile } from './table-profile.ts';

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
export function writeMoments({ rows, hasNames, columns }: TableProfile): string {
  const told = columns.map(({ values, ...column }) => {
    const isTold = column.numbers >= rowsToldMin;
    const isCode = values !== null && (column.numbers === 0 || values.size <= codesMax);
    return {
      ...column,
      ...(isTold ? {} : { numbers: 0, mean: 0, squares: 0 }),
      values: isCode ? [...values].filter(([, rowsOf]) => rowsOf >= rowsToldMin).sort() : null,
    };
  });
  return `${JSON.stringify({ kind: 'starlings table moments', rows, hasNames, columns: told } satisfies z.infer<typeof schema>, null, 1)}\n`;
}

/** @throws DataFileError */
export async function readMoments(file: string): Promise<TableProfile> {
  const { size } = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw new DataFileError(`${file}: expected moments of a table, but it cannot be opened (${error.code})`);
  });
  const parsed = size > fileBytesMax ? null : schema.safeParse(parseJson(await readFile(file, 'utf8')));
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
