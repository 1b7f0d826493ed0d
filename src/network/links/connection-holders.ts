/**
 * Which runs of a host hold the connection to a peer. Runs share connections: a run that lets go of a peer
 * must not hang up what another still needs.
 */
import type { PeerKey } from '../../core/io.ts';

export class ConnectionHolders {
  readonly #runs = new Map<PeerKey, Set<string>>();

  hold(peer: PeerKey, runId: string): void {
    const runs = this.#runs.get(peer);
    if (runs === undefined) {
      this.#runs.set(peer, new Set([runId]));
    } else {
      runs.add(runId);
    }
  }

  /** Whether no run holds the connection any more. */
  release(peer: PeerKey, runId: string): boolean {
    const runs = this.#runs.get(peer);
    runs?.delete(runId);
    if (runs?.size === 0) {
      this.#runs.delete(peer);
    }
    return !this.#runs.has(peer);
  }
}
