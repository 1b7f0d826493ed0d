/** What a run's model is trained by. */
import type * as z from 'zod';
import type { CompressorSpec } from '../codec/compressors/registry.ts';
import type { ProtocolCore } from '../core/io.ts';
import type { RunFrame } from '../core/run-frame.ts';
import type { JudgingSpec } from '../entries/judging-registry.ts';
import type { Impossible } from '../registry/impossible.ts';
import type { Described } from '../registry/registry.ts';
import type { CoreDependencies } from './core-dependencies.ts';
import type { LogParts, LogPartsDependencies } from './delta-log/log-parts.ts';
import type { TopologySpec } from './topologies/registry.ts';

/** What others need to know of the log of deltas that the peers of a run keep. */
export interface DeltaLogTraits {
  /** How deltas are written. */
  readonly codec: CompressorSpec;
  /** What is left each round of what an author has not sent. */
  readonly residualDecay: number;
  /** Expected publishers per round; everyone where there are no more peers. */
  readonly committeeSize: number;
  /** Rounds until a round is final. */
  readonly windowRounds: number;
  readonly snapshotRounds: number;
  /** By what deltas are judged; null: by nothing. Left out, it is still to be said by whoever makes the run. */
  readonly judging?: JudgingSpec | null | undefined;
  /** Kinds of entry besides deltas, in the order of their numbers from 1 on. */
  readonly kinds: ReadonlyArray<{ readonly id: string }>;
  /** What it is made of, to be folded outside of a node. */
  parts(frame: RunFrame, runId: string, deps: LogPartsDependencies): LogParts;
}

/** What a manifest may say of a method, what others must know of it, and the state machine that it is. */
export interface Method<Schema extends z.ZodObject = z.ZodObject> extends Described {
  readonly schema: Schema;
  readonly examples: readonly z.input<Schema>[];
  /** The log whose fold the model is, so that all peers come to the same bits; null where each has a model of its own. */
  log(spec: z.output<Schema>): DeltaLogTraits | null;
  /** Over which peers mix; null where everybody hears everybody by gossip. */
  topology(spec: z.output<Schema>): TopologySpec | null;
  /** Everybody must know who takes part: members are then numbered in the order of their keys. */
  needsRoster(spec: z.output<Schema>): boolean;
  /** Largest request that a peer may send, in bytes, for a model of `size` parameters. */
  requestBytesMax(size: number): number;
  /**
   * The first thing that does not go together, with its path in the spec, or null. `peers`: how many take part, where that is known;
   * `size`: parameters of the model.
   */
  impossible(spec: z.output<Schema>, peers: number | null, size: number): Impossible | null;
  /** One peer's state machine, for a spec of which nothing is impossible. */
  create(spec: z.output<Schema>, frame: RunFrame, runId: string, deps: CoreDependencies): ProtocolCore;
}

/** Room for every request but those that carry a model. */
export const smallRequestBytesMax = 64 * 1024;

/** Typed by its schema. */
export function defineMethod<Schema extends z.ZodObject>(method: Method<Schema>): Method<Schema> {
  return method;
}
