/** A whole network of a method stepped by hand, without time: for checking figures, not for running. */
import type { Vector } from '../../math/vector.ts';
import { columnOf, type Topology } from '../topologies/topology.ts';
import type { Hood, MixingPeer, Packed, Parcel, Received } from './mixing-peer.ts';

export interface NetworkStep {
  readonly round: number;
  /** End minus start of each peer's local training. */
  readonly updates: readonly (Vector | null)[];
  /** Whether a message does not arrive: a parcel, or the answer to one. None is lost where not given. */
  readonly isLost?: (from: number, to: number, kind: 'parcel' | 'answer') => boolean;
}

/** One round of all peers: pack, deliver, answer, mix, ask for handouts. `peers[i]` is number i of the topology. */
export function stepNetwork(
  peers: readonly MixingPeer[],
  topology: Topology,
  { round, updates, isLost = () => false }: NetworkStep,
): void {
  const hoods = hoodsOf(topology, round);
  const inbox = peers.map((): Received[] => []);
  const deliver = (from: number, { to, parcel }: Packed): void => {
    const receiver = peers[to]!;
    let answer: Parcel | null = null;
    if (!isLost(from, to, 'parcel') && receiver.accepts(parcel)) {
      if (receiver.answer) answer = receiver.answer(from, parcel);
      else inbox[to]!.push({ from, parcel });
    }
    peers[from]!.answered?.(to, parcel, isLost(to, from, 'answer') ? null : answer);
  };
  const packed = peers.map((peer, i) =>
    peer.pack(round, hoods[i]!, peer.sends === 'after-training' ? updates[i]! : null),
  );
  for (const [from, parcels] of packed.entries()) for (const one of parcels) deliver(from, one);
  for (const [i, peer] of peers.entries()) peer.mix(round, hoods[i]!, updates[i]!, inbox[i]!);
  for (const peer of peers) {
    for (const wanted of peer.wants?.() ?? []) {
      const handout = peers[wanted]!.handout();
      if (handout) peer.takeHandout(wanted, handout);
    }
  }
}

/** Who is around each peer in a round. */
export function hoodsOf(topology: Topology, round: number): Hood[] {
  const rows = topology.matrix(round);
  return rows.map((row, self) => {
    const from = new Map(row);
    const to = columnOf(rows, self);
    from.delete(self);
    to.delete(self);
    return { self, to, from };
  });
}
