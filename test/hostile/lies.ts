/** What hostile peers answer, and how they waste what they are given. */
import { decodeRequest, encodeDigestAnswer } from '../../src/log/wire.ts';
import { encodeVarint } from '../../src/network/exchange/frames.ts';
import type { ClusterNode } from '../cluster/cluster.ts';
import { crypto } from '../log/small-run.ts';
import { range } from './arena.ts';
import type { HostileAnswer, HostilePeer } from './hostile-peer.ts';

/** Says that it has folded everything, and empty. */
export const foldedEmpty: HostileAnswer = (bytes) => {
  const request = decodeRequest(bytes);
  if (request?.kind !== 'digest') return null;
  const rounds = request.digests.map(() => ({ state: 'differs-final' as const, rows: [] }));
  return [encodeDigestAnswer({ nextHeld: null, reachesBack: true, atYours: null, rounds })];
};

/** Says that its history weighs as much as a history can, and shows nothing of it. */
export const heaviest: HostileAnswer = (bytes, _from, signer) => {
  if (decodeRequest(bytes)?.kind !== 'digest') return null;
  const atYours = { root: crypto.sha256(Buffer.from(signer.key)), work: 2 ** 31 - 1 };
  return [encodeDigestAnswer({ nextHeld: null, reachesBack: true, rounds: [], atYours })];
};

let junkRows = 0;

/** As no other: each names an entry that is nowhere. */
function junkRow(): Uint8Array {
  const row = new Uint8Array(66);
  new DataView(row.buffer).setUint32(40, junkRows++);
  return row;
}

/** Sets of which nothing is there: as many ids as an answer may hold. */
export const junk: HostileAnswer = (bytes) => {
  const request = decodeRequest(bytes);
  if (request?.kind !== 'digest') return null;
  const rounds = request.digests.map(() => ({
    state: 'differs-open' as const,
    rows: range(0, 640).map(junkRow),
  }));
  return [encodeDigestAnswer({ nextHeld: 0, reachesBack: true, atYours: null, rounds })];
};

/** Begins a request and sends a byte of it now and then, until the stream is reset; false where there is no stream to be had. */
export async function dawdle(peer: HostilePeer, node: ClusterNode, over: AbortSignal): Promise<boolean> {
  const stream = await peer.stream(node.key).catch(() => null);
  if (!stream) return false;
  try {
    stream.send(encodeVarint(60_000));
    while (!over.aborted && stream.status === 'open') {
      stream.send(Uint8Array.of(0));
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
  } catch {
    // Reset.
  }
  stream.abort(new Error('over'));
  return !over.aborted;
}
