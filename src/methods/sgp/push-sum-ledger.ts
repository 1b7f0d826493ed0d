/**
 * The mass of one push-sum peer, and what it has under way. Whatever leaves is a transfer with an id of the sender's; it
 * is offered again, in the same bytes, until the receiver says that it has it, and a receiver takes each id once. So nothing is
 * lost or doubled by messages that are lost, doubled or late, nor by answers that are.
 *
 * A receiver that does not answer for `patienceRounds` may be gone: the transfer is then taken back (reclaimed) and a
 * cancellation offered in its place. A receiver that has not seen the transfer notes the id and will never take it (a
 * tombstone); one that had taken it says so, and the sender gives up what it reclaimed: at once where that is no more than half of
 * its weight, else as a debt that it pays from what comes in. Sum of all mass, held or under way, less what is owed, never changes: a
 * transfer under way counts as long as neither side holds it.
 */
import type { Vector } from '../../math/vector.ts';
import { noBody, type Parcel } from '../mixing/mixing-peer.ts';

export interface Transfer {
  /** Of the sender, ascending. */
  readonly id: number;
  readonly mass: Vector;
  readonly weight: number;
  /** cancel: take it never, or say that it was taken. */
  readonly kind: 'give' | 'cancel';
  /** Every transfer of the sender with a lower id is settled: its receiver may forget it. */
  readonly oldest: number;
}

type Amount = Pick<Transfer, 'mass' | 'weight'>;

interface Outgoing extends Omit<Transfer, 'oldest'> {
  readonly to: number;
  /** Rounds offered without an answer. */
  readonly rounds: number;
}

/** Rounds after which an unanswered transfer is reclaimed. Guess. */
const defaultPatienceRounds = 8;
/** What is written of each transfer that a state holds. */
const stateKinds = { give: 0, cancel: 1, owed: 2 } as const;
/** Less weight than this is not enough to divide by. */
const weightMin = 1e-6;

export class PushSumLedger {
  /** x: the mass that this peer holds. Training changes it in place. */
  readonly mass: Vector;
  readonly #patience: number;
  readonly #asSent: (vector: Vector) => Vector;
  #weight: number;
  #nextId = 1;
  /** Fractions of the present mass that leave with the next split. */
  readonly #split: { readonly to: number; readonly fraction: number }[] = [];
  readonly #outgoing = new Map<number, Outgoing>();
  /** Reclaimed though others had taken it, and spent since. */
  #debt: Amount | null = null;
  /** Weight that came in this round. */
  #received = 0;
  /** Ids of each sender: taken, or never to be taken. */
  readonly #taken = new Map<number, Set<number>>();
  readonly #refused = new Map<number, Set<number>>();

  /** `asSent` is what the wire makes of a vector: exactly that leaves. */
  constructor(
    mass: Vector,
    weight: number,
    asSent: (vector: Vector) => Vector = (vector) => vector,
    patienceRounds = defaultPatienceRounds,
  ) {
    this.mass = mass.slice();
    this.#asSent = asSent;
    this.#weight = weight;
    this.#patience = patienceRounds;
  }

  /** w: 1 for each peer at the start; all together their number. */
  get weight(): number {
    return this.#weight;
  }

  /** What others hold as well, and this peer does not have to give up yet; null where there is none. */
  get debt(): { readonly mass: Vector; readonly weight: number } | null {
    return this.#debt;
  }

  /** z = x / w; null while there is hardly any weight. */
  estimate(): Vector | null {
    return this.#weight < weightMin ? null : this.mass.map((value) => value / this.#weight);
  }

  /** Notes that `fraction` of the mass shall go to a peer. */
  send(to: number, fraction: number): void {
    this.#split.push({ to, fraction });
  }

