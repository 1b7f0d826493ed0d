/**
 * A node: one identity, one libp2p host and one store, and any number of runs that come and go. The daemon, the
 * clusters of the tests and programs of others all compose it here.
 */
import type { ContentStore, ContentUsage } from '../content/content-store.ts';
import type { PeerKey } from '../core/io.ts';
import type { Clock, Store } from '../core/ports.ts';
import type { PrivacyLedger } from '../learning/private/privacy-ledger.ts';
import type { Retention } from '../log/retention.ts';
import { type Bootstraps, createBootstraps } from '../network/discovery/bootstraps.ts';
import { serveClock } from '../network/exchange/clock-exchange.ts';
import { serveManifests } from '../network/exchange/manifest-exchange.ts';
import { checkPeerAddress } from '../network/host/announced-addresses.ts';
import { createHost, type Host } from '../network/host/host.ts';
import type { NetworkReadings } from '../network/host/host-readings.ts';
import type { Traffic } from '../network/host/traffic.ts';
import { type Identity, peerIdOf } from '../network/identity.ts';
import type { HostProfile } from '../network/profiles/host-profile.ts';
import { CLOCK_PROTOCOL, MANIFEST_PROTOCOL } from '../network/protocols.ts';
import type { SignedManifest } from '../run/manifest.ts';
import type { NodeEvent, RunEvent } from './events.ts';
import type { LearnerFactory } from './learners.ts';
import { limitsSchema, type NodeLimits } from './limits.ts';
import { NodeError } from './node-error.ts';
import { type RunSession, Session } from './run-session.ts';
import type { JoinOptions } from './session-parts.ts';
import { runPrefix, storeView } from './store-view.ts';

export interface NodeOptions {
  readonly identity: Identity;
  /** Where it listens, what it tells others and what it talks over: `tcpProfile`, or one of your own. */
  readonly profile: HostProfile;
  /** Multiaddrs of any nodes, to be found through. */
  readonly bootstrap: readonly string[];
  /** Each run sees its own part of it. The node does not close it. */
  readonly store: Store;
  /** For what runs keep beyond what they must, one for all of them; left out: nothing. */
  readonly content?: ContentStore;
  readonly clock: Clock;
  /** Uniform in [0, 1), not to be foreseen by peers: they must not know whom this node will talk to. */
  readonly random: () => number;
  readonly learners: LearnerFactory;
  /** What is kept of rounds that snapshots cover; 'snapshots' where not given. */
  readonly retention?: Retention | undefined;
  /** Keys whose word counts in full in open runs of which this node holds no state yet. */
  readonly trusted?: ReadonlySet<PeerKey> | undefined;
  /** Of what the examples of this node have paid with. Left out, runs that ask for privacy are not taken part in. */
  readonly privacy?: PrivacyLedger | undefined;
  readonly limits?: Partial<NodeLimits>;
}

/** Invitations whose addresses are tried again and again; of more, the oldest are given up. */
const metMax = 16;

export type NodeListener = (event: NodeEvent) => void;

export interface StarlingsNode {
  readonly key: PeerKey;
  /** libp2p's spelling of the key. */
  readonly peerId: string;
  /** The full addresses (with `/p2p/...`) that others can dial, as far as can be told. */
  addresses(): string[];
  /** Those of them that are public and that nobody has dialled yet: no peer is told. */
  untried(): string[];
  /** Bytes over all connections since the start. */
  traffic(): Traffic;
  /** What the network says of itself, for operators. */
  network(): Promise<NetworkReadings>;
  /** Of the content store; null where the node has none. */
  content(): ContentUsage | null;
  /** Where a peer was last seen, as far as the host remembers; with `/p2p/...`. */
  addressesOf(peer: PeerKey): Promise<string[]>;
  /** From where a connected peer dialled us; nothing where we dialled it. */
  dialledFrom(peer: PeerKey): string[];
  /** Has no connection with these any more, in place of those named before; until the node stops. */
  refuse(peers: readonly PeerKey[]): void;
  /**
   * Takes part in a run: by its manifest, or by its id, for which peers are asked as long as it takes. Returns at
   * once; the session tells when it is running, and why it is not. @throws NodeError ALREADY_JOINED, TOO_MANY_RUNS
   */
  join(run: SignedManifest | string, options: JoinOptions): RunSession;
  /** Dials these as well as the bootstraps, as long as it takes. @throws AddressError where one is no multiaddr with a peer id */
  meet(addresses: readonly string[]): void;
  /** Resolves when the session is taken down; what the run stored stays. @throws NodeError NOT_JOINED */
  leave(runId: string): Promise<void>;
  /** Sessions that are not over, in order of joining. */
  runs(): readonly RunSession[];
  /** Hears of everything from now on, until the returned function is called. A listener must not throw. */
  subscribe(listener: NodeListener): () => void;
  /** Leaves all runs and stops the host. */
  close(): Promise<void>;
}

/**
 * Starts the host and begins to look for the bootstraps. `listener` hears of everything from the very start.
 * @throws where an address cannot be listened on, or a limit is out of its range
 */
export async function createNode(options: NodeOptions, listener?: NodeListener): Promise<StarlingsNode> {
  const { identity, profile } = options;
  const limits = limitsSchema.parse(options.limits ?? {});
  const host = await createHost({ identity, profile, ...limits });
  await host.start();
  const node = new Node(host, options, limits);
  if (listener) node.subscribe(listener);
  await node.start();
  return node;
}

