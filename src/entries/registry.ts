/** The kinds of entry that a run may log besides deltas: one line each. */
import type * as z from 'zod';
import type { EntryKind } from '../log/entry-kind.ts';
import { byId, schemaOfAll } from '../registry/registry.ts';
import type { EntryKindDescriptor } from './entry-kind-descriptor.ts';
import { note } from './note/note-kind.ts';
import { revocation } from './revocation/revocation-kind.ts';

export const entryKinds = [note, revocation] as const;

export const entryKindSchema = schemaOfAll(entryKinds);
export type EntryKindSpec = z.infer<typeof entryKindSchema>;

/** The body of an entry of a kind that says `text`, or why none can. */
export function composeEntry(kind: string, text: string): Uint8Array | { readonly refused: string } {
  return byId<EntryKindDescriptor<EntryKindSpec>>(entryKinds, kind).compose(text);
}

export function createEntryKind(spec: EntryKindSpec): EntryKind {
  return byId<EntryKindDescriptor<EntryKindSpec>>(entryKinds, spec.id).create(spec);
}
