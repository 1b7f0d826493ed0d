import type { PeerKey } from '../../core/io.ts';

/** Peers whose log does not reach back to our next round, by what they said. */
export class ForgetfulPeers {
  readonly #peers = new Set<PeerKey>();

  note(peer: PeerKey): void {
    this.#peers.add(peer);
  }

  has(peer: PeerKey): boolean {
    return this.#peers.has(peer);
  }

  forget(peer: PeerKey): void {
    this.#peers.delete(peer);
  }

  clear(): void {
    this.#peers.clear();
  }

  /** They are half of those followed, by weight, and two at least; and half of `known`, which others weigh that are not here. */
  areHalf(followed: readonly PeerKey[], weightOf: (peer: PeerKey) => number, known: number): boolean {
    if (this.#peers.size === 0) return false;
    const weigh = (sum: number, peer: PeerKey): number => sum + weightOf(peer);
    const forgetful = followed.filter((peer) => this.#peers.has(peer));
    if (forgetful.length < Math.min(2, followed.length)) return false;
    return 2 * forgetful.reduce(weigh, 0) >= Math.max(known, followed.reduce(weigh, 0));
  }
}
