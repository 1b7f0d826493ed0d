/** libp2p over loopback TCP behind the contract of a transport: one run on three hosts, linked in a line. */
import type { PeerKey } from '../../src/core/io.ts';
import type { Host } from '../../src/network/host/host.ts';
import { tcpProfile } from '../../src/network/profiles/tcp.ts';
import { announcementTopic } from '../../src/network/protocols.ts';
import { createTransport, type NetworkTransport } from '../../src/network/transport.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import { connected, eventually, loopbackHost, someRunId } from '../network/real-hosts.ts';
import {
  answered,
  type Heard,
  judged,
  type RequestBounds,
  slowQuestion,
  type TransportPeer,
  type TransportWorld,
} from './transport-contract.ts';

const runId = someRunId('line');

class LoopbackPeer implements TransportPeer {
  readonly host: Host;
  readonly up: PeerKey[] = [];
  readonly down: PeerKey[] = [];
  readonly heard: Heard[] = [];
  readonly #transport: NetworkTransport;

  constructor(host: Host) {
    this.host = host;
    this.#transport = createTransport({
      host,
      runId,
      clock: wallClock,
      random: Math.random,
      // Only those are linked that the test connects.
      links: { peersMin: 0 },
    });
  }

  get key(): PeerKey {
    return this.host.key;
  }

  get subscribers(): number {
    return this.host.gossip.subscribers(announcementTopic(runId)).size;
  }

  announce(text: string): void {
    void this.#transport.announce(Buffer.from(text));
  }

  request(peer: PeerKey, text: string, bounds: RequestBounds): Promise<readonly Uint8Array[]> {
    const { signal } = new AbortController();
    return this.#transport.request(peer, Buffer.from(text), { ...bounds, signal });
  }

  /** The host stays, and so do its connections. */
  stop(): Promise<void> {
    return this.#transport.stop();
  }

  start(): Promise<void> {
    return this.#transport.start({
      peerUp: (peer) => this.up.push(peer),
      peerDown: (peer) => this.down.push(peer),
      announcement: async (from, bytes) => {
        const text = Buffer.from(bytes).toString();
        this.heard.push({ from, text });
        return judged(text);
      },
      request: async (from, bytes) => {
        const text = Buffer.from(bytes).toString();
        return text === slowQuestion ? new Promise(() => {}) : answered(from, text);
      },
    });
  }
}

export async function loopbackLine(): Promise<TransportWorld> {
  // No server among them: the DHT connects nobody either.
  const profile = { ...tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }), discovery: 'dht-client' } as const;
  const peer = async () => new LoopbackPeer(await loopbackHost({ profile }));
  const peers = [await peer(), await peer(), await peer()] as const;
  await connected(peers[0].host, peers[1].host);
  await connected(peers[1].host, peers[2].host);
  await Promise.all(peers.map((one) => one.start()));
  await eventually('gossip knows the line', () =>
    peers.every((one, place) => one.subscribers === (place === 1 ? 2 : 1)),
  );
  return {
    peers,
    until: eventually,
    settled: (promise) => promise,
    async end() {
      await Promise.all(peers.map((one) => one.stop()));
      await Promise.all(peers.map(({ host }) => host.stop()));
    },
  };
}
