/** Deltas as a kind of entry: claims are `misses` and `steps`, the body is what the run's codec writes. */
import { deltaSquaredNorm } from '../../codec/delta.ts';
import type { Delta, DeltaCodec } from '../../codec/delta-codec.ts';
import { isBytes, isCount } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { RefusalReason } from '../../core/io.ts';
import type { EntryKind, FinalRound, RoundSummary } from '../../log/entry-kind.ts';
import type { EntryHeader } from '../../log/envelope.ts';
import type { SharedWork } from '../../log/shared-work.ts';
import { ticketOf } from '../../log/ticket.ts';
import { median } from '../../math/statistics.ts';
import { vectorOfUnits } from '../model-units.ts';
import {
  cloneDeltaState,
  type DeltaContent,
  type DeltaProof,
  type DeltaRules,
  type DeltaState,
  decodeDeltaState,
  deltaStateBytesMax,
  encodeDeltaState,
  forgetLeast,
  initialDeltaState,
  type PendingDelta,
} from './delta-state.ts';
import { deltasPerRoundMax, drawn, type FoldObservers, foldDeltas } from './fold-deltas.ts';
import { fitsPast, foldAgain, noteHeard, takeOut } from './past.ts';
import { everyone, sortitionThreshold } from './sortition.ts';
import { standingIn } from './weigh-deltas.ts';

/** Admission is this much looser than the fold's own sortition, for peers may be a few rounds apart. */
const committeeSlack = 2;

/** The observers are told of each round that is folded, by whichever state. */
export interface DeltaKindOptions extends FoldObservers {
  readonly runId: string;
  readonly crypto: Crypto;
  readonly rules: DeltaRules;
  /** Entries of a round, where that is less than may count. */
  readonly entriesPerRoundMax?: number | undefined;
  readonly codec: DeltaCodec;
  /** The start vector, length `size`. */
  readonly initial: Float32Array;
  readonly shared?: SharedWork | undefined;
}

export interface DeltaKind extends EntryKind<DeltaContent, DeltaState> {
  /** The model, judged or not, as float32; not to be modified. */
  parameters(state: DeltaState): Float32Array;
  /** The same without what the newest of the rounds that wait to be judged adds to it. */
  parametersBeforeNewest(state: DeltaState): Float32Array;
  /** Whether the peer is drawn to publish in a round after `state`. */
  isDrawn(state: DeltaState, round: number, author: string): boolean;
}

export function createDeltaKind(options: DeltaKindOptions): DeltaKind {
  const { rules, codec, initial, shared } = options;
  const once = <Value>(
    kind: 'parameters' | 'parameters-before-newest' | 'ticket',
    key: object,
    compute: () => Value,
  ): Value => (shared ? shared.once(kind, key, compute) : compute());
  const ticketOfEntry = (entry: EntryHeader): number =>
    once('ticket', entry, () => ticketOf(options, entry.round, entry.author));
  const decode = (body: Uint8Array, claims: readonly unknown[]): DeltaContent | null =>
    decodeDelta(body, claims, codec, rules);

  return {
    id: 'delta',
    bodyBytesMax: codec.bodyBytesMax,
    perAuthorAndRound: 1,
    entriesPerRoundMax: options.entriesPerRoundMax ?? deltasPerRoundMax,
    stateBytesMax: deltaStateBytesMax(initial.length),
    decode,
    admit(entry, state): RefusalReason | null {
      const threshold = sortitionThreshold(state.statistics, entry.round, rules);
      return ticketOfEntry(entry) >= committeeSlack * threshold ? 'not-in-committee' : null;
    },
    initial: () => initialDeltaState(initial, rules.undoRounds),
    clone: cloneDeltaState,
    reduce: (state, round) => reduceDeltas(state, round, ticketOfEntry, options),
    encode: encodeDeltaState,
    decodeState(bytes) {
      // What a delta was made from is asked of entries, not of what they have been folded to.
      const decodeHeard = (body: Uint8Array, claims: readonly unknown[]): DeltaContent | null =>
        decodeDelta(body, claims, codec, { ...rules, isAudited: false });
      const state = decodeDeltaState(bytes, initial.length, decodeHeard, rules);
      if (!state?.past) return state;
      const { past } = state;
      if (!fitsPast(past)) return null;
      return { ...foldAgain(past.state, past.since, rules), past };
    },
    retract: (state, isRetracted) => takeOut(state, isRetracted, rules, options.observeUndo),
    show: () => [],
    standing: (state, author) => standingIn(state, author, rules),
    parameters: (state) => once('parameters', state, () => parametersOf(state, rules)),
    parametersBeforeNewest: (state) =>
      once('parameters-before-newest', state, () => {
        const pending = new Map(state.pending);
        pending.delete(Math.max(...pending.keys()));
        return parametersOf({ ...state, pending }, rules);
      }),
    isDrawn: (state, round, author) =>
      ticketOf(options, round, author) < sortitionThreshold(state.statistics, round, rules),
  };
}

