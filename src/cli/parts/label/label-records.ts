/** Records that are to be labelled: read from what people have, kept as JSON Lines, known by their hashes. */
import { extname } from 'node:path';
import * as dagCbor from '@ipld/dag-cbor';
import * as z from 'zod';
import { bytesToHex } from '../../../core/bytes.ts';
import type { Crypto } from '../../../core/crypto.ts';
import { parseJson } from '../../../core/parse-json.ts';
import { recordCharactersMax } from '../../../entries/labels/spans.ts';
import { linesMislead } from '../../../entries/plain-text.ts';
import { readAtMost } from '../../../platform/node/read-at-most.ts';
import { readCsvFile } from '../../../tasks/data/table/csv-file.ts';
import { fieldOf } from '../../../tasks/data/table/csv-head.ts';
import { textOf } from '../../../tasks/data/table/csv-scanner.ts';
import { DataFileError } from '../../../tasks/datasets/data-error.ts';
import { type StudioAnnotation, studioAnnotations } from './studio-annotations.ts';

export interface LabelRecord {
  /** SHA-256 (hex) of its canonical form: what answers are about. */
  readonly hash: string;
  readonly text: string;
  /** The second of two, where one of them is preferred. */
  readonly other: string | null;
}

/** A reason that says nothing against the file. */
export const repeated = 'is there twice';

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
  /** What the file says of records besides, by their hashes. */
  readonly remarks: ReadonlyMap<string, RecordRemark>;
}

export interface RecordRemark {
  /** The right answer, of a column of its own. */
  readonly known?: string;
  /** What annotators of Label Studio said. */
  readonly annotations?: readonly StudioAnnotation[];
}

export interface RecordColumns {
  /** Name of the column of texts. */
  readonly text: string;
  /** Name of that of the second texts, where one is preferred. */
  readonly other: string | null;
  /** Name of that of right answers; a record without one has none. */
  readonly known?: string | null;
  /** Names of all columns of a table, where its first row has none. */
  readonly header?: readonly string[] | undefined;
}

