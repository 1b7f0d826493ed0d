/**
 * libp2p keeps every address that anybody tells of a peer, and looks at all of them whenever one more comes: a message of a stranger
 * that names some ten thousand stops the process. Here a peer has so many, and as it speaks so many protocols: libp2p looks for each that was
 * spoken before among all that are spoken now. What a peer has signed of itself is not pushed out by what others tell of it, and comes first;
 * the others come in no order that anybody could choose, for libp2p tries 25 and gives up.
 * And the DHT has libp2p keep up the connections to its closest peers: where a run lets go of one (links.ts) it is dialled again at once, from
 * both sides, for ever. It dials whom it asks, and does without.
 */
import { type Address, KEEP_ALIVE, type PeerData, type PeerStore } from '@libp2p/interface';
import { pickRandom } from '../../core/pick-random.ts';

/** Of `@libp2p/kad-dht`, which does not export it. */
const kadKeepAlive = `${KEEP_ALIVE}-kad-dht`;
/** Of one telling. Guess; a host with two networks and four relays tells of a dozen. */
export const addressesToldMax = 32;
/** Of a peer, told of by whomever: what it has signed itself, and the latest. */
const addressesKeptMax = 64;
/** Of a peer. Guess; a host in as many runs as there is room for speaks 130. */
const protocolsMax = 512;

export function boundPeers(store: PeerStore): void {
  const get = store.get.bind(store);
  const save = store.save.bind(store);
  const patch = store.patch.bind(store);
  const merge = store.merge.bind(store);
  store.save = (id, data, options) => save(id, withFew(data), options);
  store.patch = (id, data, options) => patch(id, withFew(data), options);
  store.get = async (id, options) => {
    const peer = await get(id, options);
    const { signed, others } = bySignature(peer.addresses);
    return { ...peer, addresses: [...signed, ...pickRandom(others, others.length, Math.random)] };
  };
  store.merge = async (id, data, options) => {
    const few = withFew(data);
    const { addresses, multiaddrs, ...rest } = few;
    const told = addresses ?? multiaddrs?.map((multiaddr) => ({ multiaddr, isCertified: false })) ?? [];
    const kept: readonly Address[] =
      told.length === 0
        ? []
        : await get(id, options).then(
            (peer) => peer.addresses,
            () => [],
          );
    if (kept.length + told.length <= addressesKeptMax) return merge(id, few, options);
    const { signed, others } = bySignature(kept);
    await patch(id, { addresses: [...signed, ...told, ...others].slice(0, addressesKeptMax) }, options);
    return merge(id, rest, options);
  };
}

function bySignature(addresses: readonly Address[]): {
  readonly signed: readonly Address[];
  readonly others: readonly Address[];
} {
  const isSigned = ({ isCertified }: Address): boolean => isCertified;
  return {
    signed: addresses.filter(isSigned),
    others: addresses.filter((address) => !isSigned(address)),
  };
}

function withFew(data: PeerData): PeerData {
  const { addresses, multiaddrs, protocols, tags } = data;
  return {
    ...data,
    ...(addresses === undefined ? {} : { addresses: addresses.slice(0, addressesToldMax) }),
    ...(protocols === undefined ? {} : { protocols: protocols.slice(0, protocolsMax) }),
    ...(multiaddrs === undefined ? {} : { multiaddrs: multiaddrs.slice(0, addressesToldMax) }),
    ...(tags === undefined ? {} : { tags: withoutKad(tags) }),
  };
}

function withoutKad(tags: NonNullable<PeerData['tags']>): NonNullable<PeerData['tags']> {
  const entries = tags instanceof Map ? [...tags] : Object.entries(tags);
  return new Map(entries.filter(([name]) => name !== kadKeepAlive));
}
