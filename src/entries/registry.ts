/** The kinds of entry that a run may log besides deltas: one line for each. */
import * as z from 'zod';
import type { EntryKind } from '../log/entry-kind.ts';
import { note } from './note/note-kind.ts';

const descriptors = { note };

export const entryKindSchema = z.discriminatedUnion('id', [descriptors.note.schema]);
export type EntryKindSpec = z.infer<typeof entryKindSchema>;

export function createEntryKind(spec: EntryKindSpec): EntryKind {
  return descriptors[spec.id].create(spec);
}
