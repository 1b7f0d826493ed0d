/**
 * libp2p keeps every address that anybody tells of a peer, and looks at all of them whenever one more comes: a message of a stranger
 * that names some ten thousand stops the process. Here a peer has so many, and as it speaks so many protocols: libp2p looks for each that was
 * spoken before among all that are spoken now.
 * And the DHT has libp2p keep up the connections to its closest peers: where a run lets go of one (links.ts) it is dialled again at once, from
 * both sides, for ever. It dials whom it asks, and does without.
 */
import { KEEP_ALIVE, type Peer, type PeerData, type PeerStore } from '@libp2p/interface';

/** Of `@libp2p/kad-dht`, which does not export it. */
const kadKeepAlive = `${KEEP_ALIVE}-kad-dht`;
/** Of one telling. Guess; a host with two networks and four relays tells of a dozen. */
export const addressesToldMax = 32;
/** Of a peer, told of by whomever: the latest. */
const addressesKeptMax = 64;
/** Of a peer. Guess; a host in as many runs as there is room for speaks 130. */
const protocolsMax = 512;

export function boundPeers(store: PeerStore): void {
  const save = store.save.bind(store);
  const patch = store.patch.bind(store);
  const merge = store.merge.bind(store);
  store.save = (id, data, options) => save(id, withFew(data), options);
  store.patch = (id, data, options) => patch(id, withFew(data), options);
  store.merge = async (id, data, options) => {
    const { addresses, multiaddrs, ...others } = withFew(data);
    const told = addresses ?? multiaddrs?.map((multiaddr) => ({ multiaddr, isCertified: false })) ?? [];
    const kept: Peer['addresses'] =
      told.length === 0
        ? []
        : await store.get(id, options).then(
            (peer) => peer.addresses,
            () => [],
          );
    if (kept.length + told.length <= addressesKeptMax) return merge(id, withFew(data), options);
    await patch(id, { addresses: [...told, ...kept].slice(0, addressesKeptMax) }, options);
    return merge(id, others, options);
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
