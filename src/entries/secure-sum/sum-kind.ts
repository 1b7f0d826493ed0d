/**
 * The kinds of entry of secure sums. All five are reduced together, by the first one, whose state is the model and the epochs under way:
 * what one step says means nothing without the others.
 */
import { equals } from 'uint8arrays';
import { unitsPerOne } from '../../codec/scale.ts';
import type { Crypto } from '../../core/crypto.ts';
import { forgetOldest } from '../../core/forget-oldest.ts';
import type { PeerKey } from '../../core/io.ts';
import type { EntryKind, FinalRound, LogEntry, RoundSummary } from '../../log/entry-kind.ts';
import type { Claim, EntryHeader } from '../../log/envelope.ts';
import { unitsMax, vectorOfUnits } from '../model-units.ts';
import { keysBodyBytes, openBodyBytesMax, seenBodyBytesMax, sharesBodyBytesMax } from './bodies.ts';
import { Coordinates } from './coordinates.ts';
import { type Counting, countedOf } from './counted.ts';
import { decodeBody, type EpochState, type Held, includedIn, noEntries } from './epoch-state.ts';
import { Committees, epochIn, quantumOf, type SecureSumRules, type Step, widthOf } from './rules.ts';
import { type Settled, settle } from './settle.ts';
import {
  cloneSumState,
  decodeSumState,
  encodeSumState,
  initialSumState,
  outcomesKept,
  type SumState,
  sumStateBytesMax,
  tell,
} from './sum-state.ts';
import { makeGood, rememberVain, whyClosed } from './vain.ts';

/** In the order of the kinds of a run: rounds with vectors are those that count, so they come first. */
export const stepOrder = ['masked', 'keys', 'shares', 'seen', 'open'] as const satisfies readonly Step[];

export const numberOf = (step: Step): number => stepOrder.indexOf(step);

export interface SumKindOptions {
  readonly rules: SecureSumRules;
  readonly crypto: Crypto;
  /** The start vector. */
  readonly initial: Float32Array;
}

export interface SumKinds {
  /** The first one has the state; the others none. */
  readonly kinds: readonly [EntryKind<unknown, SumState>, ...EntryKind[]];
  readonly committees: Committees;
  readonly coordinates: Coordinates;
  /** The model as float32; not to be modified. */
  parameters(state: SumState): Float32Array;
}

/** A key that hides nothing gives nothing with any secret. */
const anySecret = new Uint8Array(32).fill(7);

export function createSumKinds(options: SumKindOptions): SumKinds {
  const { rules, crypto, initial } = options;
  const committees = new Committees(rules, crypto);
  const coordinates = new Coordinates(rules, crypto, initial.length);
  const form = { members: rules.committeeSize, width: widthOf(initial.length, rules) };
  const bodyBytesMax: { readonly [S in Step]: number } = {
    keys: keysBodyBytes,
    shares: sharesBodyBytesMax(form.members),
    masked: 2 * form.width,
    seen: seenBodyBytesMax(form.members),
    open: openBodyBytesMax(form.members),
  };
  const common = (
    step: Step,
  ): Pick<EntryKind, 'id' | 'bodyBytesMax' | 'perAuthorAndRound' | 'entriesPerRoundMax' | 'decode'> & {
    admit: (entry: EntryHeader) => 'not-in-committee' | null;
  } => ({
    ...{ id: step, bodyBytesMax: bodyBytesMax[step], perAuthorAndRound: 1 },
    entriesPerRoundMax: rules.committeeSize,
    decode: (body, claims) => (areClaims(step, claims) ? decodeHidden(step, body, form, crypto) : null),
    admit: ({ author, round }) => {
      const epoch = epochIn(step, round, rules);
      return epoch !== null && committees.of(epoch).includes(author) ? null : 'not-in-committee';
    },
  });
  const settledOnce = new SettledEpochs(options, committees);
  const first: EntryKind<unknown, SumState> = {
    ...common('masked'),
    stateBytesMax: sumStateBytesMax(rules, initial.length),
    initial: () => initialSumState(initial),
    clone: cloneSumState,
    reduce: (state, round) => reduceRound(state, round, { ...options, committees, coordinates, settledOnce }),
    encode: encodeSumState,
    decodeState: (bytes) => decodeSumState(bytes, initial.length, form),
    show: (state) => [
      ...standstillOf(state),
      ...state.faults.map(({ epoch, author, text }) => ({
        ...{ round: null, author, text: `epoch ${epoch}: ${text}` },
      })),
    ],
  };
  const others = stepOrder.slice(1).map((step): EntryKind => ({ ...common(step), ...stateless }));
  return {
    ...{ kinds: [first, ...others], committees, coordinates },
    parameters: ({ units }) => vectorOfUnits(units),
  };
}

const stateless: Pick<
  EntryKind,
  'stateBytesMax' | 'initial' | 'clone' | 'reduce' | 'encode' | 'decodeState' | 'show'
> = {
  stateBytesMax: 0,
  initial: () => null,
  clone: () => null,
  reduce: () => ({ publishers: [], effort: null, everyone: false }),
  encode: () => new Uint8Array(0),
  decodeState: (bytes) => (bytes.length === 0 ? {} : null),
  show: () => [],
};

