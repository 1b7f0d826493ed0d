/** What a run's model is trained by. */
import type * as z from 'zod';
import type { CompressorSpec } from '../codec/compressors/registry.ts';
import type { Crypto } from '../core/crypto.ts';
import type { ProtocolCore } from '../core/io.ts';
import type { RunFrame } from '../core/run-frame.ts';
import type { AuditsSpec } from '../entries/audit/audit-kind.ts';
import type { AllianceSpec } from '../entries/ballot/ballot-kind.ts';
import type { JudgingSpec } from '../entries/judging-registry.ts';
import type { Impossible } from '../registry/impossible.ts';
import type { Described } from '../registry/registry.ts';
import type { CoreDependencies } from './core-dependencies.ts';
import type { DeltaLogParts, LogPartsDependencies } from './delta-log/log-parts.ts';
import type { LogParts } from './log-parts.ts';
import type { TopologySpec } from './topologies/registry.ts';

export type PartsArguments = [frame: RunFrame, runId: string, deps: LogPartsDependencies];

/** What others need to know of the deltas in a log. */
export interface DeltaTraits {
  /** How deltas are written. */
  readonly codec: CompressorSpec;
  /** What is left each round of what an author has not sent. */
  readonly residualDecay: number;
  /** By which part of that its training begins ahead of the model. */
  readonly headStart: number;
  /** Expected publishers per round; everyone where there are no more peers. */
  readonly committeeSize: number;
  /** Norms are clipped to this times the median of the round. */
  readonly clipFactor: number;
  /** By what deltas are judged; null: by nothing. Left out, it is still to be said by whoever makes the run. */
  readonly judging?: JudgingSpec | null | undefined;
  /** How deltas are audited; left out: not at all. */
  readonly audits?: AuditsSpec | undefined;
  /** How members vote on whole rounds; left out: they do not. */
  readonly alliance?: AllianceSpec | undefined;
  parts(...how: PartsArguments): DeltaLogParts;
}

/** And of the log that the peers of a run keep, whatever stands in it. */
export interface LogTraits {
  /** Rounds until a round is final. */
  readonly windowRounds: number;
  readonly snapshotRounds: number;
  /** Ids of the kinds of entry, by their number. */
  readonly kinds: readonly string[];
  /** False where entries are all there is: such a run has no last round. */
  readonly trains: boolean;
  /** Null where nobody sees single deltas, or there are none. */
  readonly deltas: DeltaTraits | null;
  /** Entries that all its kinds may have in a round together, with as many deltas as are to publish. */
  entriesPerRound(frame: RunFrame, crypto: Crypto): number;
  /** What it is made of, to be folded outside of a node. */
  parts(...how: PartsArguments): LogParts;
}

/** What a manifest may say of a method, what others must know of it, and the state machine that it is. */
export interface Method<Schema extends z.ZodObject = z.ZodObject> extends Described {
  readonly schema: Schema;
  readonly examples: readonly z.input<Schema>[];
  /** The log whose fold is what all peers come to, bit for bit; null where each has a model of its own. */
  log(spec: z.output<Schema>): LogTraits | null;
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
  /** What it protects from and what not, in sentences without an end, beside what its log says of itself; nothing where left out. */
  protects?(spec: z.output<Schema>, peers: number | null): readonly string[];
  /** One peer's state machine, for a spec of which nothing is impossible. */
  create(spec: z.output<Schema>, frame: RunFrame, runId: string, deps: CoreDependencies): ProtocolCore;
}

/** Room for every request but those that carry a model. */
export const smallRequestBytesMax = 64 * 1024;

/** Typed by its schema. */
export function defineMethod<Schema extends z.ZodObject>(method: Method<Schema>): Method<Schema> {
  return method;
}
