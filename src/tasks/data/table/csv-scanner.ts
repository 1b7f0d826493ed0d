/**
 * Rows of delimited text (RFC 4180) out of chunks of bytes, without a copy of a field: csv-parse and papaparse make strings at 27 and 71 MB/s,
 * this finds fields at several hundred (docs/LOG.md). Quotes in the middle of a field that does not begin with one stand for themselves.
 */
import { DataFileError } from '../../datasets/data-error.ts';

/** Bounds of what one row may be; more is no table that a run can be described for. Guesses. */
export const columnsMax = 16_384;
export const rowBytesMax = 1 << 20;

const LF = 10;
const CR = 13;
const SPACE = 32;
const QUOTE = 34;

/** A row where it lies in memory: valid until the scanner goes on. */
export interface CsvRow {
  readonly bytes: Buffer;
  /** Line of the file, from 1, that it begins on. */
  readonly line: number;
  /** Where all of it lies, without the end of its line. */
  readonly from: number;
  readonly to: number;
  /** Fields it has. */
  readonly count: number;
  /** Where each begins and ends, without quotes and the spaces around. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/** `why` is null for a row; else what is wrong with the quotes of this one, which cannot be divided into fields. */
type OnRow = (row: CsvRow, why: string | null) => void;

export class CsvScanner implements CsvRow {
  bytes: Buffer = Buffer.alloc(0);
  line = 1;
  from = 0;
  to = 0;
  count = 0;
  readonly starts = new Int32Array(columnsMax + 1);
  readonly ends = new Int32Array(columnsMax + 1);
  readonly #file: string;
  readonly #onRow: OnRow;
  /** 1: the delimiter, 2: end of a line, 3: a quote, 4: never in text. */
  readonly #roles = new Uint8Array(256);
  /** Lines that the row being read has had so far. */
  #lines = 0;

  /** `file` only names it in errors. */
  constructor(file: string, delimiter: string, onRow: OnRow) {
    this.#file = file;
    this.#onRow = onRow;
    this.#roles[delimiter.charCodeAt(0)] = 1;
    this.#roles[LF] = 2;
    this.#roles[QUOTE] = 3;
    this.#roles[0] = 4;
  }

  /** @throws DataFileError where the bytes are no rows of text, what `onRow` throws */
  push(chunk: Buffer): void {
    this.bytes = this.bytes.length === 0 ? chunk : Buffer.concat([this.bytes, chunk]);
    const used = this.#scan(false);
    this.bytes = this.bytes.subarray(used);
    if (this.bytes.length > rowBytesMax) this.#refuseLong();
  }

  /** The last row needs no end of line. */
  end(): void {
    if (this.bytes.length > 0) this.#scan(true);
  }

  /** Returns how many bytes the rows had that are whole. */
  #scan(isEnd: boolean): number {
    const { bytes, starts } = this;
    const roles = this.#roles;
    const length = bytes.length;
    let rowStart = 0;
    let fields = 0;
    let why: string | null = null;
    starts[0] = 0;
    for (let at = 0; at < length; ) {
      const role = roles[bytes[at]!];
      if (role === 0) {
        at++;
      } else if (role === 1) {
        this.#close(fields, at);
        if (++fields >= columnsMax) this.#refuseWide();
        starts[fields] = ++at;
      } else if (role === 2) {
        this.#close(fields, at);
        this.#emit(rowStart, at, fields + 1, why);
        rowStart = ++at;
        fields = 0;
        why = null;
        starts[0] = at;
      } else if (role === 3 && this.#isBlank(starts[fields]!, at)) {
        const closing = this.#closingQuote(at);
        if (closing < 0) {
          if (isEnd || length - rowStart > rowBytesMax) this.#refuseOpen();
          this.#lines = 0;
          return rowStart;
        }
        const next = this.#afterQuoted(closing);
        if (next >= length && !isEnd) {
          this.#lines = 0;
          return rowStart;
        }
        if (next < length && roles[bytes[next]!] !== 1 && roles[bytes[next]!] !== 2) {
          why = 'a quoted field goes on after its closing quote: quotes within one are doubled';
        }
        at = next;
      } else if (role === 4) {
        this.#refuseNul();
      } else {
        at++;
      }
    }
    if (!isEnd) {
      this.#lines = 0;
      return rowStart;
    }
    if (rowStart < length) {
      this.#close(fields, length);
      this.#emit(rowStart, length, fields + 1, why);
    }
    return length;
  }

  /** Takes the spaces and the quotes off a field. */
  #close(field: number, end: number): void {
    const { bytes, starts, ends } = this;
    let from = starts[field]!;
    let to = end;
    while (to > from && (bytes[to - 1] === SPACE || bytes[to - 1] === CR)) to--;
    while (from < to && bytes[from] === SPACE) from++;
    if (to - from >= 2 && bytes[from] === QUOTE && bytes[to - 1] === QUOTE) {
      from++;
      to--;
    }
    starts[field] = from;
    ends[field] = to;
  }

  /** Blank lines are no rows. */
  #emit(from: number, to: number, count: number, why: string | null): void {
    this.count = count;
    this.from = from;
    this.to = to;
    const isBlank = count === 1 && this.starts[0] === this.ends[0] && to - from <= 1;
    if (!isBlank) this.#onRow(this, why);
    this.line += 1 + this.#lines;
    this.#lines = 0;
  }

  #isBlank(from: number, to: number): boolean {
    for (let at = from; at < to; at++) if (this.bytes[at] !== SPACE) return false;
    return true;
  }

  /** Place of the quote that ends the field that the one at `open` begins; below 0 where it is not here. */
  #closingQuote(open: number): number {
    const { bytes } = this;
    for (let at = open + 1; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === LF) this.#lines++;
      else if (byte === 0) this.#refuseNul();
      if (byte !== QUOTE) continue;
      if (bytes[at + 1] !== QUOTE) return at;
      at++;
    }
    return -1;
  }

  /** Spaces after a quoted field are none of it. */
  #afterQuoted(closing: number): number {
    let at = closing + 1;
    while (this.bytes[at] === SPACE || this.bytes[at] === CR) at++;
    return at;
  }

  #refuseLong(): never {
    throw new DataFileError(
      `${this.#file}:${this.line}: a row of more than ${rowBytesMax} bytes; this is no table with a row a line, check that it is the right file`,
    );
  }

  #refuseWide(): never {
    throw new DataFileError(
      `${this.#file}:${this.line}: more than ${columnsMax} columns; keep those that the run names`,
    );
  }

  #refuseOpen(): never {
    throw new DataFileError(
      `${this.#file}:${this.line}: a quote that opens in this row is never closed; close it, or double it where it stands for itself`,
    );
  }

  #refuseNul(): never {
    throw new DataFileError(
      `${this.#file}:${this.line}: a NUL byte, which no text has; export the table again as CSV in UTF-8`,
    );
  }
}

/** A field as text, doubled quotes made one. Its bytes are UTF-8: who reads the file refuses others. */
export function textOf({ bytes, starts, ends }: CsvRow, field: number): string {
  const text = bytes.toString('utf8', starts[field]!, ends[field]!);
  return text.includes('""') && bytes[starts[field]! - 1] === QUOTE ? text.replaceAll('""', '"') : text;
}

/** A copy of all of a row, as it stands. */
export function bytesOf({ bytes, from, to }: CsvRow): Buffer {
  return Buffer.from(bytes.subarray(from, to > from && bytes[to - 1] === CR ? to - 1 : to));
}
