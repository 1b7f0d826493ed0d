/** What peers sent that the core rejected, and how much of it is still held against them. */

/** A minute or so: a peer that sends something bad now and then is no flood. */
const HALF_LIFE_MS = 34_000;
/** Five in a row sink a peer below gossipsub's graylist threshold of -80; four do not. */
const WEIGHT = -4;
/** Below that much of one misdeed it is forgotten. */
const FORGOTTEN = 0.05;
/** Peers with a misdeed to their name; of more the one that was quiet longest goes free. */
const peersMax = 1_024;

interface Record {
  readonly count: number;
  readonly atMs: number;
}

export class Misdeeds {
  /** The one that misbehaved last is last. */
  readonly #records = new Map<string, Record>();

  /** @param peer any name, the same each time @param part of a whole misdeed */
  note(peer: string, nowMs: number, part = 1): void {
    const count = this.#countOf(peer, nowMs) + part;
    this.#records.delete(peer);
    this.#records.set(peer, { count, atMs: nowMs });
    if (this.#records.size > peersMax) {
      const [quietest] = this.#records.keys();
      this.#records.delete(quietest!);
    }
  }

  /** At most 0. Quadratic, as gossipsub's own P4: one accident costs next to nothing. */
  scoreOf(peer: string, nowMs: number): number {
    const count = this.#countOf(peer, nowMs);
    if (count < FORGOTTEN) {
      this.#records.delete(peer);
      return 0;
    }
    return WEIGHT * count ** 2;
  }

  get size(): number {
    return this.#records.size;
  }

  #countOf(peer: string, nowMs: number): number {
    const record = this.#records.get(peer);
    return record === undefined ? 0 : record.count * 0.5 ** ((nowMs - record.atMs) / HALF_LIFE_MS);
  }
}
