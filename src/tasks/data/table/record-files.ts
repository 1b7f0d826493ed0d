/** Tables whose rows are records with names, each as a row of delimited text: what is read of them goes the one way that all tables go. */
import { extname } from 'node:path';
import { DataFileError } from '../../datasets/data-error.ts';
import type { CsvHead, CsvNames, CsvVisitor } from './csv-head.ts';
import { CsvScanner } from './csv-scanner.ts';
import { NumberReader } from './field-values.ts';
import { jsonLinesFile } from './json-lines-file.ts';
import { parquetFile } from './parquet-file.ts';
import type { RecordForm } from './record-form.ts';

const forms: Readonly<Record<string, RecordForm>> = {
  '.jsonl': jsonLinesFile,
  '.ndjson': jsonLinesFile,
  '.parquet': parquetFile,
};

/** The form of a file by its name; null for delimited text. */
export function recordFormOf(file: string): RecordForm | null {
  return forms[extname(file).toLowerCase()] ?? null;
}

/** As `readCsvFile`, whose names for a file without any mean nothing here. */
export async function readRecordFile(
  form: RecordForm,
  file: string,
  { wanted }: CsvNames,
  visit: (head: CsvHead) => CsvVisitor,
): Promise<CsvHead> {
  let head: CsvHead | null = null;
  await form(file, wanted, async ({ columns, rows }) => {
    head = {
      ...{ file, columns, delimiter: ',' as const, numbers: new NumberReader(',') },
      header: Buffer.from(columns.map(quoted).join(',')),
      seemsNamed: false,
    };
    const { row: onRow, refuse } = visit(head);
    const scanner = new CsvScanner(file, ',', (row) => onRow(row));
    const needed = new Set(wanted ?? []);
    for await (const { line, record, text = '' } of rows) {
      if (record === null) {
        const sentence = `${file}:${line}: expected a JSON object of names and values, found '${text.slice(0, 40)}'`;
        refuse({ reason: 'record', sentence });
        continue;
      }
      const nested = columns.find((column) => needed.has(column) && fieldOf(record[column]) === null);
      if (nested !== undefined) {
        const sentence = `${file}:${line}: expected one value in column '${nested}', found several: a table has one a field`;
        refuse({ reason: `nested ${nested}`, sentence });
        continue;
      }
      scanner.line = line;
      scanner.push(Buffer.from(`${columns.map((column) => fieldOf(record[column]) ?? '').join(',')}\n`));
    }
  });
  if (head === null) throw new DataFileError(`${file}: there is nothing in it`);
  return head;
}

/** A value as a field; null where it is several. */
function fieldOf(value: unknown): string | null {
  if (value === null || value === undefined || Number.isNaN(value)) return '';
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return value instanceof Date ? value.toISOString() : null;
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
