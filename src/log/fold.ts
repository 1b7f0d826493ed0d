/**
 * The model as a function of the log: start vector minus, round by round, the weighted deltas, added in
 * integers. Every weight is a function of the sets alone (arithmetic that IEEE 754 rounds the same
 * everywhere: + - * / sqrt), so replicas with the same sets hold the same bits.
 *
 * Units are 2^-42 (codec/scale.ts) in doubles that hold integers: exact below 2^53, which entriesPerRoundMax
 * times the largest magnitude (< 4 = 2^44 units) respects; after each round coordinates are clamped to 2^52.
 */
import { accumulateDeltas } from '../codec/delta.ts';
import { UNIT_BITS } from '../codec/scale.ts';
import type { Crypto } from '../core/crypto.ts';
import type { PeerKey } from '../core/io.ts';
import { scaledToFloat32 } from '../kernels/dense-vectors.ts';
import { median } from '../math/statistics.ts';
import { type Envelope, keyToBytes } from './envelope.ts';
import type { LogSlot } from './log-book.ts';
import type { LogSpec } from './log-spec.ts';
import type { SharedWork } from './shared-work.ts';

const UNITS_PER_ONE = 2 ** UNIT_BITS;
const ONE_PER_UNIT = 2 ** -UNIT_BITS;
/** Coordinates are clamped to this many units either way: 1024. */
export const unitsMax = 2 ** 52;
const EVERYONE = 2 ** 32;
/** Rounds averaged for the estimate of the number of peers, and looked back for a median norm. Guesses. */
const peerEstimateRounds = 8;
const medianLookbackRounds = 16;

/** What later rounds need to know of a folded one. */
export interface RoundStatistics {
  /** Messages that carried weight. */
  readonly publishers: number;
  /** Sortition threshold of the round out of 2^32. */
  readonly threshold: number;
  /** Median norm of those messages; 0 when there were none. */
  readonly medianNorm: number;
}

export interface Contribution {
  readonly deltas: number;
  /** Sum of squared weighted norms. */
  readonly energy: number;
}

export interface FoldState {
  /** Last round folded; -1 for the start vector. */
  round: number;
  /** Hash chain over the digests of the non-empty rounds, 32 bytes. */
  root: Uint8Array;
  /** Messages that carried weight so far: of two histories, the one with more stands. */
  weight: number;
  readonly units: Float64Array;
  readonly statistics: Map<number, RoundStatistics>;
  /** Proven equivocators and the round of the proof: no weight in any later round. */
  readonly banned: Map<PeerKey, number>;
  readonly contributions: Map<PeerKey, Contribution>;
}

export interface FoldContext {
  readonly runId: string;
  readonly spec: LogSpec;
  readonly crypto: Crypto;
  readonly shared?: SharedWork | undefined;
}

export function initialState(initial: Float32Array, initHash: Uint8Array): FoldState {
  const units = new Float64Array(initial.length);
  for (let i = 0; i < units.length; i++) {
    const value = Math.round(initial[i]! * UNITS_PER_ONE) + 0;
    units[i] = Math.max(-unitsMax, Math.min(unitsMax, value));
  }
  return {
    round: -1,
    root: initHash,
    weight: 0,
    units,
    statistics: new Map(),
    banned: new Map(),
    contributions: new Map(),
  };
}

/** A copy; `into` may give the memory for its units, which saves the system the work of finding new. */
export function cloneState(state: FoldState, into?: Float64Array): FoldState {
  into?.set(state.units);
  return {
    round: state.round,
    root: state.root,
    weight: state.weight,
    units: into ?? state.units.slice(),
    statistics: new Map(state.statistics),
    banned: new Map(state.banned),
    contributions: new Map(state.contributions),
  };
}

export function toParameters(state: FoldState): Float32Array {
  // The inverse of a power of two is exact.
  return scaledToFloat32(state.units, ONE_PER_UNIT);
}

/**
 * Sortition threshold of a round out of 2^32: `min(1, M / N)` where N is the mean estimate of the number of
 * peers over earlier rounds, each of them `publishers / threshold` (as a proof-of-work chain sets its
 * difficulty: nobody needs a list of the peers).
 */
