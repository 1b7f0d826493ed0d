/** Names under which a log is stored; they sort by round. */
import type { EntryHeader } from './envelope.ts';
import { placeKey } from './log-book.ts';

type Named = Pick<EntryHeader, 'round' | 'author' | 'kind' | 'index'> & { readonly id: string };

const roundKey = (round: number): string => round.toString().padStart(10, '0');

/** Below these a store has the entries of a round: of a round that no snapshot covers, or archived. */
export const roundPrefixes = (round: number): readonly string[] => [
  `archive/log/${roundKey(round)}/`,
  `log/${roundKey(round)}/`,
];
export const logPrefixes = ['archive/log/', 'log/'] as const;

export const logKey = (entry: Named): string => `log/${roundKey(entry.round)}/${placeKey(entry)}/${entry.id}`;
/** Of rounds that snapshots cover: kept where everything is, and read by nobody but exports. */
export const archiveKey = (entry: Named): string => `archive/${logKey(entry)}`;
export const baseKey = (round: number): string => `base/${roundKey(round)}`;

/** A segment of a snapshot that is on its way. */
export const partKey = (root: string, index: number): string => `part/${root}/${roundKey(index)}`;

export const isLogKey = (key: string): boolean => key.startsWith('log/');
export const isArchiveKey = (key: string): boolean => key.startsWith('archive/');
export const isBaseKey = (key: string): boolean => key.startsWith('base/');

/** What the key of a segment says; null for other keys. */
export function partNamedBy(key: string): { readonly root: string; readonly index: number } | null {
  const [, root, index] = /^part\/([0-9a-f]{64})\/(\d{10})$/.exec(key) ?? [];
  return root === undefined ? null : { root, index: Number(index) };
}

/** What the key of an entry says, archived or not; null for other keys. */
export function namedBy(key: string): Named | null {
  const [, round, author, rest, id] =
    /^(?:archive\/)?log\/(\d{10})\/([0-9a-f]{64})((?:[0-9a-f]{4})?)\/([0-9a-f]{64})$/.exec(key) ?? [];
  if (round === undefined || author === undefined || rest === undefined || id === undefined) return null;
  const [kind, index] = rest === '' ? [0, 0] : [hexToByte(rest, 0), hexToByte(rest, 2)];
  return { round: Number(round), author, kind, index, id };
}

const hexToByte = (hex: string, at: number): number => Number.parseInt(hex.slice(at, at + 2), 16);
