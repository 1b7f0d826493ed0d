/** What the log of a run that trains by it is made of. */
import { fromString } from 'uint8arrays';
import { createDeltaCodec } from '../../codec/delta.ts';
import type { DeltaCodec } from '../../codec/delta-codec.ts';
import { viewFloat32 } from '../../codec/dense.ts';
import { blobRoot } from '../../content/blob.ts';
import type { Crypto } from '../../core/crypto.ts';
import { namedMembers } from '../../core/membership.ts';
import type { RunFrame } from '../../core/run-frame.ts';
import { type AuditKind, createAuditKind } from '../../entries/audit/audit-kind.ts';
import { type BallotKind, createBallotKind } from '../../entries/ballot/ballot-kind.ts';
import { createDeltaKind, type DeltaKind } from '../../entries/delta/delta-kind.ts';
import type { DeltaContent, DeltaRules, DeltaState } from '../../entries/delta/delta-state.ts';
import { deltasPerRoundMax, type FoldObservers } from '../../entries/delta/fold-deltas.ts';
import type { JudgingKind } from '../../entries/judging-kind.ts';
import { createJudging } from '../../entries/judging-registry.ts';
import { createEntryKind } from '../../entries/registry.ts';
import type { EntryKind, LogEntry } from '../../log/entry-kind.ts';
import type { Kinds, LogFrame, LogState } from '../../log/log-state.ts';
import type { Retention } from '../../log/retention.ts';
import type { CoreDependencies } from '../core-dependencies.ts';
import { entriesOf, type LogParts, partsOfKinds, roomBeside } from '../log-parts.ts';
import type { DeltaLogSpec } from './schema.ts';

/** Longest slot where the manifest does not say, in shortest slots. Guess. */
export const slotGrowthMax = 16;

/** Members of an alliance whose deltas may carry weight in a round: what votes on them has room beside. */
export const allianceCommitteeMax = 96;

/** Of a round: peers may be apart in how many there are, and at first nobody knows. Guess. */
function deltasInAlliance({ committeeSize }: DeltaLogSpec): number {
  return 4 * Math.max(committeeSize, 16);
}

export interface DeltaLogParts extends LogParts {
  readonly codec: DeltaCodec;
  readonly rules: DeltaRules;
  /** The first of the kinds. */
  readonly delta: DeltaKind;
  /** With its number, and the root of a residual of zeros; null where nobody audits. */
  readonly audits: {
    readonly kind: AuditKind;
    readonly number: number;
    readonly nothing: Uint8Array;
  } | null;
  /** With its number; null where nobody votes on rounds. */
  readonly ballots: { readonly kind: BallotKind; readonly number: number } | null;
  /** The last of the kinds; null where nobody judges. */
  readonly judging: JudgingKind | null;
}

export type LogPartsDependencies = Pick<
  CoreDependencies,
  'crypto' | 'initial' | 'random' | 'shared' | 'inlineMax' | 'credential'
> &
  FoldObservers;

export function createLogParts(
  manifest: RunFrame,
  spec: DeltaLogSpec,
  runId: string,
  deps: LogPartsDependencies,
): DeltaLogParts {
  const { crypto, initial, random, shared, observeFold, observeUndo, observeWeights } = deps;
  const codec = createDeltaCodec(spec.codec, initial.length, random);
  const rules = deltaRulesOf(spec, manifest, initial);
  // As large as the model: only where somebody asks for it.
  const nothing = spec.audits
    ? blobRoot(crypto, viewFloat32(new Float32Array(initial.length)))
    : new Uint8Array(32);
  const { judging, audit, ballot, others, besides } = besidesOf(spec, { runId, crypto, nothing });
  // What is beside deltas gives up nothing: each of it is few, and all of it must fit.
  const entriesPerRoundMax = Math.min(
    spec.alliance ? deltasInAlliance(spec) : deltasPerRoundMax,
    roomBeside(besides),
  );
  const delta = createDeltaKind({
    ...{ runId, crypto, rules, entriesPerRoundMax, codec, initial, shared },
    ...{ observeFold, observeUndo, observeWeights },
  });
  const kinds: Kinds = [delta, ...besides];
  const ballots = ballot && { kind: ballot, number: others.length };
  const audits = audit && { kind: audit, number: others.length - (ballot ? 1 : 0), nothing };
  return {
    ...partsOfKinds(kinds, manifest, runId, deps),
    ...{ codec, rules, delta, audits, ballots, judging },
    frame: logFrameOf(manifest, spec, runId),
    resultOf: (state) => viewFloat32(delta.parameters(deltaStateOf(state))),
  };
}

