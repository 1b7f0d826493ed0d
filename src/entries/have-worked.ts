/** Who is asked about the work of others. */
import type { PeerKey } from '../core/io.ts';

/** Those who have worked at least half as much as whoever of them has worked most: keys that have just come are asked nothing. */
export function haveWorked(
  peers: readonly PeerKey[],
  standingOf: (peer: PeerKey) => number,
): readonly PeerKey[] {
  const most = Math.max(0, ...peers.map(standingOf));
  return peers.filter((peer) => 2 * standingOf(peer) >= most);
}
