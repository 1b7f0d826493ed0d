/** What the sums of all epochs come to after a final round, the epochs under way, and canonical bytes of it. */
import * as dagCbor from '@ipld/dag-cbor';
import { equals } from 'uint8arrays';
import { bytesToHex, isBytes, isCount, isRows, keyToBytes } from '../../core/bytes.ts';
import { decodeCanonical } from '../../core/canonical-cbor.ts';
import type { PeerKey } from '../../core/io.ts';
import { decodeWithUnits, encodeWithUnits, unitsOf } from '../model-units.ts';
import { keysBodyBytes, openBodyBytesMax, seenBodyBytesMax, sharesBodyBytesMax } from './bodies.ts';
import { type BodyForm, decodeEpoch, type EpochState, encodeEpoch } from './epoch-state.ts';
import { offsetOf, roundsToSum, type SecureSumRules, steps, widthOf } from './rules.ts';
import { type VainSum, vainBytesMax, vainKept } from './vain.ts';

/** What an epoch came to. */
export interface Outcome {
  /** Whose vectors are in the sum; empty where it is void. */
  readonly authors: readonly PeerKey[];
  /** Why it is void; empty where it is not. */
  readonly why: string;
}

/** Something that a member has done, or that is said of it. */
export interface Fault {
  readonly author: PeerKey;
  readonly text: string;
  /** What was signed shows it: its author is in no committee any more. */
  readonly isProven: boolean;
}

/** A fault as people are told of it. */
export interface ToldFault {
  readonly epoch: number;
  readonly author: PeerKey;
  readonly text: string;
}

export interface SumState {
  /** The model: integers in units of 2^-42. */
  readonly units: Float64Array;
  readonly epochs: Map<number, EpochState>;
  readonly outcomes: Map<number, Outcome>;
  /** Sums that were opened, came to nothing, and are not made good yet. */
  readonly vain: Map<number, VainSum>;
  /** Sums that a member's vector was in. */
  readonly contributions: Map<PeerKey, number>;
  /** Oldest first. */
  faults: readonly ToldFault[];
  /** Who is in no committee any more, since this epoch. */
  readonly excluded: Map<PeerKey, number>;
  /** Beginnings of the keys that a member has shown lately, oldest first. */
  readonly shownKeys: Map<PeerKey, Uint8Array>;
}

/** Tells people of it, as long as there is room. */
export function tell(state: SumState, epoch: number, faults: readonly Fault[]): void {
  const told = faults.map(({ author, text }) => ({ epoch, author, text }));
  state.faults = [...state.faults, ...told].slice(-faultsKept);
  for (const { author, isProven } of faults) {
    if (isProven && !state.excluded.has(author)) state.excluded.set(author, epoch);
  }
}

/** Outcomes that are remembered, so that who was away learns what became of its vectors. Guess. */
export const outcomesKept = 64;
const faultsKept = 64;
/** Two keys an epoch; and how much of each is kept. */
export const shownKeysMax = 128;
export const shownKeyBytes = 8;
const faultTextMax = 160;

export function initialSumState(initial: Float32Array): SumState {
  return {
    units: unitsOf(initial),
    ...{ epochs: new Map(), outcomes: new Map(), vain: new Map(), contributions: new Map() },
    ...{ faults: [], excluded: new Map(), shownKeys: new Map() },
  };
}

/** A copy; `into` may give the memory for its units. */
export function cloneSumState(state: SumState, into?: SumState): SumState {
  into?.units.set(state.units);
  return {
    units: into?.units ?? state.units.slice(),
    epochs: new Map(state.epochs),
    outcomes: new Map(state.outcomes),
    vain: new Map(state.vain),
    contributions: new Map(state.contributions),
    faults: state.faults,
    excluded: new Map(state.excluded),
    shownKeys: new Map(state.shownKeys),
  };
}

export function encodeSumState(state: SumState): Uint8Array {
  return encodeWithUnits(encodeMetadata(state), state.units);
}

const ascending = <Value>(map: ReadonlyMap<number, Value>): [number, Value][] =>
  [...map].sort(([a], [b]) => a - b);
const byKey = <Value>(map: ReadonlyMap<PeerKey, Value>): [PeerKey, Value][] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : 1));

function encodeMetadata(state: Omit<SumState, 'units'>): Uint8Array {
  return dagCbor.encode([
    ascending(state.epochs).map(([epoch, one]) => [epoch, encodeEpoch(one, steps)]),
    ascending(state.outcomes).map(([epoch, { authors, why }]) => [epoch, authors.map(keyToBytes), why]),
    ascending(state.vain).map(([epoch, { members, from, until }]) => [
      ...[epoch, members.map(keyToBytes), from, until],
    ]),
    byKey(state.contributions).map(([author, sums]) => [keyToBytes(author), sums]),
    state.faults.map(({ epoch, author, text }) => [epoch, keyToBytes(author), text]),
    byKey(state.excluded).map(([author, epoch]) => [keyToBytes(author), epoch]),
    byKey(state.shownKeys).map(([author, keys]) => [keyToBytes(author), keys]),
  ]);
}

