/** What deltas add up to after a final round, and its canonical bytes. */
import * as dagCbor from '@ipld/dag-cbor';
import { equals } from 'uint8arrays';
import type { Overlap } from '../../codec/delta.ts';
import type { Delta } from '../../codec/delta-codec.ts';
import { bytesToHex, isBytes, isCount, isFiniteNumber, isRows, keyToBytes } from '../../core/bytes.ts';
import { decodeCanonical } from '../../core/canonical-cbor.ts';
import type { PeerKey } from '../../core/io.ts';
import { decodeWithUnits, encodeWithUnits, unitsOf } from '../model-units.ts';

/**
 * The constants of a run that decide what a delta weighs. Every weight is a function of the sets alone (arithmetic that
 * IEEE 754 rounds the same everywhere: + - * / sqrt), so replicas with the same sets hold the same bits.
 */
export interface DeltaRules {
  /** Rounds until a round is final (K). */
  readonly windowRounds: number;
  /** Expected publishers per round (M). */
  readonly committeeSize: number;
  /** Guess at the number of peers until the log tells it. */
  readonly expectedPeers: number;
  /** Norms are clipped to this times the reference. */
  readonly clipFactor: number;
  /** And to this, whatever the reference. */
  readonly normMax: number;
  /** Anybody may take part: keys gain standing by work. */
  readonly isOpen: boolean;
  /** Null: by the number of publishers. */
  readonly outerRate: number | null;
  readonly overlap: Overlap;
  /** Deltas claim what they began with and what they leave, so that others can train them again. */
  readonly isAudited: boolean;
  /** Steps a peer is asked for each round. */
  readonly localSteps: number;
  /** A round is folded into the model this many rounds after it is final (J). */
  readonly judgingRounds: number;
  /** What an author has added in so many rounds at least is taken out again once it is found out; 0: nothing is. */
  readonly undoRounds: number;
}

export interface DeltaContent {
  readonly delta: Delta;
  /** Euclidean norm of the decoded delta. */
  readonly norm: number;
  /** Entries of earlier rounds that reached the author too late to train on. */
  readonly misses: number;
  /** Local steps it is made of. */
  readonly steps: number;
  /** Where deltas are audited. */
  readonly proof?: DeltaProof;
}