/** Gathers what is one, and counts what is none. */
class Gathering {
  readonly records = new Map<string, LabelRecord>();
  readonly #remarks = new Map<string, RecordRemark>();
  readonly #refused = new Map<string, { count: number; readonly firstLine: number }>();
  readonly #crypto: Crypto;

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  take(line: number, given: unknown, remark: RecordRemark = {}): void {
    const parsed = recordSchema.safeParse(given);
    if (!parsed.success) {
      const [{ code, message, path }] = parsed.error.issues as [z.core.$ZodIssue];
      // Names of fields are words of whoever wrote the file.
      const why = code === 'unrecognized_keys' ? 'has other fields than text and other' : message;
      this.refuse(line, `${path.join('.') || 'the record'}: ${why}`);
      return;
    }
    const { text, other } = parsed.data;
    const hash = bytesToHex(this.#crypto.sha256(dagCbor.encode(parsed.data)));
    if (this.records.has(hash)) this.refuse(line, repeated);
    else {
      this.records.set(hash, { hash, text, other: other ?? null });
      if (Object.keys(remark).length > 0) this.#remarks.set(hash, remark);
    }
  }

  refuse(line: number, reason: string): void {
    const before = this.#refused.get(reason);
    if (before) before.count += 1;
    else if (this.#refused.size < 32) this.#refused.set(reason, { count: 1, firstLine: line });
  }

  get read(): ReadRecords {
    const refused = [...this.#refused].map(([reason, one]) => ({ reason, ...one }));
    return { records: [...this.records.values()], refused, remarks: this.#remarks };
  }
}

/**
 * Records of a file: JSON Lines (`{"text": ...}`, or as Label Studio has it `{"data": {"text": ...}}`), such a list (.json), a table with a
 * column of texts (.csv, .tsv, .parquet), or any other text, of which each line is one. @throws DataFileError where it cannot be read
 */
export async function readRecords(
  file: string,
  columns: RecordColumns,
  crypto: Crypto,
): Promise<ReadRecords> {
  const gathering = new Gathering(crypto);
  const kind = extname(file).toLowerCase();
  if (['.csv', '.tsv', '.parquet'].includes(kind)) await readTable(file, columns, gathering);
  else if (kind === '.json') {
    const tasks = parseJson((await textOfFile(file)).replace(/^\uFEFF/, ''));
    if (!Array.isArray(tasks)) throw new DataFileError(`${file} is no JSON list of tasks`);
    for (const [at, task] of tasks.entries()) takeTask(gathering, at + 1, task, columns);
  } else {
    const isJson = kind === '.jsonl' || kind === '.ndjson';
    for (const [at, line] of (await linesOf(file)).entries()) {
      if (line.trim() === '') continue;
      if (isJson) takeTask(gathering, at + 1, parseJson(line.replace(/^\uFEFF/, '')), columns);
      else gathering.take(at + 1, { text: line.trim() });
    }
  }
  return gathering.read;
}

/** Of a file of ours that somebody handed us, with so many records: other lines are left out. @throws DataFileError */
export async function readBatch(file: string, recordsMax: number, crypto: Crypto): Promise<ReadRecords> {
  const gathering = new Gathering(crypto);
  for (const [at, line] of (await linesOf(file)).entries()) {
    if (line === '') continue;
    if (at >= recordsMax)
      throw new DataFileError(`it has more lines than the ${recordsMax} records that it is said to have`);
    gathering.take(at + 1, parseJson(line));
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

/** `at`: its line, or its number in the list. */
function takeTask(gathering: Gathering, at: number, task: unknown, columns: RecordColumns): void {
  if (typeof task !== 'object' || task === null) {
    gathering.take(at, task);
    return;
  }
  const { text, other, known = null } = columns;
  const { data } = task as { readonly data?: unknown };
  const fields = (typeof data === 'object' && data !== null ? data : task) as Record<string, unknown>;
  const first = unixLines(fields[text]);
  const right = known === null ? undefined : rightAnswer(fields[known]);
  const annotations = studioAnnotations(task);
  gathering.take(at, other === null ? { text: first } : { text: first, other: unixLines(fields[other]) }, {
    ...(right === undefined ? {} : { known: right }),
    ...(annotations.length === 0 ? {} : { annotations }),
  });
}

/** Undefined where there is none. Numbers are ratings. */
function rightAnswer(given: unknown): string | undefined {
  const text = typeof given === 'number' ? String(given) : given;
  return typeof text === 'string' && text.trim() !== '' ? text.trim().replaceAll('\r\n', '\n') : undefined;
}

async function readTable(
  file: string,
  { text, other, known = null, header }: RecordColumns,
  gathering: Gathering,
): Promise<void> {
  const wanted = [text, other, known].filter((column) => column !== null);
  await readCsvFile(file, { headers: header === undefined ? [] : [header], wanted }, (head) => {
    const at = [text, other, known].map((column) => (column === null ? null : fieldOf(head, column)));
    return {
      row: (row) => {
        const [first, second, third] = at.map((field) =>
          field === null ? undefined : unixLines(textOf(row, field)),
        );
        const right = rightAnswer(third);
        gathering.take(
          row.line,
          second === undefined ? { text: first } : { text: first, other: second },
          right === undefined ? {} : { known: right },
        );
      },
      refuse: ({ sentence }) =>
        gathering.refuse(Number(/:(\d+):/.exec(sentence)?.[1] ?? 0), 'is no row of the table'),
    };
  });
}

async function linesOf(file: string): Promise<string[]> {
  return (await textOfFile(file)).split(/\r?\n/);
}

async function textOfFile(file: string): Promise<string> {
  const bytes = await readAtMost(file, fileBytesMax);
  if (bytes !== null) return bytes.toString('utf8');
  throw new DataFileError(`${file} has more than the ${fileBytesMax} bytes that are read; give it in parts`);
}