class Node implements StarlingsNode {
  readonly #host: Host;
  readonly #options: NodeOptions;
  readonly #limits: NodeLimits;
  readonly #sessions = new Map<string, Session>();
  readonly #listeners = new Set<NodeListener>();
  /** Of invitations, oldest first. */
  readonly #met: Bootstraps[] = [];
  /** What takes the node down, last one first. */
  readonly #stops: Array<() => Promise<void>> = [];
  #isClosing = false;

  constructor(host: Host, options: NodeOptions, limits: NodeLimits) {
    this.#host = host;
    this.#options = options;
    this.#limits = limits;
  }

  get key(): PeerKey {
    return this.#options.identity.key;
  }

  get peerId(): string {
    return this.#host.libp2p.peerId.toString();
  }

  async start(): Promise<void> {
    this.#stops.push(() => this.#host.stop());
    const bootstraps = this.#bootstraps(this.#options.bootstrap);
    bootstraps.start();
    this.#stops.push(async () => void (await Promise.all(this.#met.map((each) => each.stop()))));
    this.#stops.push(() => bootstraps.stop());
    this.#stops.push(
      await serveManifests(
        this.#host,
        (question, from) => this.#asked(from, question, MANIFEST_PROTOCOL)?.run?.bytes ?? null,
      ),
      await serveClock(
        this.#host,
        (question, from) => this.#asked(from, question, CLOCK_PROTOCOL)?.nowMs() ?? null,
      ),
    );
  }

  /** The run that a question is about, where who asks may hear of it. */
  #asked(from: PeerKey | null, question: string, protocol: string): Session | undefined {
    return [...this.#sessions.values()].find((session) => session.isAskedBy(from, question, protocol));
  }

  #bootstraps(addresses: readonly string[]): Bootstraps {
    const { clock, random } = this.#options;
    return createBootstraps({
      ...{ host: this.#host, addresses, clock, random },
      onEvent: (event) => this.#emit({ source: 'network', event }, null),
    });
  }

  meet(addresses: readonly string[]): void {
    for (const text of addresses) checkPeerAddress(text);
    if (addresses.length === 0 || this.#isClosing) return;
    const bootstraps = this.#bootstraps(addresses);
    bootstraps.start();
    this.#met.push(bootstraps);
    if (this.#met.length > metMax) void this.#met.shift()!.stop();
  }

  addresses(): string[] {
    return this.#host.possibleAddresses();
  }

  untried(): string[] {
    return this.#host.untried();
  }

  traffic(): Traffic {
    return this.#host.traffic();
  }

  network(): Promise<NetworkReadings> {
    return this.#host.readings();
  }

  content(): ContentUsage | null {
    return this.#options.content?.usage() ?? null;
  }

  async addressesOf(peer: PeerKey): Promise<string[]> {
    const id = peerIdOf(peer);
    const known = await this.#host.libp2p.peerStore.get(id).catch(() => null);
    const texts = known?.addresses.map(({ multiaddr }) => multiaddr.toString()) ?? [];
    return texts.map((text) => (text.includes('/p2p/') ? text : `${text}/p2p/${id}`));
  }

  dialledFrom(peer: PeerKey): string[] {
    return this.#host.libp2p
      .getConnections(peerIdOf(peer))
      .filter(({ direction }) => direction === 'inbound')
      .map(({ remoteAddr }) => remoteAddr.toString());
  }

  refuse(peers: readonly PeerKey[]): void {
    this.#host.refused.replace(peers);
  }

  join(run: SignedManifest | string, options: JoinOptions): RunSession {
    const runId = typeof run === 'string' ? run : run.runId;
    const { identity, store, content = null, clock, random, learners, retention, trusted } = this.#options;
    const { privacy = null } = this.#options;
    const { runsMax } = this.#limits;
    if (this.#isClosing) throw new NodeError('NOT_RUNNING', 'this node is stopping');
    if (this.#sessions.has(runId)) {
      throw new NodeError('ALREADY_JOINED', `this node takes part in run ${runId} already`);
    }
    if (this.#sessions.size >= runsMax) {
      throw new NodeError(
        'TOO_MANY_RUNS',
        `this node takes part in ${runsMax} runs, which is its limit (runsMax); leave one first`,
      );
    }
    const session = new Session(run, options, {
      host: this.#host,
      identity,
      store: storeView(store, runPrefix(runId)),
      content,
      clock,
      random,
      learners,
      retention,
      trusted,
      privacy,
      limits: this.#limits,
      onEvent: (event) => this.#emit(event, runId),
    });
    this.#sessions.set(runId, session);
    void session.ended.then(() => this.#sessions.delete(runId));
    void session.start();
    return session;
  }

  async leave(runId: string): Promise<void> {
    const session = this.#sessions.get(runId);
    if (!session) throw new NodeError('NOT_JOINED', `this node takes no part in run ${runId}`);
    await session.leave();
  }

  runs(): readonly RunSession[] {
    return [...this.#sessions.values()];
  }

  subscribe(listener: NodeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all([...this.#sessions.values()].map((session) => session.stop()));
    for (let stop = this.#stops.pop(); stop; stop = this.#stops.pop()) await stop();
  }

  #emit(event: RunEvent, runId: string | null): void {
    const told = { ...event, atMs: this.#options.clock.nowMs(), node: this.key, runId };
    for (const listener of this.#listeners) listener(told);
  }
}
