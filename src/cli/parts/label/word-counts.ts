/** Texts as numbers that models learn from: how often words occur ("feature hashing", Weinberger et al. 2009, without signs). */
import type { LabelRecord } from './label-records.ts';

export function textsOf({ text, other }: Pick<LabelRecord, 'text' | 'other'>): string[] {
  return other === null ? [text] : [text, other];
}

/** Of columns that say how many they are: a model that was trained on some of them shows where words fall. */
export function wordColumns(features: number): string[] {
  const digits = (number: number): string => String(number).padStart(4, '0');
  return Array.from({ length: features }, (_, at) => `w${digits(at)}of${digits(features)}`);
}

/** How many columns words fall into, by the name of one; null where it is none of ours. */
export function featuresOf(column: string): number | null {
  const [, at, features] = /^w(\d{4})of(\d{4})$/.exec(column) ?? [];
  return at !== undefined && Number(at) < Number(features) ? Number(features) : null;
}

export function wordCounts(record: Pick<LabelRecord, 'text' | 'other'>, features: number): number[] {
  const counts = new Array<number>(features).fill(0);
  for (const text of textsOf(record)) {
    for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu))
      counts[placeOf(word) % features]! += 1;
  }
  return counts;
}

/** FNV-1a over UTF-8, 32 bits. */
function placeOf(word: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(word)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
