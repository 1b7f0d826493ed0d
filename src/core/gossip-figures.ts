/** How announcements spread, at real nodes (network/gossip/gossip.ts) and at simulated ones alike. Guesses but for what docs/LOG.md measures. */

/**
 * What was accepted is forwarded so much later: those who got it at the same time say so meanwhile, and need not get it from us. Drawn
 * anew each time, or all who heard it at once would send it on at once, to the same peers.
 */
const forwardPauseMs = { min: 5, max: 35 };

/** With fewer links than each peer keeps up (network/peer-selection.ts) all are linked with all, and hear the author: they have time to say so. */
const smallNetworkPeers = 8;
const smallNetworkPauseMs = { min: 100, max: 200 };

/** With how many peers announcements are exchanged at once; below `min` some are sought up to `wanted`, above `max` some are let go. */
export interface MeshDegrees {
  readonly wanted: number;
  readonly min: number;
  readonly max: number;
  /** Of them, such as we have dialled: others may have come to fill the mesh (Vyzovitis et al., GossipSub, 2020: less than `min`, half of `wanted` at most). */
  readonly dialled: number;
}

/**
 * A mesh this thin is enough where authors send to all their links: with the libp2p defaults (6, 4 to 12) what peers tell each other not to
 * send costs as much as half a copy. The room above leaves newcomers places in full meshes:
 * with 6 some of 512 simulated peers were left with two and heard by digests only.
 */
const degrees: MeshDegrees = { wanted: 4, min: 4, max: 8, dialled: 2 };
/** Where the author is heard by all, the mesh is for a link that breaks just then. */
const smallNetworkDegrees: MeshDegrees = { wanted: 2, min: 2, max: 4, dialled: 1 };

/** `peers`: those that we are linked with. */
export function meshDegrees(peers: number): MeshDegrees {
  return peers < smallNetworkPeers ? smallNetworkDegrees : degrees;
}

/** `peers`: those that we are linked with; `random`: numbers in [0, 1). */
export function drawForwardPauseMs(peers: number, random: () => number): number {
  const { min, max } = peers < smallNetworkPeers ? smallNetworkPauseMs : forwardPauseMs;
  return min + (max - min) * random();
}
