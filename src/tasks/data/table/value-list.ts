/** Which of a list of values a field is, told by its bytes: a string for every field would be half of all the time. */
import { type CsvRow, textOf } from './csv-scanner.ts';
import type { NumberReader } from './field-values.ts';

/** Place of a field in a list, below 0 where it is not in it. */
export type Places = (row: CsvRow, field: number) => number;

interface Entry {
  readonly bytes: Buffer;
  readonly place: number;
}

export function isNumeral(value: string): boolean {
  return /^[+-]?\d+(\.\d+)?$/.test(value);
}

/** A number is the same however it is written: 1 and 1.0. */
export function placesOf(values: readonly string[], numbers: NumberReader): Places {
  const byHash = new Map<number, Entry[]>();
  values.forEach((value, place) => {
    const bytes = Buffer.from(value);
    const hash = hashOf(bytes, 0, bytes.length);
    byHash.set(hash, [...(byHash.get(hash) ?? []), { bytes, place }]);
  });
  const byNumber = new Map(
    values.flatMap((value, place) => (isNumeral(value) ? [[Number(value), place] as const] : [])),
  );
  const quoted = new Map(
    values.flatMap((value, place) => (value.includes('"') ? [[value, place] as const] : [])),
  );
  return (row, field) => {
    const { bytes, starts, ends } = row;
    const from = starts[field]!;
    const to = ends[field]!;
    const alike = byHash.get(hashOf(bytes, from, to));
    if (alike !== undefined) {
      for (const entry of alike) if (isEqual(entry.bytes, bytes, from, to)) return entry.place;
    }
    const byValue = byNumber.size > 0 ? byNumber.get(numbers.read(row, field)) : undefined;
    return byValue ?? (quoted.size > 0 ? quoted.get(textOf(row, field)) : undefined) ?? -1;
  };
}

/** FNV-1a of 32 bits (Fowler, Noll, Vo). */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return hash;
}

function isEqual(value: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (value.length !== to - from) return false;
  for (let at = 0; at < value.length; at++) if (value[at] !== bytes[from + at]) return false;
  return true;
}