/** Kinds that a run logs beside deltas, in their order. */
function besidesOf(
  spec: DeltaLogSpec,
  {
    runId,
    crypto,
    nothing,
  }: { readonly runId: string; readonly crypto: Crypto; readonly nothing: Uint8Array },
) {
  const { windowRounds, admitRounds } = spec;
  const judging = spec.judging ? createJudging(spec.judging, { runId, crypto, windowRounds }) : null;
  const audit = spec.audits ? createAuditKind(spec.audits, { crypto, windowRounds, nothing }) : null;
  const ballot = spec.alliance
    ? createBallotKind(spec.alliance, { runId, crypto, windowRounds, admitRounds })
    : null;
  const others = [
    ...spec.kinds.map((kind) => createEntryKind(kind, { crypto, runId })),
    ...(audit ? [audit as unknown as EntryKind] : []),
    ...(ballot ? [ballot] : []),
  ];
  return { judging, audit, ballot, others, besides: [...others, ...(judging ? [judging] : [])] };
}

/** Those, and as many deltas as are to publish. */
export function entriesPerRound(spec: DeltaLogSpec, crypto: Crypto): number {
  const nothing = new Uint8Array(32);
  return entriesOf(besidesOf(spec, { runId: '', crypto, nothing }).besides) + spec.committeeSize;
}

/** Members of an alliance can tell each other, from the log alone, what became of every round. */
export function retentionOf({ alliance }: DeltaLogSpec, given: Retention | undefined): Retention | undefined {
  return alliance && given !== 'audit' ? 'everything' : given;
}

/** Deltas are the first kind of every run of this method. */
export function isDelta(entry: LogEntry): entry is LogEntry<DeltaContent> {
  return entry.kind === 0;
}

export function deltaStateOf(state: Readonly<LogState>): DeltaState {
  return state.kinds[0] as DeltaState;
}

function logFrameOf(manifest: RunFrame, spec: DeltaLogSpec, runId: string): LogFrame {
  const { startAtMs, slotMs, slotMsMax, rounds, publishersMin, timeMaxMs } = manifest;
  const { windowRounds, admitRounds, snapshotRounds, judgingRounds } = spec;
  return {
    ...{ runId, initHash: fromString(manifest.initHash, 'hex') },
    ...{ startAtMs, rounds, publishersMin, timeMaxMs },
    ...{ slotMs, slotMsMax: slotMsMax ?? slotGrowthMax * slotMs },
    ...{ windowRounds, admitRounds, snapshotRounds, judgingRounds },
  };
}

export function deltaRulesOf(
  spec: DeltaLogSpec,
  { training, membership }: Pick<RunFrame, 'training' | 'membership'>,
  initial: Float32Array,
): DeltaRules {
  const {
    windowRounds,
    committeeSize,
    expectedPeers,
    clipFactor,
    outerRate,
    overlap,
    judgingRounds,
    audits,
  } = spec;
  return {
    ...{ windowRounds, committeeSize, expectedPeers, clipFactor, outerRate, overlap, judgingRounds },
    normMax: spec.normMax ?? Math.max(1, normOf(initial)),
    localSteps: training.localSteps,
    isOpen: namedMembers(membership) === null,
    isAudited: audits !== undefined,
    undoRounds: audits?.undo ?? 0,
  };
}

/** Euclidean norm, summed in the order of the parameters: part of the protocol, so that every peer comes to the same bits. */
function normOf(vector: Float32Array): number {
  let sum = 0;
  for (const value of vector) sum += value * value;
  return Math.sqrt(sum);
}
