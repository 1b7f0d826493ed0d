/** Names under which a log is stored; they sort by round. */
import type { EntryHeader } from './envelope.ts';
import { placeKey } from './log-book.ts';

type Named = Pick<EntryHeader, 'round' | 'author' | 'kind' | 'index'> & { readonly id: string };

const roundKey = (round: number): string => round.toString().padStart(10, '0');

export const logKey = (entry: Named): string => `log/${roundKey(entry.round)}/${placeKey(entry)}/${entry.id}`;
/** Of rounds that snapshots cover: kept where everything is, and read by nobody but exports. */
export const archiveKey = (entry: Named): string => `archive/${logKey(entry)}`;
export const baseKey = (round: number): string => `base/${roundKey(round)}`;

export const isLogKey = (key: string): boolean => key.startsWith('log/');
export const isArchiveKey = (key: string): boolean => key.startsWith('archive/');
export const isBaseKey = (key: string): boolean => key.startsWith('base/');