/** What an author claims besides, so that others can train its delta again. */
export interface DeltaProof {
  /** Length and root of what its training began with, which the author shows whoever asks. */
  readonly recordBytes: number;
  readonly record: Uint8Array;
  /** Roots of the residual before and after. */
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** What later rounds need to know of a folded one. */
export interface RoundStatistics {
  /** Deltas that carried weight. */
  readonly publishers: number;
  /** Sortition threshold of the round out of 2^32. */
  readonly threshold: number;
  /** What norms of the round were measured by; 0 until a delta has moved anything. */
  readonly reference: number;
}

export interface DeltaTotals {
  readonly deltas: number;
  /** Sum of squared weighted norms. */
  readonly energy: number;
}

/** A delta that waits to be judged. */
export interface PendingDelta {
  readonly author: PeerKey;
  readonly ticket: number;
  readonly body: Uint8Array;
  readonly content: DeltaContent;
  /** As of the last final round it carries no weight: peers do not train on it while it waits. */
  readonly isSilenced: boolean;
}

/** What carried weight in a final round. */
export interface HeardRound {
  readonly round: number;
  /** Drawn, those who are silenced among them. */
  readonly publishers: number;
  readonly deltas: readonly PendingDelta[];
}

/** Never modified. */
export interface Past {
  readonly state: DeltaState;
  /** Every round since, in order. */
  readonly since: readonly HeardRound[];
}

export interface DeltaState {
  /** The model: integers in units of 2^-42. */
  readonly units: Float64Array;
  readonly statistics: Map<number, RoundStatistics>;
  readonly contributions: Map<PeerKey, DeltaTotals>;
  /** Deltas of final rounds that are not judged yet, by round. */
  readonly pending: Map<number, readonly PendingDelta[]>;
  /** Null where nothing is ever taken out. */
  past: Past | null;
}

/** Contributors, statistics and pending bodies; 16 MiB hold about 100,000 authors. */
const metadataBytesMax = 16 * 1024 * 1024;

export function initialDeltaState(initial: Float32Array, undoRounds: number): DeltaState {
  const state = {
    units: unitsOf(initial),
    statistics: new Map(),
    contributions: new Map(),
    pending: new Map(),
    past: null,
  };
  return undoRounds > 0 ? { ...state, past: { state: cloneDeltaState(state), since: [] } } : state;
}

/** A copy; `into` may give the memory for its units. */
export function cloneDeltaState(state: DeltaState, into?: DeltaState): DeltaState {
  into?.units.set(state.units);
  return {
    units: into?.units ?? state.units.slice(),
    statistics: new Map(state.statistics),
    contributions: new Map(state.contributions),
    pending: new Map(state.pending),
    past: state.past,
  };
}

/** Deltas that counted, by author, and their share of what moved the model. */
export function sharesIn({
  contributions,
}: Pick<DeltaState, 'contributions'>): Map<PeerKey, { readonly deltas: number; readonly share: number }> {
  const total = [...contributions.values()].reduce((sum, { energy }) => sum + energy, 0);
  return new Map(
    [...contributions].map(([peer, { deltas, energy }]) => [
      peer,
      { deltas, share: total > 0 ? energy / total : 0 },
    ]),
  );
}

/** Authors whose contributions are kept: a snapshot has room for five times as many. Guess. */
const contributorsMax = 65_536;
/** How many are left when there are more, so that not every round sorts them. */
const contributorsLeft = 61_440;

/** Forgets those who gave least once there are too many: keys cost nothing, and what a state holds of them is carried for ever. */
export function forgetLeast(contributions: Map<PeerKey, DeltaTotals>): void {
  if (contributions.size <= contributorsMax) return;
  const byDeltas = [...contributions].sort(([a, x], [b, y]) => y.deltas - x.deltas || (a < b ? -1 : 1));
  for (const [author] of byDeltas.slice(contributorsLeft)) contributions.delete(author);
}

/** Where there is a past it is that, with what was folded since: the rest follows. */
export function encodeDeltaState(state: DeltaState): Uint8Array {
  const { units } = state.past?.state ?? state;
  return encodeWithUnits(encodeMetadata(state), units);
}

type Metadata = Pick<DeltaState, 'statistics' | 'contributions' | 'pending'> & {
  readonly past: {
    readonly state: Pick<DeltaState, 'statistics' | 'contributions'>;
    readonly since: Past['since'];
  } | null;
};

function encodeMetadata({ pending, past, ...now }: Metadata): Uint8Array {
  const { statistics, contributions } = past?.state ?? now;
  return dagCbor.encode([
    [...statistics].sort(([a], [b]) => a - b).map(([r, s]) => [r, s.publishers, s.threshold, s.reference]),
    [...contributions]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([author, c]) => [keyToBytes(author), c.deltas, c.energy]),
    [...pending]
      .sort(([a], [b]) => a - b)
      .map(([round, deltas]) => [round, deltas.map((delta) => [...deltaRow(delta), delta.isSilenced])]),
    ...(past
      ? [past.since.map(({ round, publishers, deltas }) => [round, publishers, deltas.map(deltaRow)])]
      : []),
  ]);
}

function deltaRow({ author, ticket, body, content }: PendingDelta): unknown[] {
  return [keyToBytes(author), ticket, body, content.misses, content.steps];
}

/** Bound on the bytes of the state of a model with `size` parameters. */
export function deltaStateBytesMax(size: number): number {
  return 4 + metadataBytesMax + 8 * size;
}

/** How many rounds of deltas a state holds. */
type KeptRounds = Pick<DeltaRules, 'judgingRounds' | 'undoRounds'>;

/** Turns body and claims back into what they say; null for what no encoder writes. */
export type DecodeDelta = (body: Uint8Array, claims: readonly unknown[]) => DeltaContent | null;

