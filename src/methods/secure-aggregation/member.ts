/**
 * What a member says in the epochs that it is drawn for. Its secrets are in memory and nowhere else: who starts again has none of earlier
 * epochs, so neither a crash nor an older copy of its directory can use a key twice or open a second time. It takes no further part in
 * them, and the others open what it hid as they do for anybody who is away.
 */
import { equals } from 'uint8arrays';
import type { Crypto } from '../../core/crypto.ts';
import type { PeerKey } from '../../core/io.ts';
import {
  encodeKeys,
  encodeOpen,
  encodeSeen,
  encodeShares,
  type Opened,
} from '../../entries/secure-sum/bodies.ts';
import {
  deal,
  type EpochSecrets,
  type Holder,
  readDeal,
  type SecretBytes,
  secretsFrom,
} from '../../entries/secure-sum/dealing.ts';
import {
  dealersDigest,
  type EpochState,
  includedIn,
  noEntries,
} from '../../entries/secure-sum/epoch-state.ts';
import { bytesOf, hide } from '../../entries/secure-sum/masks.ts';
import {
  type Committees,
  epochIn,
  roundOf,
  type SecureSumRules,
  type Step,
  steps,
} from '../../entries/secure-sum/rules.ts';
import type { SumState } from '../../entries/secure-sum/sum-state.ts';
import { mustWait, whyClosed } from '../../entries/secure-sum/vain.ts';
import type { Claim } from '../../log/envelope.ts';

export interface MemberOptions {
  readonly rules: SecureSumRules;
  readonly crypto: Crypto;
  readonly committees: Committees;
  readonly self: PeerKey;
  readonly secretBytes: SecretBytes;
}

/** The log as a member sees it. */
export interface MemberView {
  readonly slot: number;
  /** Last final round, and what it came to. */
  readonly finalRound: number;
  readonly final: SumState;
  /** What rounds that are not final come to, as far as they are here. */
  live(): SumState;
  /** Whether the log has a place for what we say in this round at this step. */
  isFree(step: Step, round: number): boolean;
  /** Ids of the vectors that are here, by the key of their authors. */
  vectorsIn(round: number): ReadonlyMap<PeerKey, string>;
  /** What we send in this epoch, which is paid for; null where there is nothing yet. */
  pay(epoch: number): Int16Array | null;
}

export interface Said {
  readonly step: Step;
  readonly epoch: number;
  readonly round: number;
  readonly claims: readonly Claim[];
  readonly body: Uint8Array;
}

interface Own {
  readonly secrets: EpochSecrets;
  readonly keys: Uint8Array;
  shares: Uint8Array | null;
  /** Steps that were taken: each once, whatever another history says of it. */
  readonly done: Set<Step>;
}

export class Member {
  readonly #options: MemberOptions;
  readonly #own = new Map<number, Own>();

  constructor(options: MemberOptions) {
    this.#options = options;
  }

  /** The next thing to say; null where there is none now. What is returned was said: it must be published. */
  next(view: MemberView): Said | null {
    const { rules, committees, self } = this.#options;
    this.#forget(view.slot);
    for (const step of steps) {
      for (let round = view.slot; round > view.slot - rules.admitRounds; round--) {
        const epoch = epochIn(step, round, rules);
        if (epoch === null || round <= view.finalRound || !committees.of(epoch).includes(self)) continue;
        if (view.final.excluded.has(self) || !view.isFree(step, round)) continue;
        const said = this.#say(step, epoch, view);
        if (said) return { step, epoch, round, ...said };
      }
    }
    return null;
  }

