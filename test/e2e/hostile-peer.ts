/** A real libp2p peer of the run that sends what an honest one never would. */
import { randomBytes } from 'node:crypto';
import * as dagCbor from '@ipld/dag-cbor';
import { createBootstraps } from '../../src/network/discovery/bootstraps.ts';
import { createHost, type Host } from '../../src/network/host/host.ts';
import { identityFromSeed } from '../../src/network/identity.ts';
import { tcpProfile } from '../../src/network/profiles/tcp.ts';
import { announcementTopic } from '../../src/network/protocols.ts';
import { createTransport, type NetworkTransport } from '../../src/network/transport.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import { eventually } from './processes.ts';

export class HostilePeer {
  readonly #host: Host;
  readonly #transport: NetworkTransport;
  readonly #runId: string;
  readonly #heard: Uint8Array[] = [];
  readonly #stops: Array<() => Promise<void>> = [];

  private constructor(host: Host, transport: NetworkTransport, runId: string) {
    this.#host = host;
    this.#transport = transport;
    this.#runId = runId;
  }

  static async join(runId: string, bootstrap: readonly string[]): Promise<HostilePeer> {
    const host = await createHost({
      identity: identityFromSeed(randomBytes(32)),
      profile: tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }),
    });
    await host.start();
    const common = { host, clock: wallClock, random: Math.random, onEvent: () => {} };
    const bootstraps = createBootstraps({ ...common, addresses: bootstrap });
    bootstraps.start();
    const transport = createTransport({ ...common, runId });
    const peer = new HostilePeer(host, transport, runId);
    await transport.start({
      peerUp: () => {},
      peerDown: () => {},
      announcement: async (_from, bytes) => {
        peer.#heard.push(bytes);
        return 'accept';
      },
      request: () => Promise.reject(new Error('it answers nothing')),
    });
    peer.#stops.push(
      () => transport.stop(),
      () => bootstraps.stop(),
      () => host.stop(),
    );
    return peer;
  }

  async leave(): Promise<void> {
    for (const stop of this.#stops) await stop();
  }

  /** Waits until `peers` of the run are up and somebody's announcement was heard. */
  async ready(peers: number): Promise<void> {
    await eventually('the hostile peer is in the mesh', 20_000, () =>
      this.#transport.stats().peers.length >= peers && this.#heard.length > 0 ? true : null,
    );
  }

  /** Somebody's message with another number in its header under the old signature. */
  async sendForged(): Promise<void> {
    const [header, signature, body] = dagCbor.decode(this.#newest()) as [
      Uint8Array,
      Uint8Array,
      Uint8Array | null,
    ];
    const fields = dagCbor.decode(header) as unknown[];
    fields[4] = (fields[4] as number) + 1;
    await this.#publish(dagCbor.encode([dagCbor.encode(fields), signature, body]));
  }

  /** More than an announcement may have. */
  async sendOversized(): Promise<void> {
    await this.#publish(randomBytes(64 * 1024 + 1));
  }

  /** Somebody's valid message again; without its body, so that gossip cannot know the bytes. */
  async sendReplayed(): Promise<void> {
    const [header, signature] = dagCbor.decode(this.#newest()) as [Uint8Array, Uint8Array];
    await this.#publish(dagCbor.encode([header, signature, null]));
  }

  #newest(): Uint8Array {
    const newest = this.#heard.at(-1);
    if (!newest) throw new Error('nothing was heard yet');
    return newest;
  }

  /** Past our own transport, which refuses to send what is too large. */
  async #publish(bytes: Uint8Array): Promise<void> {
    await this.#host.gossip.publish(announcementTopic(this.#runId), bytes);
  }
}
