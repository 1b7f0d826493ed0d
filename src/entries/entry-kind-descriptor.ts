import type * as z from 'zod';
import type { Crypto } from '../core/crypto.ts';
import type { EntryKind } from '../log/entry-kind.ts';
import type { Described } from '../registry/registry.ts';

export interface EntryKindContext {
  readonly crypto: Crypto;
  readonly runId: string;
}

/** A kind of entry that a run may log besides deltas, as the registry lists it. */
export interface EntryKindDescriptor<Spec = never> extends Described {
  create(spec: Spec, context: EntryKindContext): EntryKind;
  /** The body of an entry that says `text`, as a command gives it; or, in a sentence, why none can. */
  compose(text: string): Uint8Array | { readonly refused: string };
  /** Bodies that the kind of a spec takes, all different: the tests of all kinds write them. */
  sampleBodies(spec: Spec): readonly Uint8Array[];
  /** Kinds that a run must log as well, and before it: it goes by their states. */
  readonly needs?: readonly string[];
  /** Kinds whose states it goes by where the run logs them: before it. */
  readonly minds?: readonly string[];
}

/** Keeps the types of schema and spec together. */
export function defineEntryKind<Schema extends z.ZodObject>(
  descriptor: EntryKindDescriptor<z.infer<Schema>> & { readonly schema: Schema },
): EntryKindDescriptor<z.infer<Schema>> & { readonly schema: Schema } {
  return descriptor;
}
