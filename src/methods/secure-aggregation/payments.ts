/**
 * What a member has learned and not sent (error feedback, Seide 2014), and what it has sent and not seen arrive. A vector that is in no sum
 * goes back: whatever is taken out of the residual is written in the same transaction as the entry that carries it.
 */
import { decodeFloat32, encodeFloat32 } from '../../codec/dense.ts';
import type { PeerKey, StoreWrite } from '../../core/io.ts';
import { bytesOf, numbersOf } from '../../entries/secure-sum/masks.ts';
import { integerMax, quantumOf, roundOf, type SecureSumRules } from '../../entries/secure-sum/rules.ts';
import { outcomesKept, type SumState } from '../../entries/secure-sum/sum-state.ts';
import { addScaled } from '../../math/vector.ts';
import { learnInto, residualKey } from '../error-feedback.ts';

const paidKey = (epoch: number): string => `self/paid/${epoch.toString().padStart(10, '0')}`;
const isPaidKey = /^self\/paid\/(\d{10})$/;
/** Windows after its end in which another history may still say otherwise of an epoch; as far back as logs reach. */
const reachWindows = 4;

interface Payment {
  readonly values: Int16Array;
  /** It went back into the residual. */
  isReturned: boolean;
}

export interface PaymentsOptions {
  readonly rules: SecureSumRules;
  readonly size: number;
  readonly decay: number;
  readonly headStart: number;
  readonly self: PeerKey;
  /** Coordinates of the vector of an epoch. */
  readonly coordinatesOf: (epoch: number) => Uint32Array;
}

export class Payments {
  readonly #options: PaymentsOptions;
  readonly #residual: Float32Array;
  readonly #paid = new Map<number, Payment>();

  constructor(options: PaymentsOptions) {
    this.#options = options;
    this.#residual = new Float32Array(options.size);
  }

  restore(stored: Iterable<readonly [string, Uint8Array]>): void {
    for (const [key, value] of stored) {
      if (key === residualKey && value.length === 4 * this.#residual.length) {
        this.#residual.set(decodeFloat32(value, this.#residual.length));
      }
      const [, epoch] = isPaidKey.exec(key) ?? [];
      if (epoch === undefined || value.length % 2 === 0) continue;
      const values = new Int16Array(numbersOf(value.slice(1)).buffer);
      this.#paid.set(Number(epoch), { values, isReturned: value[0] === 1 });
    }
  }

  /** Where our training starts: ahead of the model by what it does not have yet of what we know. `live`: what is in the model. */
  startFrom(model: Float32Array, live: Pick<SumState, 'outcomes'>): Float32Array {
    const { headStart, rules } = this.#options;
    if (headStart === 0) return model;
    const start = model.slice();
    addScaled(start, -headStart, this.#residual);
    for (const [epoch, { values, isReturned }] of this.#paid) {
      if (!isReturned && !live.outcomes.has(epoch))
        this.#add(start, epoch, values, -headStart * quantumOf(rules));
    }
    return start;
  }

  /** As `learnInto`. */
  learn(start: Float32Array, end: Float32Array): boolean {
    return learnInto(this.#residual, this.#options.decay, start, end);
  }

  /** Takes the vector of an epoch out of the residual: as integers, each as near as they come and none beyond the range. */
  pay(epoch: number, width: number): Int16Array {
    const { rules } = this.#options;
    const [most, quantum] = [integerMax(rules), quantumOf(rules)];
    const values = new Int16Array(width);
    for (const [index, coordinate] of this.#options.coordinatesOf(epoch).entries()) {
      values[index] = Math.max(-most, Math.min(most, Math.round(this.#residual[coordinate]! / quantum)));
    }
    this.#add(this.#residual, epoch, values, -quantum);
    this.#paid.set(epoch, { values, isReturned: false });
    return values;
  }

  /**
   * Goes by what final rounds say of our vectors, also where that is something else than before. Returns the epochs whose vectors went back,
   * and what the store must change.
   */
  follow(
    round: number,
    { outcomes }: Pick<SumState, 'outcomes'>,
  ): { returned: number[]; writes: StoreWrite[] } {
    const { rules, self } = this.#options;
    const returned: number[] = [];
    const writes: StoreWrite[] = [];
    for (const [epoch, payment] of this.#paid) {
      const end = roundOf('open', epoch, rules);
      if (round < end) continue;
      const outcome = outcomes.get(epoch);
      const isForgotten =
        outcome === undefined && [...outcomes.keys()].some((one) => one >= epoch + outcomesKept);
      const isBack = !isForgotten && !outcome?.authors.includes(self);
      if (isBack !== payment.isReturned) {
        payment.isReturned = isBack;
        this.#add(this.#residual, epoch, payment.values, (isBack ? 1 : -1) * quantumOf(rules));
        if (isBack) returned.push(epoch);
        writes.push(...this.#writesOf(epoch, payment));
      }
      if (round <= end + reachWindows * rules.windowRounds) continue;
      this.#paid.delete(epoch);
      writes.push({ key: paidKey(epoch), value: null });
    }
    return { returned, writes: writes.length > 0 ? [...writes, this.#residualWrite()] : [] };
  }

  /** What a restart must find, once something was learned or paid. */
  writes(paid: number | null): StoreWrite[] {
    const payment = paid === null ? undefined : this.#paid.get(paid);
    return [this.#residualWrite(), ...(payment ? this.#writesOf(paid!, payment) : [])];
  }

  #residualWrite(): StoreWrite {
    return { key: residualKey, value: encodeFloat32(this.#residual) };
  }

  #writesOf(epoch: number, { values, isReturned }: Payment): StoreWrite[] {
    const value = new Uint8Array(1 + 2 * values.length);
    value[0] = isReturned ? 1 : 0;
    value.set(bytesOf(new Uint16Array(values.buffer)), 1);
    return [{ key: paidKey(epoch), value }];
  }

  /** `vector` += factor * values, at the coordinates of the epoch. */
  #add(vector: Float32Array, epoch: number, values: Int16Array, factor: number): void {
    for (const [index, coordinate] of this.#options.coordinatesOf(epoch).entries()) {
      vector[coordinate] = vector[coordinate]! + factor * values[index]!;
    }
  }
}