/** Generously: what an entry has beside its body, an outcome, a member that is remembered. */
const [entryBytes, outcomeBytes, memberBytes] = [96, 128, 256 + shownKeysMax * shownKeyBytes];

export function sumStateBytesMax(rules: SecureSumRules, size: number): number {
  const { committeeSize: members, everyRounds, members: named } = rules;
  const underWay = Math.ceil((offsetOf('open', rules) + 1) / everyRounds) + 1;
  const withVectors = Math.ceil((roundsToSum(rules) + 1) / everyRounds) + 1;
  const each =
    keysBodyBytes + sharesBodyBytesMax(members) + seenBodyBytesMax(members) + openBodyBytesMax(members);
  const epochs = members * (underWay * (each + 5 * entryBytes) + withVectors * 2 * widthOf(size, rules));
  const told = outcomesKept * (outcomeBytes + 40 * members) + faultsKept * (64 + 4 * faultTextMax);
  return 1024 + epochs + told + vainBytesMax(rules) + memberBytes * named.length + 8 * size;
}

/** Null for anything that `encodeSumState` could not have written. */
export function decodeSumState(bytes: Uint8Array, size: number, form: BodyForm): SumState | null {
  const read = decodeWithUnits(bytes, size, Number.POSITIVE_INFINITY);
  const metadata = read && decodeMetadata(read.metadata, form);
  if (!metadata || !equals(encodeMetadata(metadata), read.metadata)) return null;
  return { ...metadata, units: read.units };
}

function decodeMetadata(bytes: Uint8Array, form: BodyForm): Omit<SumState, 'units'> | null {
  const fields = decodeCanonical(bytes);
  if (!Array.isArray(fields) || fields.length !== 7) return null;
  const [epochRows, outcomeRows, vainRows, contributionRows, faultRows, excludedRows, keyRows] =
    fields as unknown[];
  if (!isRows(epochRows, 2) || !isRows(outcomeRows, 3) || !isRows(faultRows, 3)) return null;
  const epochs = new Map<number, EpochState>();
  for (const [epoch, value] of epochRows) {
    const one = isCount(epoch) ? decodeEpoch(value, steps, form) : null;
    if (!one) return null;
    epochs.set(epoch as number, one);
  }
  const outcomes = new Map<number, Outcome>();
  for (const [epoch, authors, why] of outcomeRows) {
    if (!isCount(epoch) || !areKeys(authors) || typeof why !== 'string') return null;
    outcomes.set(epoch, { authors: authors.map(bytesToHex), why });
  }
  const vain = decodeVain(vainRows, form);
  const faults: ToldFault[] = [];
  for (const [epoch, author, text] of faultRows) {
    if (!isCount(epoch) || !isBytes(author, 32) || typeof text !== 'string') return null;
    faults.push({ epoch, author: bytesToHex(author), text });
  }
  const contributions = mapOf(contributionRows, isCount);
  const excluded = mapOf(excludedRows, isCount);
  const shownKeys = mapOf(keyRows, (value): value is Uint8Array => value instanceof Uint8Array);
  if (!vain || !contributions || !excluded || !shownKeys) return null;
  return { epochs, outcomes, vain, contributions, faults, excluded, shownKeys };
}

function decodeVain(rows: unknown, { members: most }: BodyForm): Map<number, VainSum> | null {
  if (!isRows(rows, 4) || rows.length > vainKept + 1) return null;
  const vain = new Map<number, VainSum>();
  for (const [epoch, members, from, until] of rows) {
    if (!isCount(epoch) || !areKeys(members) || members.length > most) return null;
    if (!isCount(from) || !isCount(until) || from > until) return null;
    vain.set(epoch, { members: members.map(bytesToHex), from, until });
  }
  return vain;
}

function mapOf<Value>(rows: unknown, is: (value: unknown) => value is Value): Map<PeerKey, Value> | null {
  if (!isRows(rows, 2)) return null;
  const map = new Map<PeerKey, Value>();
  for (const [key, value] of rows) {
    if (!isBytes(key, 32) || !is(value)) return null;
    map.set(bytesToHex(key), value);
  }
  return map;
}

function areKeys(value: unknown): value is Uint8Array[] {
  return Array.isArray(value) && value.every((key) => isBytes(key, 32));
}
