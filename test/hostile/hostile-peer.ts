/** A libp2p peer of a run that sends what an honest one never would: bytes of its own making, in frames and streams of its own. */
import { randomBytes } from 'node:crypto';
import type { Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import type { Signer } from '../../src/core/crypto.ts';
import type { PeerKey } from '../../src/core/io.ts';
import { responseBytesMax } from '../../src/log/wire.ts';
import { createHost, type Host } from '../../src/network/host/host.ts';
import { identityFromSeed, peerIdOf } from '../../src/network/identity.ts';
import { tcpProfile } from '../../src/network/profiles/tcp.ts';
import { announcementTopic, exchangeProtocol } from '../../src/network/protocols.ts';
import { createTransport, type NetworkTransport } from '../../src/network/transport.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';

/** What it answers when it is asked; null refuses. */
export type HostileAnswer = (
  bytes: Uint8Array,
  from: PeerKey,
  signer: Signer,
) => readonly Uint8Array[] | null;

export interface HostileOptions {
  readonly runId: string;
  /** Refuses everything where not given. */
  readonly answer?: HostileAnswer;
  /** Of the key; a fresh one where not given. */
  readonly seed?: Uint8Array;
}

/** What gossipsub does for its own messages, without its ids, its sizes and its manners. */
interface RawGossip {
  readonly streamsOutbound: ReadonlyMap<string, unknown>;
  sendRpc(peer: string, rpc: { subscriptions: []; messages: { data: Uint8Array; topic: string }[] }): boolean;
}

const never = new AbortController().signal;

export class HostilePeer {
  readonly signer: Signer;
  readonly #host: Host;
  readonly #transport: NetworkTransport;
  readonly #runId: string;
  /** Announcements that honest peers made, as they came. */
  readonly heard: Uint8Array[] = [];
  /** Requests of honest peers. */
  asked = 0;

  private constructor(host: Host, transport: NetworkTransport, signer: Signer, runId: string) {
    this.#host = host;
    this.#transport = transport;
    this.signer = signer;
    this.#runId = runId;
  }

  static async start({ runId, answer, seed }: HostileOptions): Promise<HostilePeer> {
    const identity = identityFromSeed(seed ?? randomBytes(32));
    const host = await createHost({
      identity,
      profile: { ...tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }), discovery: 'dht-client' },
    });
    await host.start();
    const transport = createTransport({
      ...{ host, runId, clock: wallClock, random: Math.random },
      // It dials whom it is told to.
      links: { peersMin: 0, deafMs: 600_000 },
    });
    const peer = new HostilePeer(host, transport, identity.signer, runId);
    await transport.start({
      peerUp: () => {},
      peerDown: () => {},
      announcement: async (_from, bytes) => {
        peer.heard.push(bytes);
        return 'accept';
      },
      request: async (from, bytes) => {
        peer.asked++;
        const frames = answer?.(bytes, from, identity.signer);
        if (!frames) throw new Error('it answers nothing');
        return frames;
      },
    });
    return peer;
  }

  get key(): PeerKey {
    return this.#host.key;
  }

  /** Peers of the run that it is linked to. */
  get peers(): readonly PeerKey[] {
    return this.#transport.stats().peers;
  }

  /** By the addresses of one node; again where a busy machine takes too long. */
  async dial(addresses: readonly string[], attempts = 4): Promise<void> {
    try {
      await this.#host.libp2p.dial(addresses.map((address) => multiaddr(address)));
    } catch (error) {
      if (attempts <= 1) throw error;
      await this.dial(addresses, attempts - 1);
    }
  }

  /** The frames of the answer; rejects where it is refused. */
  ask(peer: PeerKey, bytes: Uint8Array, timeoutMs = 10_000): Promise<Uint8Array[]> {
    return this.#transport.request(peer, bytes, { responseBytesMax, timeoutMs, signal: never });
  }

  /** Past our own transport, which refuses to send what is too large. */
  async publish(bytes: Uint8Array): Promise<void> {
    await this.#host.gossip.publish(announcementTopic(this.#runId), bytes);
  }

  /** All of them in one frame; false where gossip has no stream to the peer. */
  sendFrame(peer: PeerKey, announcements: readonly Uint8Array[]): boolean {
    const topic = announcementTopic(this.#runId);
    const messages = announcements.map((data) => ({ data, topic }));
    return this.#gossip.sendRpc(peerIdOf(peer).toString(), { subscriptions: [], messages });
  }

  /** A stream of the exchange, on which nothing is said yet. */
  async stream(peer: PeerKey): Promise<Stream> {
    const connection = this.#host.libp2p.getConnections(peerIdOf(peer))[0];
    if (!connection) throw new Error(`not connected to ${peer}`);
    return connection.newStream(exchangeProtocol(this.#runId), { maxOutboundStreams: 1_000 });
  }

  /** Linked to it, and able to send it frames. */
  reaches(peer: PeerKey): boolean {
    return this.peers.includes(peer) && this.#gossip.streamsOutbound.has(peerIdOf(peer).toString());
  }

  get #gossip(): RawGossip {
    return this.#host.libp2p.services.gossip as unknown as RawGossip;
  }

  async leave(): Promise<void> {
    await this.#transport.stop();
    await this.#host.stop();
  }
}