function decodeDelta(
  body: Uint8Array,
  claims: readonly unknown[],
  codec: DeltaCodec,
  { localSteps, isAudited }: DeltaRules,
): DeltaContent | null {
  const [misses, steps, ...others] = claims;
  if (!isCount(misses) || !isCount(steps)) return null;
  const proof = isAudited ? decodeProof(others) : undefined;
  if (proof === null || (proof === undefined && others.length > 0)) return null;
  if (steps < 1 || steps > localSteps) return null;
  let delta: Delta;
  try {
    delta = codec.decode(body);
  } catch {
    return null;
  }
  return { delta, norm: Math.sqrt(deltaSquaredNorm(delta)), misses, steps, ...(proof && { proof }) };
}

function decodeProof(claims: readonly unknown[]): DeltaProof | null {
  const [recordBytes, record, before, after] = claims;
  if (claims.length !== 4 || !isCount(recordBytes) || recordBytes === 0) return null;
  if (!isBytes(record, 32) || !isBytes(before, 32) || !isBytes(after, 32)) return null;
  return { recordBytes, record, before, after };
}

function reduceDeltas(
  state: DeltaState,
  { round, entries, banned, isOver, isSilenced }: FinalRound<DeltaContent>,
  ticketOfEntry: (entry: EntryHeader) => number,
  { rules, ...observers }: { readonly rules: DeltaRules } & FoldObservers,
): RoundSummary {
  const arrived = isOver
    ? []
    : entries.map((entry): PendingDelta => {
        const { author, body, content } = entry;
        return { author, body, content, ticket: ticketOfEntry(entry), isSilenced: false };
      });
  const { judgingRounds, localSteps } = rules;
  const threshold = sortitionThreshold(state.statistics, round, rules);
  const publishers = arrived.filter(({ ticket }) => ticket < threshold);
  const summary: RoundSummary = {
    publishers: publishers.map(({ author }) => author),
    effort:
      publishers.length > 0 ? median(publishers.map(({ content }) => content.steps)) / localSteps : null,
    everyone: threshold === everyone,
  };
  if (judgingRounds > 0 && arrived.length > 0) state.pending.set(round, arrived);
  for (const [about, deltas] of state.pending) state.pending.set(about, heardOf(deltas, about, isSilenced));
  const judged = round - judgingRounds;
  if (judged < 0) return summary;
  const waiting = judgingRounds > 0 ? (state.pending.get(judged) ?? []) : arrived;
  state.pending.delete(judged);
  // Found out while it waited: no weight.
  const isUnproven = ({ author }: PendingDelta): boolean => (banned.get(author) ?? round) >= round;
  const all = drawn(state, judged, waiting.filter(isUnproven), rules);
  const heard = all.filter(({ author }) => !isSilenced(author, judged));
  foldDeltas(state, judged, heard, rules, all.length, observers);
  forgetLeast(state.contributions);
  noteHeard(state, { round: judged, publishers: all.length, deltas: heard }, rules);
  return summary;
}

/** With who of them carries no weight as of now. */
function heardOf(
  deltas: readonly PendingDelta[],
  round: number,
  silences: FinalRound<unknown>['isSilenced'],
): readonly PendingDelta[] {
  const isKnown = (delta: PendingDelta): boolean => silences(delta.author, round) === delta.isSilenced;
  if (deltas.every(isKnown)) return deltas;
  return deltas.map((delta) => ({ ...delta, isSilenced: silences(delta.author, round) }));
}

/** What waits to be judged is in it, as if it had been found good, unless it is known that it will not be. */
function parametersOf(state: DeltaState, rules: DeltaRules): Float32Array {
  const whole = state.pending.size > 0 ? cloneDeltaState(state) : state;
  const waiting = [...whole.pending].sort(([a], [b]) => a - b);
  for (const [round, deltas] of waiting) {
    const all = drawn(whole, round, deltas, rules);
    const heard = all.filter((delta) => !delta.isSilenced);
    foldDeltas(whole, round, heard, rules, all.length);
  }
  return vectorOfUnits(whole.units);
}
