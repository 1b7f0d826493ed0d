/** What an epoch comes to once all has been said: the sum of the vectors, or why there is none. Whoever has the log comes to the same. */
import { equals } from 'uint8arrays';
import type { Crypto } from '../../core/crypto.ts';
import type { PeerKey } from '../../core/io.ts';
import { fieldBytes, fieldElement, type Share, secretOf } from '../../math/shamir.ts';
import type { Opening } from './bodies.ts';
import { commitmentTo, shareHash } from './dealing.ts';
import { type EpochState, includedIn } from './epoch-state.ts';
import { add, applyPairMask, numbersOf, pairMask, selfMask, subtract } from './masks.ts';
import { integerMax, type SecureSumRules } from './rules.ts';
import type { Fault } from './sum-state.ts';

export interface Settled {
  /** Whose vectors are in it; empty where there is no sum. */
  readonly authors: readonly PeerKey[];
  /** Null where there is none. */
  readonly sum: Int16Array | null;
  /** Why there is none; empty where there is. */
  readonly why: string;
  readonly faults: readonly Fault[];
}

interface Settling {
  readonly epoch: number;
  readonly state: EpochState;
  readonly committee: readonly PeerKey[];
  readonly rules: SecureSumRules;
  readonly crypto: Crypto;
}

const none = (why: string, faults: readonly Fault[] = []): Settled => ({
  authors: [],
  sum: null,
  why,
  faults,
});

export function settle(given: Settling): Settled {
  const { state, committee, rules } = given;
  const included = includedIn(state, committee, rules.threshold);
  if (included.length < rules.threshold) {
    return none(`${included.length} vectors of the ${rules.threshold} that there must be`);
  }
  const faults: Fault[] = [];
  const secrets = new Map<PeerKey, Uint8Array>();
  for (const dealer of state.shares.keys()) {
    const opening = included.includes(dealer) ? 'self' : 'mask';
    const shares = sharesFor(given, dealer, opening);
    if (shares.length < rules.threshold) {
      const what = opening === 'self' ? 'who is in the sum' : 'who is not';
      return none(`${shares.length} shares of a secret of ${dealer.slice(0, 8)}, ${what}`, faults);
    }
    const secret = fieldBytes(secretOf(shares.slice(0, rules.threshold)));
    if (!isAsPromised(given, dealer, opening, secret)) {
      const text = 'dealt shares that do not come to what it promised';
      faults.push({ author: dealer, text, isProven: true });
    }
    secrets.set(dealer, secret);
  }
  if (faults.length > 0) return none('shares of a member that were not right', faults);
  return summed(given, included, secrets);
}

/** Those that were shown and are what was dealt, by place. */
function sharesFor({ state, committee, crypto }: Settling, dealer: PeerKey, opening: Opening): Share[] {
  const of = committee.indexOf(dealer);
  const { deals } = state.shares.get(dealer)!.content;
  const shares = [...state.open].flatMap(([author, { content }]): Share[] => {
    const place = committee.indexOf(author);
    const shown = content.find((one) => one.of === of && one.opening === opening);
    const dealt = deals.find(({ to }) => to === place);
    if (!shown || !dealt) return [];
    const expected = opening === 'self' ? dealt.selfHash : dealt.maskHash;
    if (!equals(shareHash(crypto, shown.share), expected)) return [];
    return [{ point: place + 1, value: fieldElement(shown.share)! }];
  });
  return shares.sort((a, b) => a.point - b.point);
}

function isAsPromised(
  { state, epoch, rules, crypto }: Settling,
  dealer: PeerKey,
  opening: Opening,
  secret: Uint8Array,
): boolean {
  const { runId } = rules;
  return opening === 'self'
    ? equals(
        commitmentTo(secret, dealer, { crypto, epoch, runId }),
        state.shares.get(dealer)!.content.commitment,
      )
    : equals(crypto.x25519Public(secret), state.keys.get(dealer)!.content.mask);
}

function summed(
  { epoch, state, rules, crypto }: Settling,
  included: readonly PeerKey[],
  secrets: ReadonlyMap<PeerKey, Uint8Array>,
): Settled {
  const { runId } = rules;
  const [first] = included;
  const length = state.masked.get(first!)!.content.length / 2;
  const sum = new Uint16Array(length);
  const absent = [...state.shares.keys()].filter((dealer) => !included.includes(dealer));
  for (const member of included) {
    add(sum, numbersOf(state.masked.get(member)!.content));
    subtract(sum, selfMask(secrets.get(member)!, epoch, member, length, { crypto, runId }));
    for (const other of absent) {
      const pair = { epoch, members: [member, other] as const, length };
      const mask = pairMask(secrets.get(other)!, state.keys.get(member)!.content.mask, pair, {
        crypto,
        runId,
      });
      if (mask) applyPairMask(sum, mask, { member, other, isUndone: true });
    }
  }
  const signed = new Int16Array(sum.buffer);
  const most = included.length * integerMax(rules);
  if (signed.every((value) => Math.abs(value) <= most))
    return { authors: included, sum: signed, why: '', faults: [] };
  const text = 'is one of those whose sum was larger than their vectors may be';
  return none(
    'a sum larger than vectors in range can have',
    included.map((author) => ({ author, text, isProven: false })),
  );
}
