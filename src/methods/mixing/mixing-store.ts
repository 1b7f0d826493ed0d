/** What a node that mixes models keeps on its disk: the state of its method, and whom its numbers mean. */
import { concat } from 'uint8arrays';
import { bytesToHex, keyToBytes } from '../../core/bytes.ts';
import type { PeerKey, StoreWrite } from '../../core/io.ts';
import type { MixingPeer, Parcel } from './mixing-peer.ts';
import { decodeState, encodeState } from './parcel-coding.ts';

const stateKey = 'self/model';
/** Keys of the peers whose numbers the state speaks of, where no list of members numbers them. */
const peersKey = 'self/peers';
const keyBytes = 32;

export interface MixingStored {
  /** null where none is stored. */
  readonly state: Parcel | null;
  /** In order of their numbers. */
  readonly peers: readonly PeerKey[];
}

/** `size`: parameters of the model. */
export function readStored(stored: Iterable<readonly [string, Uint8Array]>, size: number): MixingStored {
  let state: Parcel | null = null;
  let peers: readonly PeerKey[] = [];
  for (const [key, value] of stored) {
    if (key === stateKey) state = decodeState(value, size);
    if (key === peersKey) peers = decodePeers(value);
  }
  return { state, peers };
}

export class MixingStore {
  readonly #size: number;
  #peersStored = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** `numbered`: peers in order of their numbers, written where the state speaks of them and more are known than before. */
  writes(peer: Pick<MixingPeer, 'namesPeers' | 'state'>, numbered: readonly PeerKey[]): StoreWrite[] {
    const writes = [{ key: stateKey, value: encodeState(peer.state(), this.#size) }];
    if (!peer.namesPeers || numbered.length <= this.#peersStored) return writes;
    this.#peersStored = numbered.length;
    return [...writes, { key: peersKey, value: concat(numbered.map(keyToBytes)) }];
  }
}

function decodePeers(bytes: Uint8Array): PeerKey[] {
  const count = Math.floor(bytes.length / keyBytes);
  return Array.from({ length: count }, (_, i) =>
    bytesToHex(bytes.subarray(i * keyBytes, (i + 1) * keyBytes)),
  );
}