  /** The secrets of epochs that are over. */
  #forget(slot: number): void {
    const { rules } = this.#options;
    for (const epoch of this.#own.keys()) {
      if (slot >= roundOf('open', epoch, rules) + rules.admitRounds) this.#own.delete(epoch);
    }
  }

  #say(step: Step, epoch: number, view: MemberView): Pick<Said, 'claims' | 'body'> | null {
    if (step === 'keys') return this.#showKeys(epoch);
    if (step === 'seen') return this.#saySeen(epoch, view);
    const own = this.#own.get(epoch);
    const state = view.final.epochs.get(epoch) ?? noEntries;
    if (!own || own.done.has(step) || !this.#isMine(own, state)) return null;
    const before = steps[steps.indexOf(step) - 1]!;
    if (view.finalRound < roundOf(before, epoch, this.#options.rules)) return null;
    const said = this.#saySecret(step, epoch, own, state, view);
    if (said) own.done.add(step);
    return said;
  }

  #saySecret(
    step: 'shares' | 'masked' | 'open',
    epoch: number,
    own: Own,
    state: EpochState,
    view: MemberView,
  ): Pick<Said, 'claims' | 'body'> | null {
    switch (step) {
      case 'shares':
        return this.#dealShares(epoch, own, state);
      case 'masked':
        return this.#sendMasked(epoch, own, state, view);
      case 'open':
        return this.#openShares(epoch, own, state, view);
      default:
        return step satisfies never;
    }
  }

  /** The keys that the log has of us are those whose secrets we have. */
  #isMine({ keys }: Own, state: EpochState): boolean {
    const shown = state.keys.get(this.#options.self);
    return shown !== undefined && equals(shown.body, keys);
  }

  #showKeys(epoch: number): Pick<Said, 'claims' | 'body'> | null {
    const { crypto, secretBytes } = this.#options;
    if (this.#own.has(epoch)) return null;
    const secrets = secretsFrom(secretBytes);
    const [mask, seal] = [crypto.x25519Public(secrets.mask), crypto.x25519Public(secrets.seal)];
    const body = encodeKeys({ mask, seal });
    this.#own.set(epoch, { secrets, keys: body, shares: null, done: new Set() });
    return { claims: [], body };
  }

  #dealShares(epoch: number, own: Own, { keys }: EpochState): Pick<Said, 'claims' | 'body'> | null {
    const { rules, crypto, committees, self, secretBytes } = this.#options;
    if (keys.size < rules.threshold) return null;
    const committee = committees.of(epoch);
    const holders = [...keys].map(
      ([member, { content }]): Holder => ({ place: committee.indexOf(member), member, seal: content.seal }),
    );
    const context = { crypto, epoch, runId: rules.runId, threshold: rules.threshold };
    own.shares = encodeShares(deal(self, own.secrets, holders, secretBytes, context));
    return { claims: [], body: own.shares };
  }

  /** Among fewer than a threshold nothing is hidden for long: nothing is sent. */
  #sendMasked(
    epoch: number,
    own: Own,
    state: EpochState,
    view: MemberView,
  ): Pick<Said, 'claims' | 'body'> | null {
    const { rules, crypto, self, committees } = this.#options;
    const { shares, keys } = state;
    if (mustWait(self, committees.of(epoch), view.final, rules)) return null;
    const dealt = shares.get(self);
    if (!dealt || !own.shares || !equals(dealt.body, own.shares) || shares.size < rules.threshold)
      return null;
    const values = view.pay(epoch);
    if (!values) return null;
    const others = [...shares.keys()].map((member) => ({ member, maskKey: keys.get(member)!.content.mask }));
    const { self: selfSecret, mask } = own.secrets;
    const by = { crypto, runId: rules.runId };
    const body = bytesOf(hide(values, { member: self, self: selfSecret, mask }, others, epoch, by));
    return { claims: [dealersDigest(state, crypto)], body };
  }

  #saySeen(epoch: number, view: MemberView): Pick<Said, 'claims' | 'body'> | null {
    const { rules, committees } = this.#options;
    const here = view.vectorsIn(roundOf('masked', epoch, rules));
    const committee = committees.of(epoch);
    const seen = new Map(
      committee.flatMap((member, place) => {
        const id = here.get(member);
        return id === undefined ? [] : [[place, id] as const];
      }),
    );
    return seen.size === 0 ? null : { claims: [], body: encodeSeen(seen) };
  }

  /** Of each one of two secrets, never both; of fewer vectors than a threshold none, nor what would tell of few by a sum before. */
  #openShares(
    epoch: number,
    own: Own,
    state: EpochState,
    view: MemberView,
  ): Pick<Said, 'claims' | 'body'> | null {
    const { rules, crypto, committees, self } = this.#options;
    const committee = committees.of(epoch);
    const included = includedIn(state, committee, rules.threshold);
    if (included.length < rules.threshold) return null;
    // What is final holds whoever lies. What is not: two sums under way that may both come to nothing, and then none could follow both.
    if (whyClosed(included, view.final, rules) ?? whyClosed(included, view.live(), rules)) return null;
    const place = committee.indexOf(self);
    const opened = [...state.shares].map(([dealer, { content }]): Opened => {
      const dealt = content.deals.find(({ to }) => to === place);
      const keys = { dealerSeal: state.keys.get(dealer)!.content.seal, ownSealSecret: own.secrets.seal };
      const context = { crypto, epoch, runId: rules.runId };
      const shares = dealt && readDeal(dealt, keys, { dealer, holder: self }, context);
      const of = committee.indexOf(dealer);
      if (!shares) return { of, opening: 'unreadable', share: new Uint8Array(32) };
      const opening = included.includes(dealer) ? 'self' : 'mask';
      return { of, opening, share: shares[opening] };
    });
    return { claims: [], body: encodeOpen(opened) };
  }
}
