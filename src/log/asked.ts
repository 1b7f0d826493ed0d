/** Who is asked for the entries of kinds that ask for some, as far as what a replica holds tells it now. */
import { bytesToHex } from '../core/bytes.ts';
import { type LogBook, type PlaceFields, placeKey } from './log-book.ts';
import type { Kinds, LogState } from './log-state.ts';

/** A replica. */
interface Holder {
  readonly log: LogBook;
  readonly base: Readonly<LogState>;
  stateAfter(round: number): Readonly<LogState>;
}

interface Told {
  readonly after: number;
  readonly kind: number;
  /** What the state was made of. */
  readonly madeOf: string;
  readonly state: unknown;
}

export class Asked {
  readonly #kinds: Kinds;
  /** Of open rounds: whoever fills one does not have them folded again for each entry. */
  #told: readonly Told[] = [];

  constructor(kinds: Kinds) {
    this.#kinds = kinds;
  }

  isAsked(place: PlaceFields, holder: Holder): boolean {
    const { round, kind, index } = place;
    const { asked } = this.#kinds[kind]!;
    if (!asked) return true;
    // Of a final round it is known no more, and what is there stays.
    if (round <= holder.base.round) return holder.log.at(round, placeKey(place)) !== undefined;
    const after = asked.after({ round, index });
    return after >= 0 && this.#isAskedAfter(after, place, holder);
  }

  #isAskedAfter(after: number, place: PlaceFields, holder: Holder): boolean {
    const { kind } = place;
    const { asked } = this.#kinds[kind]!;
    const { base } = holder;
    if (after <= base.round) return asked!.isAsked(base.kinds[kind], place, after);
    const madeOf = contentOf(after, holder);
    let told = this.#told.find((one) => one.after === after && one.kind === kind);
    if (told?.madeOf !== madeOf) {
      const others = this.#told.filter((one) => one !== told && one.after > base.round);
      told = { after, kind, madeOf, state: holder.stateAfter(after).kinds[kind] };
      this.#told = [...others, told];
    }
    return asked!.isAsked(told.state, place, after);
  }
}

/** The same for replicas whose states after the round are the same. */
function contentOf(after: number, { base, log }: Holder): string {
  const digests = Array.from({ length: after - base.round }, (_, index) =>
    log.digestHex(base.round + 1 + index),
  );
  return [base.round, bytesToHex(base.root), ...digests].join('/');
}
