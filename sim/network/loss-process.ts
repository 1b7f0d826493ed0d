import type { Rng } from '../../src/math/rng.ts';

/**
 * Loss in bursts: a two-state chain that steps with every message, loses nothing in its good state and everything in
 * its bad one (Gilbert, "Capacity of a burst-noise channel", 1960; Elliott 1963 with other chances in the states).
 */
export interface LossSpec {
  /** Fraction of messages lost in the long run, in [0, 1). */
  readonly chance: number;
  /** Mean number of messages lost in a row; 1 / (1 - chance) makes losses independent. */
  readonly burst: number;
}

/** One chain for each sender. */
export class LossProcess {
  readonly #intoBad: number;
  readonly #outOfBad: number;
  readonly #bad: Uint8Array;

  constructor({ chance, burst }: LossSpec, peers: number) {
    this.#outOfBad = 1 / burst;
    // In the long run chance = intoBad / (intoBad + outOfBad).
    this.#intoBad = chance === 0 ? 0 : Math.min(1, (this.#outOfBad * chance) / (1 - chance));
    this.#bad = new Uint8Array(peers);
  }

  /** Whether the next message of `peer` is lost. Always draws once, so that no loss shifts what is drawn later. */
  loses(peer: number, rng: Rng): boolean {
    const draw = rng.float();
    const bad = this.#bad[peer] === 1 ? draw >= this.#outOfBad : draw < this.#intoBad;
    this.#bad[peer] = bad ? 1 : 0;
    return bad;
  }
}