/** Who masks says with whom. */
function areClaims(step: Step, claims: readonly Claim[]): boolean {
  if (step !== 'masked') return claims.length === 0;
  return claims.length === 1 && claims[0] instanceof Uint8Array;
}

function decodeHidden(
  step: Step,
  body: Uint8Array,
  form: { readonly members: number; readonly width: number },
  crypto: Crypto,
): unknown {
  if (step !== 'keys') return decodeBody(step, body, form);
  const keys = decodeBody('keys', body, form);
  const hides = (key: Uint8Array): boolean => crypto.x25519(anySecret, key) !== null;
  return keys && hides(keys.mask) && hides(keys.seal) && !equals(keys.mask, keys.seal) ? keys : null;
}

interface Reducing extends SumKindOptions {
  readonly committees: Committees;
  readonly coordinates: Coordinates;
  readonly settledOnce: SettledEpochs;
}

function reduceRound(
  state: SumState,
  { round, everything, isOver }: Pick<FinalRound<unknown>, 'round' | 'everything' | 'isOver'>,
  given: Reducing,
): RoundSummary {
  const { rules, crypto, committees } = given;
  let publishers: readonly PeerKey[] = [];
  for (const [number, step] of stepOrder.entries()) {
    const epoch = epochIn(step, round, rules);
    if (epoch === null || (isOver && step === 'masked')) continue;
    const entries = everything.filter(({ kind }) => kind === number);
    const before = state.epochs.get(epoch) ?? noEntries;
    const counting: Counting = { epoch, before, committee: committees.of(epoch), state, rules, crypto };
    const held =
      entries.length > 0
        ? countedOf(step, entries as LogEntry<never>[], counting)
        : new Map<PeerKey, Held<never>>();
    if (held.size > 0) state.epochs.set(epoch, { ...before, [step]: held } as EpochState);
    // A run that stands still does not use up its rounds.
    if (step === 'masked' && !whyClosed([...held.keys()], state, rules)) publishers = [...held.keys()];
    if (step === 'open') close(state, epoch, given);
  }
  return { publishers, effort: null, everyone: false };
}

/** All has been said of the epoch. */
function close(state: SumState, epoch: number, given: Reducing): void {
  const { rules, committees, coordinates, settledOnce } = given;
  const held = state.epochs.get(epoch);
  state.epochs.delete(epoch);
  if (!held || held.masked.size === 0) return;
  const { authors, sum, why, faults } = settledOnce.of(epoch, held);
  const included = includedIn(held, committees.of(epoch), rules.threshold);
  const isWhole = included.length >= rules.threshold;
  const closed = isWhole ? whyClosed(included, state, rules) : null;
  // Against the rule those who lie open alone, and tell nothing by it.
  const isOpened = isWhole && held.open.size > (closed === null ? 0 : rules.corrupt);
  state.outcomes.set(epoch, { authors, why: isOpened ? why : (closed ?? why) });
  for (const oldest of state.outcomes.keys())
    if (oldest <= epoch - outcomesKept) state.outcomes.delete(oldest);
  tell(state, epoch, faults);
  for (const author of authors) state.contributions.set(author, (state.contributions.get(author) ?? 0) + 1);
  if (!sum) {
    if (isOpened) rememberVain(state.vain, epoch, included);
    return;
  }
  makeGood(state, epoch, authors, rules);
  // A quotient of doubles, and products that are rounded to integers: the same at every replica.
  const unitsPerInteger = (rules.outerRate * quantumOf(rules) * unitsPerOne) / authors.length;
  for (const [index, coordinate] of coordinates.of(epoch).entries()) {
    const moved = state.units[coordinate]! - Math.round(sum[index]! * unitsPerInteger);
    state.units[coordinate] = Math.max(-unitsMax, Math.min(unitsMax, moved)) + 0;
  }
}

/** Why nothing is in the model of late, where members keep their sums closed. */
function standstillOf({ outcomes, vain }: SumState): { round: null; author: null; text: string }[] {
  const last = Math.max(-1, ...outcomes.keys());
  const { why = '' } = outcomes.get(last) ?? {};
  if (vain.size === 0 || !why.startsWith('not opened')) return [];
  return [{ round: null, author: null, text: `sums stand still: that of epoch ${last} was ${why}` }];
}

/** Open rounds are folded again whenever something comes: what an epoch comes to is worked out once. */
class SettledEpochs {
  readonly #options: SumKindOptions;
  readonly #committees: Committees;
  readonly #known = new Map<string, Settled>();

  constructor(options: SumKindOptions, committees: Committees) {
    this.#options = options;
    this.#committees = committees;
  }

  of(epoch: number, state: EpochState): Settled {
    const ids = stepOrder.flatMap((step) => [...state[step].values()].map(({ id }) => id));
    const name = [epoch, ...ids].join();
    const known = this.#known.get(name);
    if (known) return known;
    const { rules, crypto } = this.#options;
    const settled = settle({ epoch, state, committee: this.#committees.of(epoch), rules, crypto });
    this.#known.set(name, settled);
    forgetOldest(this.#known, settledKept);
    return settled;
  }
}

const settledKept = 16;