/**
 * Null for anything that `encodeDeltaState` could not have produced for a model of `size` parameters. Where there is a past what is returned
 * is that, with what was folded since: the caller folds it again.
 */
export function decodeDeltaState(
  bytes: Uint8Array,
  size: number,
  decode: DecodeDelta,
  rules: KeptRounds,
): DeltaState | null {
  const read = decodeWithUnits(bytes, size, metadataBytesMax);
  const metadata = read && decodeMetadata(read.metadata, decode, rules);
  // Rows in another order or twice: not what an honest replica would have hashed.
  if (!metadata || !equals(encodeMetadata(metadata), read.metadata)) return null;
  const { units } = read;
  const state: DeltaState = { ...metadata, units, past: null };
  return metadata.past ? { ...state, past: { state, since: metadata.past.since } } : state;
}

function decodeMetadata(bytes: Uint8Array, decode: DecodeDelta, rules: KeptRounds): Metadata | null {
  const { judgingRounds, undoRounds } = rules;
  const hasPast = undoRounds > 0;
  const fields = decodeCanonical(bytes);
  if (!Array.isArray(fields) || fields.length !== (hasPast ? 4 : 3)) return null;
  const [statistics, contributions, pending, sinceRows] = fields as unknown[];
  if (!isRows(statistics, 4) || !isRows(contributions, 3) || !isRows(pending, 2)) return null;
  const state = {
    statistics: new Map<number, RoundStatistics>(),
    contributions: new Map<PeerKey, DeltaTotals>(),
    pending: new Map<number, readonly PendingDelta[]>(),
  };
  for (const [r, publishers, threshold, reference] of statistics) {
    if (!isCount(r) || !isCount(publishers) || !isFiniteNumber(threshold) || !isFiniteNumber(reference))
      return null;
    if (threshold < 1 || reference < 0) return null;
    state.statistics.set(r, { publishers, threshold, reference });
  }
  for (const [author, deltas, energy] of contributions) {
    if (!isBytes(author, 32) || !isCount(deltas) || !isFiniteNumber(energy) || energy < 0) return null;
    state.contributions.set(bytesToHex(author), { deltas, energy });
  }
  if (pending.length > judgingRounds) return null;
  for (const [round, rows] of pending) {
    const deltas = isCount(round) ? decodeDeltas(rows, 6, decode) : null;
    if (!deltas) return null;
    state.pending.set(round as number, deltas);
  }
  if (!hasPast) return { ...state, past: null };
  const since = decodeSince(sinceRows, decode, undoRounds);
  return since && { ...state, past: { state, since } };
}

/** Rounds one after the other: of so many the oldest have gone into the past, and whoever reads the state folds them again. */
function decodeSince(rows: unknown, decode: DecodeDelta, undoRounds: number): HeardRound[] | null {
  if (!isRows(rows, 3) || rows.length >= 2 * undoRounds) return null;
  const since: HeardRound[] = [];
  for (const [round, publishers, deltaRows] of rows) {
    if (!isCount(round) || !isCount(publishers)) return null;
    if (since.length > 0 && since.at(-1)!.round !== round - 1) return null;
    const deltas = decodeDeltas(deltaRows, 5, decode);
    if (!deltas) return null;
    since.push({ round, publishers, deltas });
  }
  return since;
}

/** With six columns the last one says who is silenced as of now; where there are five nobody is. */
function decodeDeltas(rows: unknown, columns: 5 | 6, decode: DecodeDelta): readonly PendingDelta[] | null {
  if (!isRows(rows, columns)) return null;
  const deltas = rows.map((row) => decodePending(row, decode));
  return deltas.includes(null) ? null : (deltas as PendingDelta[]);
}

function decodePending(row: readonly unknown[], decode: DecodeDelta): PendingDelta | null {
  const [author, ticket, body, misses, steps, isSilenced = false] = row;
  if (!isBytes(author, 32) || !isFiniteNumber(ticket) || !(body instanceof Uint8Array)) return null;
  if (typeof isSilenced !== 'boolean') return null;
  const content = decode(body, [misses, steps]);
  return content && { author: bytesToHex(author), ticket, body, content, isSilenced };
}