  /** All noted fractions leave, of one and the same mass; the rest stays. @throws RangeError where they are more than all of it */
  settleSplit(): void {
    const total = this.#split.reduce((sum, { fraction }) => sum + fraction, 0);
    if (total > 1 + 1e-12) throw new RangeError(`fractions of ${total} of the mass cannot leave`);
    const leaving = this.#split.splice(0);
    if (this.#weight < weightMin) return;
    const given = leaving.map(({ to, fraction }): Outgoing => {
      const mass = this.#asSent(this.mass.map((value) => fraction * value));
      return { id: this.#nextId++, to, mass, weight: fraction * this.#weight, kind: 'give', rounds: 0 };
    });
    for (const transfer of given) {
      this.#subtract(transfer);
      this.#outgoing.set(transfer.id, transfer);
    }
  }

  /** All mass goes to another peer: what one does who leaves for good. Transfers under way stay to be offered. */
  handOff(to: number): void {
    if (this.#debt)
      this.#pay(this.#debt.weight < this.#weight - weightMin ? this.#debt.weight : this.#weight / 2);
    this.send(to, 1);
    this.settleSplit();
  }

  /** What is to be offered now, the oldest first. */
  outgoing(): readonly (Outgoing & Transfer)[] {
    const all = [...this.#outgoing.values()];
    return all.map((transfer) => ({ ...transfer, oldest: all[0]!.id }));
  }

  /** Another round without an answer; what waited too long is reclaimed, and what is owed is paid as far as mass came in. */
  nextRound(): void {
    // Half of what came: more, or of one's own, and the estimate runs away from what the others hold.
    this.#pay(this.#received / 2);
    this.#received = 0;
    for (const [id, transfer] of this.#outgoing) {
      const rounds = transfer.rounds + 1;
      const isLate = transfer.kind === 'give' && rounds >= this.#patience;
      if (isLate) this.#add(transfer);
      this.#outgoing.set(id, { ...transfer, rounds, kind: isLate ? 'cancel' : transfer.kind });
    }
  }

  /** Returns whether the transfer is in this peer's mass, now or since earlier: the acknowledgement. */
  receive(from: number, transfer: Transfer): boolean {
    const taken = setOf(this.#taken, from);
    const refused = setOf(this.#refused, from);
    for (const known of [taken, refused]) {
      for (const id of known) if (id < transfer.oldest) known.delete(id);
    }
    if (taken.has(transfer.id)) return true;
    if (transfer.kind === 'cancel') refused.add(transfer.id);
    if (refused.has(transfer.id)) return false;
    taken.add(transfer.id);
    this.#add(transfer);
    this.#received += transfer.weight;
    return true;
  }

  /** Whether a transfer of a peer was taken, as far as it is remembered. */
  hasTaken(from: number, id: number): boolean {
    return this.#taken.get(from)?.has(id) ?? false;
  }

  /** The receiver answered. A cancellation of what it had taken costs us what was reclaimed. */
  acknowledge(id: number, isTaken: boolean): void {
    const transfer = this.#outgoing.get(id);
    if (!transfer) return;
    if (transfer.kind === 'give') {
      // Refused: a cancellation of an earlier life of ours came first.
      if (!isTaken) this.#add(transfer);
    } else if (isTaken) {
      if (transfer.weight <= this.#weight / 2) this.#subtract(transfer);
      else this.#owe(transfer);
    }
    this.#outgoing.delete(id);
  }

  state(): Parcel {
    const pending: (Omit<Outgoing, 'kind'> & { kind: keyof typeof stateKinds })[] = [
      ...this.#outgoing.values(),
    ];
    if (this.#debt) pending.push({ ...this.#debt, id: 0, to: 0, rounds: 0, kind: 'owed' });
    const ids = (sets: ReadonlyMap<number, ReadonlySet<number>>) =>
      [...sets].flatMap(([peer, known]) => [...known].flatMap((id) => [peer, id]));
    const taken = ids(this.#taken);
    const refused = ids(this.#refused);
    return {
      numbers: [
        this.#weight,
        this.#nextId,
        pending.length,
        taken.length / 2,
        refused.length / 2,
        ...pending.flatMap(({ id, to, weight, kind, rounds }) => [id, to, weight, stateKinds[kind], rounds]),
        ...taken,
        ...refused,
      ],
      vectors: [this.mass, ...pending.map(({ mass }) => mass)],
      body: noBody,
    };
  }

  /** What was under way is reclaimed: the bytes in which it was offered are gone, and in others it would be other mass. */
  restore({ numbers, vectors }: Parcel): void {
    const { weight, nextId, pending, taken, pairs } = readLedger({ numbers });
    this.mass.set(vectors[0]!);
    this.#weight = weight;
    this.#nextId = nextId;
    for (const [k, { kind, ...each }] of pending.entries()) {
      const transfer = { ...each, mass: vectors[k + 1]!, kind: 'cancel' } as const;
      if (kind === stateKinds.give) this.#add(transfer);
      if (kind === stateKinds.owed) this.#owe(transfer);
      else this.#outgoing.set(each.id, transfer);
    }
    for (let k = 0; k < pairs.length / 2; k++) {
      setOf(k < taken ? this.#taken : this.#refused, pairs[2 * k]!).add(pairs[2 * k + 1]!);
    }
  }

  #owe({ mass, weight }: Amount): void {
    const before = this.#debt;
    this.#debt = before
      ? { mass: before.mass.map((value, i) => value + mass[i]!), weight: before.weight + weight }
      : // What is sent is float32; parts of it are not.
        { mass: Float64Array.from(mass), weight };
  }

  /** As much of the debt as weighs `weight`. */
  #pay(weight: number): void {
    if (!this.#debt || weight <= 0) return;
    const share = Math.min(1, weight / this.#debt.weight);
    const part = { mass: this.#debt.mass.map((value) => share * value), weight: share * this.#debt.weight };
    const { mass } = this.#debt;
    this.#subtract(part);
    this.#debt =
      share === 1
        ? null
        : { mass: mass.map((value, i) => value - part.mass[i]!), weight: this.#debt.weight - part.weight };
  }

  #add({ mass, weight }: Amount): void {
    for (let i = 0; i < this.mass.length; i++) this.mass[i] = this.mass[i]! + mass[i]!;
    this.#weight += weight;
  }

  #subtract({ mass, weight }: Amount): void {
    for (let i = 0; i < this.mass.length; i++) this.mass[i] = this.mass[i]! - mass[i]!;
    this.#weight -= weight;
  }
}

/** What the numbers of a state say. `kind`: of `stateKinds`; `pairs`: peers and ids of them, `taken` of them taken, then those refused. */
export function readLedger({ numbers }: Pick<Parcel, 'numbers'>) {
  const [weight = 0, nextId = 1, count = 0, taken = 0, refused = 0, ...rest] = numbers;
  const pending = Array.from({ length: count }, (_, k) => {
    const [id, to, each, kind, rounds] = rest.slice(5 * k, 5 * k + 5);
    return { id: id!, to: to!, weight: each!, kind: kind!, rounds: rounds! };
  });
  return { weight, nextId, pending, taken, pairs: rest.slice(5 * count, 5 * count + 2 * (taken + refused)) };
}

function setOf(sets: Map<number, Set<number>>, peer: number): Set<number> {
  let known = sets.get(peer);
  if (!known) {
    known = new Set();
    sets.set(peer, known);
  }
  return known;
}
