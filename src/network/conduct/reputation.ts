/**
 * How peers have behaved towards this host, whatever the run and whichever way they came: the one place where something is held
 * against one. Gossip scores by it, and whoever has sunk too low is cut off until it is forgiven.
 */
import type { PeerId } from '@libp2p/interface';
import { Misdeeds } from './misdeeds.ts';

/** gossipsub's own default: it drops all that comes from a peer below that. */
const outcastBelow = -80;

export class Reputation {
  readonly #misdeeds = new Misdeeds();
  readonly #nowMs: () => number;
  #onOutcast: (peer: PeerId) => void = () => {};

  /** @param nowMs milliseconds of a clock that never goes back */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** `listener` hears of each misdeed of one that is to be cut off. */
  onOutcast(listener: (peer: PeerId) => void): void {
    this.#onOutcast = listener;
  }

  /** It sent what no honest peer sends, or, by `part`, what one hardly ever sends. */
  blame(peer: PeerId, part = 1): void {
    this.#misdeeds.note(peer.toString(), this.#nowMs(), part);
    if (this.isOutcast(peer)) {
      this.#onOutcast(peer);
    }
  }

  isOutcast(peer: PeerId): boolean {
    return this.scoreOf(peer.toString()) < outcastBelow;
  }

  /** At most 0. @param peer in libp2p's spelling */
  scoreOf(peer: string): number {
    return this.#misdeeds.scoreOf(peer, this.#nowMs());
  }
}
