/**
 * Push-sum loses nothing: what all peers hold and what is under way between them is what they began with and what training
 * added (Assran et al. 2019, the sum over all columns). Keeps the books from what peers write to their stores.
 */
import type { Input, Output, PeerKey } from '../../src/core/io.ts';
import { addScaled, difference, type Vector } from '../../src/math/vector.ts';
import type { Parcel } from '../../src/methods/mixing/mixing-peer.ts';
import { readStored } from '../../src/methods/mixing/mixing-store.ts';
import { methodOf } from '../../src/methods/registry.ts';
import { sgp } from '../../src/methods/sgp/method.ts';
import { PushSumLedger, readLedger } from '../../src/methods/sgp/push-sum-ledger.ts';
import { handledPlan } from '../handled-plan.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { PeerPlan } from '../virtual-node.ts';

interface Account {
  state: Parcel | null;
  /** Keys of peers by the numbers that this one knows them by. */
  numbers: readonly PeerKey[];
  /** Where the training under way began. */
  start: Vector | null;
}

/** Sums of float64 in another order differ by so much of the largest of them. */
const tolerance = 1e-9;

export class PushSumBooks {
  readonly #initial: Float32Array;
  readonly #isKept: boolean;
  readonly #roster: readonly PeerKey[];
  readonly #accounts = new Map<PeerKey, Account>();
  /** Sum over trainings of end minus start, as far as they found weight: of less than at the start, that part of it. */
  readonly #learnt: Float64Array;

  /** Keeps no books for other methods, nor where a disk is lost: what it held is gone, and who returns begins anew. */
  constructor({ run, churn, churnModel }: Scenario, initial: Float32Array, keys: readonly PeerKey[]) {
    this.#initial = initial;
    this.#learnt = new Float64Array(initial.length);
    const losesDisks = churn.some(({ diskLost }) => diskLost) || (churnModel?.diskLossShare ?? 0) > 0;
    this.#isKept = methodOf(run.strategy).id === sgp.id && !losesDisks;
    this.#roster = keys.toSorted();
    for (const key of keys) this.#accounts.set(key, { state: null, numbers: [], start: null });
  }

  /** The plan of a peer whose books are kept. */
  watch(plan: PeerPlan): PeerPlan {
    if (!this.#isKept) return plan;
    const account = this.#accounts.get(plan.key)!;
    return handledPlan(plan, (core, input, nowMs) => {
      const outputs = core.handle(input, nowMs);
      this.#note(account, input, outputs);
      return outputs;
    });
  }

  /** A sentence about mass that was lost or made, or null. */
  imbalance(): string | null {
    if (!this.#isKept) return null;
    const peers = this.#accounts.size;
    const { mass, weight } = this.#total([...this.#accounts.keys()]);
    if (Math.abs(weight - peers) > tolerance * peers) return `${peers} peers hold a weight of ${weight}`;
    const expected = this.#learnt.map((learnt, i) => learnt + peers * this.#initial[i]!);
    const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), peers);
    const at = mass.findIndex((value, i) => Math.abs(value - expected[i]!) > tolerance * scale);
    if (at < 0) return null;
    return `all peers hold ${mass[at]} at coordinate ${at} and were given ${expected[at]}`;
  }

  /** Weight that is the given peers' until others have taken it; 1 each at the beginning. */
  weightOf(keys: readonly PeerKey[]): number {
    return this.#total(keys).weight;
  }

  #note(account: Account, input: Input, outputs: readonly Output[]): void {
    const before = input.type === 'trained' ? this.#restored(account.state).mass : null;
    const { nextId } = readLedger(account.state ?? { numbers: [] });
    for (const output of outputs) {
      if (output.type === 'train') account.start = output.parameters;
      if (output.type !== 'persist') continue;
      const written = output.writes.flatMap(({ key, value }) => (value ? [[key, value] as const] : []));
      const { state, peers } = readStored(written, this.#initial.length);
      if (state) account.state = state;
      if (peers.length > 0) account.numbers = peers;
    }
    if (input.type !== 'trained' || !before || !account.start) return;
    // Training without mass weighs nothing, and some comes too late.
    const after = this.#restored(account.state).mass;
    if (after.every((value, i) => value === before[i])) return;
    const update = difference(input.parameters, account.start);
    addScaled(this.#learnt, Math.min(1, weightBeforeSplit(account.state!, nextId)), update);
  }

  /** What the given peers would hold after a restart, less what others have of that. */
  #total(keys: readonly PeerKey[]): { mass: Float64Array; weight: number } {
    const mass = new Float64Array(this.#initial.length);
    let weight = 0;
    for (const key of keys) {
      const ledger = this.#ledgerOf(key);
      addScaled(mass, 1, ledger.mass);
      weight += ledger.weight;
      if (ledger.debt) {
        addScaled(mass, -1, ledger.debt.mass);
        weight -= ledger.debt.weight;
      }
      for (const transfer of ledger.outgoing()) {
        const to = this.#numbersOf(key)[transfer.to]!;
        const isTaken = this.#ledgerOf(to).hasTaken(this.#numbersOf(to).indexOf(key), transfer.id);
        // Reclaimed, as all is in a ledger that is read back, though it was taken: two have it.
        if (!isTaken) continue;
        addScaled(mass, -1, transfer.mass);
        weight -= transfer.weight;
      }
    }
    return { mass, weight };
  }

  #numbersOf(key: PeerKey): readonly PeerKey[] {
    const { numbers } = this.#accounts.get(key)!;
    return numbers.length > 0 ? numbers : this.#roster;
  }

  #ledgerOf(key: PeerKey): PushSumLedger {
    return this.#restored(this.#accounts.get(key)!.state);
  }

  /** With all that is a peer's own until somebody else has it. One that has written nothing holds what it began with. */
  #restored(state: Parcel | null): PushSumLedger {
    const ledger = new PushSumLedger(Float64Array.from(this.#initial), 1);
    if (state) ledger.restore(state);
    return ledger;
  }
}

/** What a peer weighed before it gave away what has ids from `nextId` on. */
function weightBeforeSplit(state: Parcel, nextId: number): number {
  const { weight, pending } = readLedger(state);
  return pending.reduce((sum, { id, weight: given }) => (id >= nextId ? sum + given : sum), weight);
}