export function sortitionThreshold(state: FoldState, round: number, spec: LogSpec): number {
  const newest = round - spec.windowRounds;
  let sum = 0;
  let rounds = 0;
  for (let r = Math.max(0, newest - peerEstimateRounds + 1); r <= newest; r++) {
    const statistics = state.statistics.get(r);
    if (!statistics) continue;
    sum += (statistics.publishers * EVERYONE) / statistics.threshold;
    rounds += 1;
  }
  const peers = rounds > 0 ? sum / rounds : spec.expectedPeers;
  if (peers <= spec.committeeSize) return EVERYONE;
  return Math.max(1, Math.floor((EVERYONE * spec.committeeSize) / peers));
}

/** The author's ticket for a round: first 32 bits of SHA-256(run, round, author). In when below the threshold. */
export function sortitionTicket(context: FoldContext, round: number, author: PeerKey): number {
  const roundBytes = new Uint8Array(4);
  new DataView(roundBytes.buffer).setUint32(0, round);
  const hash = context.crypto.sha256(new TextEncoder().encode(context.runId), roundBytes, keyToBytes(author));
  return new DataView(hash.buffer, hash.byteOffset).getUint32(0);
}

/** The ticket that a message came with. */
export function messageTicket(context: FoldContext, message: Envelope): number {
  const draw = () => sortitionTicket(context, message.round, message.author);
  return context.shared ? context.shared.once('ticket', message, draw) : draw();
}

/**
 * Outer learning rate for m publishers: min(1/sqrt(m), 4/m), measured on MNIST with 8 to 32 peers; 1 where deltas that overlap are
 * averaged.
 */
export function outerRate(publishers: number, spec: LogSpec): number {
  return (
    spec.outerRate ?? (spec.overlap === 'mean' ? 1 : Math.min(1 / Math.sqrt(publishers), 4 / publishers))
  );
}

/** Folds the next round into the state. `digest` is the log's digest of exactly these slots. */
export function foldRound(
  state: FoldState,
  slots: ReadonlyArray<readonly [PeerKey, LogSlot]>,
  digest: Uint8Array,
  context: FoldContext,
): void {
  const { spec, crypto } = context;
  const round = state.round + 1;
  const threshold = sortitionThreshold(state, round, spec);
  const counted = slots.flatMap(([author, slot]) => {
    const bannedSince = state.banned.get(author);
    if (slot.kind !== 'message' || (bannedSince !== undefined && bannedSince < round)) return [];
    return messageTicket(context, slot.message) < threshold ? [slot.message] : [];
  });
  const reference = referenceNorm(state, round, spec);
  const rate = outerRate(Math.max(1, counted.length), spec);
  const terms = counted.map((message) => {
    const staleness = 1 / (1 + message.misses / spec.committeeSize);
    const clip = reference > 0 ? Math.min(1, (spec.clipFactor * reference) / message.norm) : 1;
    const weight = rate * staleness * clip;
    const before = state.contributions.get(message.author) ?? { deltas: 0, energy: 0 };
    // A product, not a power: engines round ** differently.
    const weightedNorm = weight * message.norm;
    const energy = before.energy + weightedNorm * weightedNorm;
    state.contributions.set(message.author, { deltas: before.deltas + 1, energy });
    return { delta: message.delta, multiplier: -weight };
  });
  accumulateDeltas(state.units, terms, unitsMax, spec.overlap);
  for (const [author, slot] of slots) {
    if (slot.kind === 'equivocation' && !state.banned.has(author)) state.banned.set(author, round);
  }
  const medianNorm = counted.length > 0 ? median(counted.map(({ norm }) => norm)) : 0;
  state.statistics.set(round, { publishers: counted.length, threshold, medianNorm });
  state.statistics.delete(round - spec.windowRounds - medianLookbackRounds);
  if (slots.length > 0) {
    const roundBytes = new Uint8Array(4);
    new DataView(roundBytes.buffer).setUint32(0, round);
    state.root = crypto.sha256(state.root, roundBytes, digest);
  }
  state.weight += counted.length;
  state.round = round;
}

/** Median norm of the newest non-empty round that is final when `round` begins; 0 when there is none. */
function referenceNorm(state: FoldState, round: number, spec: LogSpec): number {
  const newest = round - spec.windowRounds;
  for (let r = newest; r > newest - medianLookbackRounds && r >= 0; r--) {
    const statistics = state.statistics.get(r);
    if (statistics && statistics.publishers > 0) return statistics.medianNorm;
  }
  return 0;
}
