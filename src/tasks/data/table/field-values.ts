/** What a field of a table says: a number, nothing, or neither. */
import type { CsvRow } from './csv-scanner.ts';

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const POINT = 46;
const COMMA = 44;
const SIGNS = { plus: 43, minus: 45 } as const;

/** Below this whole numbers, and powers of ten up to the 22nd, are exact in a double: so is their quotient rounded once (Clinger 1990). */
const digitsMax = 15;
const powersOfTen = Array.from({ length: digitsMax + 1 }, (_, power) => 10 ** power);

/** In capitals, beside nothing at all. R's, pandas', SQL's, UCI's and that of people. */
const missingWords: readonly string[] = ['NA', 'N/A', 'NAN', 'NULL'];
const missingSigns = [63, 45];

export function isMissing({ bytes, starts, ends }: CsvRow, field: number): boolean {
  const from = starts[field]!;
  const length = ends[field]! - from;
  if (length <= 1) return length === 0 || missingSigns.includes(bytes[from]!);
  // All words begin with N and have at most four letters: the others need no text made of them.
  if (length > 4 || (bytes[from]! | 32) !== 110) return false;
  return missingWords.includes(bytes.toString('latin1', from, from + length).toUpperCase());
}

/**
 * Reads decimal numbers. Where the delimiter leaves a choice, the first sign that is met is the decimal sign of the whole file: the other
 * one is refused from then on, for 1.234 may be one and a bit or a thousand.
 */
export class NumberReader {
  /** 0 until one is met. */
  #decimal: number;

  constructor(delimiter: string) {
    this.#decimal = delimiter === ',' ? POINT : 0;
  }

  get isDecimalComma(): boolean {
    return this.#decimal === COMMA;
  }

  /** NaN where it is none. */
  read({ bytes, starts, ends }: CsvRow, field: number): number {
    const end = ends[field]!;
    let at = starts[field]!;
    const isNegative = bytes[at] === SIGNS.minus;
    if (isNegative || bytes[at] === SIGNS.plus) at++;
    let digits = 0;
    let whole = 0;
    let decimals = -1;
    let sign = this.#decimal;
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (isDigit(byte)) {
        whole = whole * 10 + (byte - 48);
        digits++;
        if (decimals >= 0) decimals++;
      } else if ((byte === POINT || byte === COMMA) && decimals < 0 && (sign === 0 || sign === byte)) {
        sign = byte;
        decimals = 0;
      } else {
        return this.#readSlowly(bytes, starts[field]!, end);
      }
    }
    if (digits === 0 || digits > digitsMax) return this.#readSlowly(bytes, starts[field]!, end);
    this.#decimal = sign;
    const value = decimals > 0 ? whole / powersOfTen[decimals]! : whole;
    return isNegative ? -value : value;
  }

  /** With an exponent, or more digits than are exact. */
  #readSlowly(bytes: Buffer, from: number, to: number): number {
    if (to - from > 60) return Number.NaN;
    const found = bytes.toString('latin1', from, to);
    const sign = found.includes(',') ? COMMA : found.includes('.') ? POINT : this.#decimal;
    if (this.#decimal !== 0 && sign !== this.#decimal) return Number.NaN;
    const text = found.replace(',', '.');
    const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
    if (!Number.isFinite(value)) return Number.NaN;
    this.#decimal = sign;
    return value;
  }
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}
