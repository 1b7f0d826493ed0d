/** The kinds of entry that a run may log besides deltas: one line each. */
import type * as z from 'zod';
import type { EntryKind } from '../log/entry-kind.ts';
import { byId, schemaOfAll } from '../registry/registry.ts';
import { commit, recount, reveal } from './arena/holder-kinds.ts';
import { submission } from './arena/submission-kind.ts';
import type { EntryKindContext, EntryKindDescriptor } from './entry-kind-descriptor.ts';
import { answer } from './labels/answer-kind.ts';
import { batch } from './labels/batch-kind.ts';
import { gold } from './labels/gold-kind.ts';
import { ruling } from './labels/ruling-kind.ts';
import { publish } from './models/publish-kind.ts';
import { retire } from './models/retire-kind.ts';
import { feedback, usage } from './models/told-kinds.ts';
import { note } from './note/note-kind.ts';
import { revocation } from './revocation/revocation-kind.ts';

export const entryKinds = [
  note,
  publish,
  retire,
  feedback,
  usage,
  submission,
  commit,
  reveal,
  recount,
  batch,
  gold,
  answer,
  ruling,
  revocation,
] as const;

export const entryKindSchema = schemaOfAll(entryKinds);
export type EntryKindSpec = z.infer<typeof entryKindSchema>;

/** The body of an entry of a kind that says `text`, or why none can. */
export function composeEntry(kind: string, text: string): Uint8Array | { readonly refused: string } {
  return byId<EntryKindDescriptor<EntryKindSpec>>(entryKinds, kind).compose(text);
}

export function createEntryKind(spec: EntryKindSpec, context: EntryKindContext): EntryKind {
  return byId<EntryKindDescriptor<EntryKindSpec>>(entryKinds, spec.id).create(spec, context);
}

/** Why these cannot be the kinds of one run, as the end of a sentence about them; null where they can. */
export function impossibleKinds(kinds: readonly EntryKindSpec[]): string | null {
  const before = new Set<string>();
  for (const { id } of kinds) {
    if (before.has(id)) return 'must name each kind once';
    const { needs = [], minds = [] } = byId<EntryKindDescriptor<EntryKindSpec>>(entryKinds, id);
    const missing = needs.find((other) => !before.has(other));
    if (missing !== undefined) return `must name ${missing} before ${id}, which goes by it`;
    before.add(id);
    const late = minds.find((other) => !before.has(other) && kinds.some((kind) => kind.id === other));
    if (late !== undefined) return `must name ${late} before ${id}, which goes by it`;
  }
  return null;
}
