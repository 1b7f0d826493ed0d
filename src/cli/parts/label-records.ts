/** Records that are to be labelled: read from what people have, kept as JSON Lines, known by their hashes. */
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import * as dagCbor from '@ipld/dag-cbor';
import * as z from 'zod';
import { bytesToHex } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import { parseJson } from '../../core/parse-json.ts';
import { recordCharactersMax } from '../../entries/labels/spans.ts';
import { linesMislead } from '../../entries/plain-text.ts';
import { readCsvFile } from '../../tasks/data/table/csv-file.ts';
import { fieldOf } from '../../tasks/data/table/csv-head.ts';
import { textOf } from '../../tasks/data/table/csv-scanner.ts';
import { DataFileError } from '../../tasks/datasets/data-error.ts';

export interface LabelRecord {
  /** SHA-256 (hex) of its canonical form: what answers are about. */
  readonly hash: string;
  readonly text: string;
  /** The second of two, where one of them is preferred. */
  readonly other: string | null;
}

const fileBytesMax = 64 << 20;

/** Several lines, of which a reader sees all. */
const recordText = z
  .string()
  .max(recordCharactersMax, `has more than ${recordCharactersMax} characters`)
  .refine((text) => text.trim() !== '', 'is empty')
  .refine((text) => !linesMislead(text), 'has characters that nobody sees, or that mislead');
const recordSchema = z.strictObject({ text: recordText, other: recordText.optional() });

export interface ReadRecords {
  readonly records: readonly LabelRecord[];
  /** How many were left out, by reason, and where the first was. */
  readonly refused: readonly {
    readonly reason: string;
    readonly count: number;
    readonly firstLine: number;
  }[];
}

export interface RecordColumns {
  /** Name of the column of texts. */
  readonly text: string;
  /** Name of that of the second texts, where one is preferred. */
  readonly other: string | null;
}

/** Gathers what is one, and counts what is none. */
class Gathering {
  readonly records = new Map<string, LabelRecord>();
  readonly #refused = new Map<string, { count: number; readonly firstLine: number }>();
  readonly #crypto: Crypto;

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  take(line: number, given: unknown): void {
    const parsed = recordSchema.safeParse(given);
    if (!parsed.success) {
      const [{ message, path }] = parsed.error.issues as [z.core.$ZodIssue];
      this.refuse(line, `${path.join('.') || 'the record'}: ${message}`);
      return;
    }
    const { text, other } = parsed.data;
    const hash = bytesToHex(this.#crypto.sha256(dagCbor.encode(parsed.data)));
    if (this.records.has(hash)) this.refuse(line, 'is there twice');
    else this.records.set(hash, { hash, text, other: other ?? null });
  }

  refuse(line: number, reason: string): void {
    const before = this.#refused.get(reason);
    if (before) before.count += 1;
    else if (this.#refused.size < 32) this.#refused.set(reason, { count: 1, firstLine: line });
  }

  get read(): ReadRecords {
    const refused = [...this.#refused].map(([reason, one]) => ({ reason, ...one }));
    return { records: [...this.records.values()], refused };
  }
}

/**
 * Records of a file: JSON Lines (`{"text": ...}`, or as Label Studio has it `{"data": {"text": ...}}`), a table with a column of texts
 * (.csv, .tsv, .parquet), or any other text, of which each line is one. @throws DataFileError where it cannot be read
 */
export async function readRecords(
  file: string,
  columns: RecordColumns,
  crypto: Crypto,
): Promise<ReadRecords> {
  const gathering = new Gathering(crypto);
  const kind = extname(file).toLowerCase();
  if (['.csv', '.tsv', '.parquet'].includes(kind)) await readTable(file, columns, gathering);
  else {
    const isJson = kind === '.jsonl' || kind === '.ndjson';
    for (const [at, line] of (await linesOf(file)).entries()) {
      if (line.trim() === '') continue;
      gathering.take(at + 1, isJson ? recordIn(line, columns) : { text: line.trim() });
    }
  }
  return gathering.read;
}

/** Of a file of ours that somebody handed us: other lines than records are left out. @throws DataFileError */
export async function readBatch(file: string, crypto: Crypto): Promise<ReadRecords> {
  const gathering = new Gathering(crypto);
  for (const [at, line] of (await linesOf(file)).entries()) {
    if (line !== '') gathering.take(at + 1, parseJson(line));
  }
  return gathering.read;
}

/** As `readBatch` reads them. */
export function batchText(records: readonly LabelRecord[]): string {
  return records
    .map(({ text, other }) => `${JSON.stringify({ text, ...(other === null ? {} : { other }) })}\n`)
    .join('');
}

/** Of any system; null where it is no text, which the schema refuses. */
function unixLines(given: unknown): unknown {
  return typeof given === 'string' ? given.replaceAll('\r\n', '\n') : given;
}

function recordIn(line: string, { text, other }: RecordColumns): unknown {
  const parsed = parseJson(line.replace(/^\uFEFF/, ''));
  if (typeof parsed !== 'object' || parsed === null) return parsed;
  const { data } = parsed as { readonly data?: unknown };
  const fields = (typeof data === 'object' && data !== null ? data : parsed) as Record<string, unknown>;
  const first = unixLines(fields[text]);
  return other === null ? { text: first } : { text: first, other: unixLines(fields[other]) };
}

async function readTable(file: string, { text, other }: RecordColumns, gathering: Gathering): Promise<void> {
  const wanted = other === null ? [text] : [text, other];
  await readCsvFile(file, { headers: [], wanted }, (head) => {
    const at = wanted.map((column) => fieldOf(head, column));
    return {
      row: (row) => {
        const [first, second] = at.map((field) => unixLines(textOf(row, field)));
        gathering.take(row.line, second === undefined ? { text: first } : { text: first, other: second });
      },
      refuse: ({ sentence }) =>
        gathering.refuse(Number(/:(\d+):/.exec(sentence)?.[1] ?? 0), 'is no row of the table'),
    };
  });
}

async function linesOf(file: string): Promise<string[]> {
  const { size } = await stat(file);
  if (size > fileBytesMax)
    throw new DataFileError(`${file} has ${size} bytes: at most ${fileBytesMax} are read; give it in parts`);
  return (await readFile(file, 'utf8')).split(/\r?\n/);
}
