/** A kind of entry by which members judge deltas, as the registry lists it, and what a method must know of it. */
import type * as z from 'zod';
import type { Crypto } from '../core/crypto.ts';
import type { PeerKey } from '../core/io.ts';
import type { EntryKind } from '../log/entry-kind.ts';
import type { Described } from '../registry/registry.ts';

/** What a member is asked to find out of the deltas of a final round, whose authors these are, in the order in which they are judged. */
export type Duty =
  /** By so many examples of the run's evaluation set; `streamKey` names the random stream that draws them. */
  | {
      readonly means: 'examples';
      readonly authors: readonly PeerKey[];
      readonly streamKey: string;
      readonly examples: number;
    }
  /** By what its own training of that round came to. */
  | { readonly means: 'own-update'; readonly authors: readonly PeerKey[] };

export interface JudgingKind<Content = never, State = never> extends EntryKind<Content, State> {
  /** Who judges needs what its own training came to, until the round is final. */
  readonly remembersUpdates: boolean;
  /** What is asked of a member once this round is the last one folded; null where nothing is. */
  dutyIn(state: unknown, round: number, member: PeerKey): Duty | null;
  /** Rounds that a member is asked about since others have said different things of them, and has said nothing of. */
  appealedIn(state: unknown, member: PeerKey): readonly number[];
  /** Whether an entry of a round that is about another one still counts. */
  isInTime(state: unknown, about: number, round: number): boolean;
  /** The body that says what was found out, one integer for each delta in the order of their authors. */
  compose(scores: readonly number[]): Uint8Array;
}

export interface JudgingContext {
  readonly runId: string;
  readonly crypto: Crypto;
  /** A round is final so many rounds later. */
  readonly windowRounds: number;
}

export interface JudgingDescriptor<Spec = never> extends Described {
  create(spec: Spec, context: JudgingContext): JudgingKind;
  /** Examples of the run's evaluation set that one round takes, by a model that everybody can compute; null where it needs none. */
  evaluationExamples(spec: Spec): number | null;
  /** What it protects from and what not, in a sentence, for whoever makes or reads of the run. */
  protects(spec: Spec): string;
}

/** Keeps the types of schema and spec together. */
export function defineJudging<Schema extends z.ZodObject>(
  descriptor: JudgingDescriptor<z.infer<Schema>> & { readonly schema: Schema },
): JudgingDescriptor<z.infer<Schema>> & { readonly schema: Schema } {
  return descriptor;
}
