import { addScaled, type Vector } from '../../math/vector.ts';
import type { Parcel } from '../mixing/mixing-peer.ts';

interface Copy {
  readonly vector: Vector;
  /** Number of the last difference that is in it. */
  heard: number;
  /** A difference was missed: it is of no use until it comes whole. */
  isBehind: boolean;
}

/** Public copies of the neighbours: each is what its peer holds of itself, as long as no difference is missed. */
export class PublicCopies {
  readonly #initial: Vector;
  readonly #copies = new Map<number, Copy>();

  /** All start from the same vector, so everyone's copy is there from the first round. */
  constructor(initial: Vector) {
    this.#initial = initial;
  }

  /** null while it is behind. */
  of(peer: number): Vector | null {
    const { vector, isBehind } = this.#known(peer);
    return isBehind ? null : vector;
  }

  /** The difference with this number of the peer's, counted from 1; one that is known already is not read. */
  add(peer: number, number: number, read: () => Vector): void {
    const copy = this.#known(peer);
    if (number <= copy.heard) return;
    if (number > copy.heard + 1) copy.isBehind = true;
    else {
      addScaled(copy.vector, 1, read());
      copy.heard = number;
    }
  }

  /** Peers whose copies are needed whole. */
  get behind(): number[] {
    return [...this.#copies].flatMap(([peer, { isBehind }]) => (isBehind ? [peer] : []));
  }

  replace(peer: number, vector: Vector, heard: number): void {
    this.#copies.set(peer, { vector: vector.slice(), heard, isBehind: false });
  }

  state(): Pick<Parcel, 'numbers' | 'vectors'> {
    return {
      numbers: [...this.#copies].flatMap(([peer, { heard }]) => [peer, heard]),
      vectors: [...this.#copies.values()].map(({ vector }) => vector),
    };
  }

  restore({ numbers, vectors }: Pick<Parcel, 'numbers' | 'vectors'>): void {
    for (const [k, vector] of vectors.entries()) this.replace(numbers[2 * k]!, vector, numbers[2 * k + 1]!);
  }

  #known(peer: number): Copy {
    let known = this.#copies.get(peer);
    if (!known) {
      known = { vector: this.#initial.slice(), heard: 0, isBehind: false };
      this.#copies.set(peer, known);
    }
    return known;
  }
}
