/** Which entries of a step count: a function of what was final before. What is wrong with the others is told by the name of their author. */
import { concat, equals } from 'uint8arrays';
import type { Crypto } from '../../core/crypto.ts';
import type { PeerKey } from '../../core/io.ts';
import type { LogEntry } from '../../log/entry-kind.ts';
import type { KeysBody, OpenBody, SharesBody } from './bodies.ts';
import { shareHash } from './dealing.ts';
import { type Contents, dealersDigest, type EpochState, type Held, includedIn } from './epoch-state.ts';
import type { SecureSumRules, Step } from './rules.ts';
import { type Fault, type SumState, shownKeyBytes, shownKeysMax, tell } from './sum-state.ts';

export interface Counting {
  readonly epoch: number;
  /** What counts of the steps before. */
  readonly before: EpochState;
  readonly committee: readonly PeerKey[];
  /** To be modified. */
  readonly state: SumState;
  readonly rules: SecureSumRules;
  readonly crypto: Crypto;
}

/** `entries`: in ascending order of author, one each. */
export function countedOf<S extends Step>(
  step: S,
  entries: readonly LogEntry<Contents[S]>[],
  given: Counting,
): Map<PeerKey, Held<Contents[S]>> {
  const { state, committee, epoch } = given;
  const counted = new Map<PeerKey, Held<Contents[S]>>();
  for (const entry of entries) {
    const { author, id, body, content } = entry;
    if (!committee.includes(author) || state.excluded.has(author)) continue;
    const faults = faultsOf(step, entry, given);
    tell(state, epoch, faults);
    // What is wrong in an opening is left out when it is used; the rest of it is of use.
    if (faults.length === 0 || step === 'open') counted.set(author, { id, body, content });
  }
  return counted;
}

function faultsOf<S extends Step>(step: S, entry: LogEntry<Contents[S]>, given: Counting): Fault[] {
  const { author, claims } = entry;
  switch (step) {
    case 'keys':
      return keyFaults(author, entry.content as KeysBody, given);
    case 'shares':
      return shareFaults(author, entry.content as SharesBody, given);
    case 'masked':
      return maskedFaults(author, claims[0] as Uint8Array, given);
    case 'seen':
      return [];
    case 'open':
      return openFaults(author, entry.content as OpenBody, given);
    default:
      return step satisfies never;
  }
}

const isNot = (author: PeerKey, text: string): Fault[] => [{ author, text, isProven: false }];

/** A key whose secret was opened once hides nothing: each is for one epoch. */
function keyFaults(author: PeerKey, { mask, seal }: KeysBody, { state }: Counting): Fault[] {
  const before = state.shownKeys.get(author) ?? new Uint8Array(0);
  const beginnings = [mask, seal].map((key) => key.slice(0, shownKeyBytes));
  for (let at = 0; at < before.length; at += shownKeyBytes) {
    const one = before.subarray(at, at + shownKeyBytes);
    if (beginnings.some((beginning) => equals(beginning, one))) return isNot(author, 'showed a key again');
  }
  state.shownKeys.set(author, concat([before, ...beginnings]).slice(-shownKeysMax * shownKeyBytes));
  return [];
}

/** To all who have shown keys, or it does not count. */
function shareFaults(author: PeerKey, { deals }: SharesBody, { before, committee }: Counting): Fault[] {
  if (!before.keys.has(author)) return isNot(author, 'dealt shares without keys');
  const owed = [...before.keys.keys()].map((key) => committee.indexOf(key));
  const isWhole = owed.length === deals.length && deals.every(({ to }, index) => to === owed[index]);
  return isWhole ? [] : isNot(author, 'did not deal shares to all');
}

function maskedFaults(author: PeerKey, withWhom: Uint8Array, { before, crypto }: Counting): Fault[] {
  if (!before.shares.has(author)) return isNot(author, 'sent a vector without shares of what hides it');
  const isAlike = equals(withWhom, dealersDigest(before, crypto));
  return isAlike ? [] : isNot(author, 'masked its vector with others than those of the epoch');
}

function openFaults(author: PeerKey, opened: OpenBody, given: Counting): Fault[] {
  const { before, committee, rules, crypto } = given;
  if (!before.keys.has(author)) return isNot(author, 'opened what was not dealt to it');
  const included = includedIn(before, committee, rules.threshold);
  const place = committee.indexOf(author);
  // By its vector it said with whose shares it stands. Without one it may have stood in another history, where a dealer had dealt others.
  const isProven = before.masked.has(author);
  return opened.flatMap(({ of, opening, share }): Fault[] => {
    const dealer = committee[of] ?? '';
    const dealt = before.shares.get(dealer)?.content.deals.find(({ to }) => to === place);
    if (!dealt) return isNot(author, 'opened what was not dealt to it');
    const name = dealer.slice(0, 8);
    if (opening === 'unreadable') {
      const text = `says that what ${name} dealt it cannot be read: one of the two is wrong`;
      return isNot(author, text);
    }
    if (opening !== (included.includes(dealer) ? 'self' : 'mask')) {
      return isNot(author, `opened the other secret of ${name} than all had to`);
    }
    const expected = opening === 'self' ? dealt.selfHash : dealt.maskHash;
    const isDealt = equals(shareHash(crypto, share), expected);
    const text = `opened another share than ${name} dealt it`;
    return isDealt ? [] : [{ author, text, isProven }];
  });
}
