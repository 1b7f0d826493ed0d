/** Attacks on what peers say to each other, by what an attacker makes of the outputs of an otherwise honest core. */
import type * as z from 'zod';
import type { DeltaCodec } from '../../../src/codec/delta-codec.ts';
import type { Signer } from '../../../src/core/crypto.ts';
import type { Output } from '../../../src/core/io.ts';
import type { EnvelopeContext } from '../../../src/log/envelope.ts';
import type { Described } from '../../../src/registry/registry.ts';

/** What an attacker has at hand. */
export interface MessageMeans {
  readonly context: EnvelopeContext;
  readonly signer: Signer;
  /** Of the run's deltas; null where the run has none. */
  readonly codec: DeltaCodec | null;
  /** Parameters of the model. */
  readonly size: number;
}

export interface MessageAttackKind<Schema extends z.ZodObject = z.ZodObject> extends Described {
  readonly schema: Schema;
  readonly examples: readonly z.input<Schema>[];
  /** Says two things of one round: honest peers will hand the proof on. */
  readonly equivocates: boolean;
  /** Whoever is connected to such peers alone hears nothing. */
  readonly isSilent: boolean;
  /** Honest peers, by number, that are connected to attackers only. */
  victims?(spec: z.output<Schema>): readonly number[];
  /** What is performed in place of one output. */
  act(output: Output, means: MessageMeans, spec: z.output<Schema>): readonly Output[];
}

/** Typed by its schema. */
export function defineMessageAttack<Schema extends z.ZodObject>(
  kind: MessageAttackKind<Schema>,
): MessageAttackKind<Schema> {
  return kind;
}
