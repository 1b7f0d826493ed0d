/**
 * The third driver: a run of real libp2p nodes over loopback TCP in one process, each with its own identity,
 * store, core and share of the data. They share one learner, and a clock that begins once they are linked.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesToHex } from '../../src/core/bytes.ts';
import { creatorsCredential, invite } from '../../src/core/credentials.ts';
import type { PeerKey, ProtocolEvent } from '../../src/core/io.ts';
import type { Learner } from '../../src/learning/learner.ts';
import { createTfjsLearner } from '../../src/learning/tfjs/tfjs-learner.ts';
import { rngFor } from '../../src/math/rng.ts';
import type { Labels } from '../../src/methods/attacks/attack.ts';
import { deltasOf, needsRoster } from '../../src/methods/registry.ts';
import type { NetworkEvent } from '../../src/network/events.ts';
import { createHost, type Host } from '../../src/network/host/host.ts';
import { identityFromSeed } from '../../src/network/identity.ts';
import { defaultLinkLimits } from '../../src/network/links/peer-selection.ts';
import { tcpProfile } from '../../src/network/profiles/tcp.ts';
import { createNode } from '../../src/node/create-node.ts';
import type { NodeEvent } from '../../src/node/events.ts';
import { createRun } from '../../src/node/files/manifest-file.ts';
import type { LearnerFactory } from '../../src/node/learners.ts';
import type { RunSession } from '../../src/node/run-session.ts';
import { runPrefix, storeView } from '../../src/node/store-view.ts';
import { openContentFiles } from '../../src/platform/node/content-files.ts';
import { createCrypto } from '../../src/platform/node/crypto.ts';
import { openLevelStore } from '../../src/platform/node/level-store.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import type { RunManifest, SignedManifest } from '../../src/run/manifest.ts';
import { type RunSpec, runSpecSchema } from '../../src/run/run-spec.ts';
import { readIdxFolder } from '../../src/tasks/data/idx-images/idx-folder.ts';
import { mnistFolder } from '../../src/tasks/data/idx-images/mnist-folder.ts';
import type { Metrics } from '../../src/tasks/metrics.ts';
import { outputsOf } from '../../src/tasks/models/model-layout.ts';
import { eventually } from '../network/real-hosts.ts';
import { delayedLine, freePort } from './delayed-line.ts';
import { friendsProfile } from './friends.ts';
import { type Guest, openGuest } from './guest.ts';
import { RunClock } from './run-clock.ts';
import { ShiftedClock } from './shifted-clock.ts';
import { type WatchedContent, watched } from './watched-content.ts';

const creatorIndex = 254;
const loopback = (port: number): string => `/ip4/127.0.0.1/tcp/${port}`;
const examples = 6_000;
const heldOutExamples = 1_000;
const evaluationExamples = 500;
const contentBytesMax = 64 << 20;
const linkDeadlineMs = 600_000;
const finishDeadlineMs = 120_000;
/** Far in the past: only the cluster's own clock ever gets there. */
const beginsAtMs = 1_700_000_000_000;

/** Keys of the nodes: over a fixed topology each must know the others. */
export function keysOf(count: number): PeerKey[] {
  return Array.from({ length: count }, (_, index) => identityFromSeed(identitySeed(index)).key);
}

/** What a part of a cluster shares with the others. */
interface Shared {
  readonly run: SignedManifest;
  readonly learner: Learner;
  readonly clock: RunClock;
  /** Of everything but the run. */
  readonly ownClock: ShiftedClock;
  readonly directory: string;
  readonly bootstrap: string;
  /** One way, between any two nodes. */
  readonly delayMs: number;
  readonly own: OwnLearner | null;
  readonly disguise: (index: number, learner: Learner) => Learner;
  readonly friendsOf: (index: number) => readonly number[] | null;
  readonly addressesOf: (index: number) => readonly string[];
}

interface OwnLearner {
  readonly learners: LearnerFactory;
  readonly data: string;
}

export interface ClusterOptions {
  /** One way, between any two nodes. */
  readonly delayMs?: number;
  /** The clock of the run keeps pace with the machine's, however busy that is. */
  readonly isTimed?: boolean;
  /** Nodes that are not there when the run begins: for each the number of the node whose key it has, its own where it has one. */
  readonly later?: readonly number[];
  /** What trains on node 0, and on which examples, in place of the learner that all share. */
  readonly own?: OwnLearner;
  /** What node `index` makes of its learner. */
  readonly disguise?: (index: number, learner: Learner) => Learner;
  /** What it makes of its labels; null: nothing. */
  readonly relabel?: (index: number) => Relabel | null;
  /** Nodes that node `index` is connected with, and with no other; null: with whom it likes. */
  readonly friendsOf?: (index: number) => readonly number[] | null;
}

type Relabel = (labels: Labels, classes: number) => Labels;

export class Cluster {
  readonly nodes: readonly ClusterNode[];
  /** Not started yet when the run begins. */
  readonly later: readonly ClusterNode[];
  readonly #shared: Shared;
  readonly #bootstrap: Host;

  private constructor(shared: Shared, bootstrap: Host, count: number, later: readonly number[]) {
    this.#shared = shared;
    this.#bootstrap = bootstrap;
    this.nodes = Array.from({ length: count }, (_, index) => new ClusterNode(index, shared));
    this.later = later.map((identity, index) => new ClusterNode(count + index, shared, identity));
  }

  /** Boots `count` nodes that know one bootstrap and begins the run once each is linked to all others. */
  static async begin(
    count: number,
    fields: Partial<RunSpec> = {},
    {
      delayMs = 0,
      isTimed = false,
      later = [],
      own,
      disguise = (_, learner) => learner,
      relabel = () => null,
      friendsOf = () => null,
    }: ClusterOptions = {},
  ): Promise<Cluster> {
    const spec = runSpecSchema.parse({
      name: 'cluster',
      model: { kind: 'mlp', inputs: 784, hidden: [16], outputs: 10 },
      task: { kind: 'idx-images' },
      training: { localSteps: 8, learningRate: 0.2 },
      rounds: 12,
      slotMs: 500,
      membership:
        fields.strategy && needsRoster(fields.strategy)
          ? { kind: 'allow-list', members: keysOf(count) }
          : { kind: 'open' },
      ...fields,
    });
    const directory = await mkdtemp(join(tmpdir(), 'starlings-cluster-'));
    const bootstrap = await bootstrapHost();
    const shared = {
      run: createRun(spec, beginsAtMs, createCrypto(), identityFromSeed(identitySeed(creatorIndex)).signer),
      learner: await learnerFor(spec, count + later.length, relabel),
      clock: new RunClock(beginsAtMs - spec.slotMs, isTimed ? Infinity : undefined),
      ownClock: new ShiftedClock(),
      directory,
      bootstrap: bootstrap.addresses()[0]!,
      delayMs,
      own: own ?? null,
      disguise,
      friendsOf,
      addressesOf: (index: number): readonly string[] => cluster.nodes[index]!.addresses,
    };
    const cluster: Cluster = new Cluster(shared, bootstrap, count, later);
    try {
      await Promise.all(cluster.nodes.map((node) => node.start()));
      await cluster.linked();
    } catch (error) {
      await cluster.end();
      throw error;
    }
    shared.clock.release();
    return cluster;
  }

  /** Waits until every node is linked to all others, or to as many as it looks for. */
  async linked(): Promise<void> {
    const friends = this.nodes.map((_, index) => this.#shared.friendsOf(index));
    const open = friends.filter((one) => one === null).length;
    const wanted = Math.min(defaultLinkLimits.peersMin, open - 1);
    const linked = (): boolean =>
      this.nodes.every(({ peers }, index) => peers >= (friends[index]?.length ?? wanted));
    await eventually('every node is linked to the others', linked, linkDeadlineMs);
  }

  /** Waits until every node, or the given ones, have finished. */
  async finished(nodes: readonly ClusterNode[] = this.nodes): Promise<void> {
    const done = (): boolean => nodes.every(({ session }) => session.status().phase === 'finished');
    await eventually('every node has finished', done, finishDeadlineMs);
  }

  get manifest(): RunManifest {
    return this.run.manifest;
  }

  get run(): SignedManifest {
    return this.#shared.run;
  }

  /** A peer that is linked to all nodes and takes no part; in a run of invited members it is one. */
  async guest(): Promise<Guest> {
    const { run, bootstrap } = this.#shared;
    const guest = await openGuest(run, bootstrap, (key) => invitedByCreator(run, key));
    const linked = (): boolean => guest.peers().length === this.nodes.length;
    await eventually('the guest is linked to all nodes', linked, linkDeadlineMs);
    return guest;
  }

  get runId(): string {
    return this.#shared.run.runId;
  }

  /** Of the run; the network keeps its own time. */
  get clock(): RunClock {
    return this.#shared.clock;
  }

  nowMs(): number {
    return this.clock.nowMs();
  }

  /** For the network of the nodes so much time has passed. */
  age(ms: number): void {
    this.#shared.ownClock.skip(ms);
  }

  modelHashes(): Set<string> {
    return new Set(this.nodes.map(({ session }) => session.status().modelHash));
  }

  /** What the stores of stopped nodes hold under a key of the run. */
  async storedStates(key: string): Promise<Uint8Array[]> {
    const states: Uint8Array[] = [];
    for (const index of this.nodes.keys()) {
      const store = await openLevelStore(join(this.#shared.directory, `node-${index}`));
      const own = storeView(store, runPrefix(this.#shared.run.runId));
      for await (const [name, value] of own.entries()) if (name === key) states.push(value);
      await store.close();
    }
    return states;
  }

  evaluate(model: Float32Array): Promise<Metrics> {
    return this.#shared.learner.evaluate(model);
  }

  async end(): Promise<void> {
    this.clock.hold();
    await Promise.all([...this.nodes, ...this.later].map((node) => node.stop()));
    await this.#bootstrap.stop();
    await this.#shared.learner.close();
    await rm(this.#shared.directory, { recursive: true, force: true });
  }
}

/** One node, through as many sessions as it is started; its identity, store and events stay. */
export class ClusterNode {
  /** Of all sessions, in order. */
  readonly events: ProtocolEvent[] = [];
  /** When each of them happened, by the clock of the run. */
  readonly eventTimesMs: number[] = [];
  readonly networkEvents: NetworkEvent[] = [];
  readonly key: PeerKey;
  readonly #index: number;
  /** Number of the key. */
  readonly #identity: number;
  readonly #shared: Shared;
  #addresses: readonly string[] = [];
  #session: RunSession | null = null;
  /** Of the newest session. */
  content: WatchedContent | null = null;
  /** What takes the session down, last one first. */
  readonly #stops: Array<() => Promise<void>> = [];

  constructor(index: number, shared: Shared, identity = index) {
    this.#index = index;
    this.#identity = identity;
    this.#shared = shared;
    this.key = identityFromSeed(identitySeed(identity)).key;
  }

  /** Where it listens, as long as it runs. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** The newest one, which may be over. */
  get session(): RunSession {
    if (!this.#session) throw new Error(`node ${this.#index} was never started`);
    return this.#session;
  }

  get peers(): number {
    return this.#session?.view().peers ?? 0;
  }

  /** A new session on the store that the last one left. */
  async start(): Promise<void> {
    const { run, learner, clock, ownClock, directory, bootstrap, delayMs, addressesOf } = this.#shared;
    const friends = this.#shared.friendsOf(this.#index);
    const own = this.#index === 0 ? this.#shared.own : null;
    const store = await openLevelStore(join(directory, `node-${this.#index}`));
    this.#stops.push(() => store.close());
    const content = await openContentFiles({
      directory: join(directory, `content-${this.#index}`),
      bytesMax: contentBytesMax,
      crypto: createCrypto(),
      nowMs: wallClock.nowMs,
    });
    this.content = watched(content);
    const listenPort = delayMs > 0 ? await freePort() : 0;
    const line = delayMs > 0 ? await delayedLine(listenPort, delayMs) : null;
    if (line) this.#stops.push(() => line.close());
    const node = await createNode(
      {
        identity: identityFromSeed(identitySeed(this.#identity)),
        profile: friends
          ? friendsProfile(() => [bootstrap, ...friends.flatMap(addressesOf)].map(withoutKey))
          : tcpProfile({
              listen: [loopback(listenPort)],
              announce: line ? [loopback(line.port)] : [],
            }),
        bootstrap: [bootstrap],
        store,
        content: this.content,
        clock: ownClock,
        random: Math.random,
        learners:
          own?.learners ?? (async () => this.#shared.disguise(this.#index, shareOf(learner, this.#index))),
      },
      (event) => this.#hear(event),
    );
    this.#stops.push(() => node.close());
    this.#addresses = node.addresses();
    const invited = invitedByCreator(run, this.key);
    this.#session = node.join(run, {
      ...{ data: own?.data ?? mnistFolder(), backend: 'wasm', clock },
      ...(invited && { credential: bytesToHex(invited) }),
    });
    await this.#session.started;
  }

  async stop(): Promise<void> {
    for (let stop = this.#stops.pop(); stop; stop = this.#stops.pop()) await stop();
  }

  #hear({ source, event }: NodeEvent): void {
    if (source === 'network') this.networkEvents.push(event);
    if (source === 'session' && event.kind === 'input-dropped') throw new Error(event.reason);
    if (source === 'session' && event.kind === 'ended' && event.failure) throw new Error(event.failure);
    if (source !== 'protocol') return;
    this.events.push(event);
    this.eventTimesMs.push(this.#shared.clock.nowMs());
  }

  /** Rounds of all events of a kind that names one, over all sessions. */
  rounds(kind: 'published' | 'restored' | 'finalised'): number[] {
    return this.events.flatMap((event) => (event.kind === kind ? [event.round] : []));
  }
}

/** What the creator of a run has given the key, where members are invited. */
function invitedByCreator({ manifest, runId }: SignedManifest, key: PeerKey): Uint8Array | null {
  if (manifest.membership.kind !== 'invite') return null;
  const { signer } = identityFromSeed(identitySeed(creatorIndex));
  // Whoever is invited by one key has a number of its own.
  const number = Number.parseInt(key.slice(0, 2), 16) % manifest.membership.invitations;
  return invite(runId, creatorsCredential(), { key, number }, signer);
}

async function bootstrapHost(): Promise<Host> {
  const host = await createHost({
    identity: identityFromSeed(identitySeed(255)),
    profile: tcpProfile({ listen: [loopback(0)] }),
    carriesRuns: false,
  });
  await host.start();
  return host;
}

function withoutKey(address: string): string {
  return address.split('/p2p/')[0]!;
}

function identitySeed(index: number): Uint8Array {
  return new Uint8Array(32).fill(index + 1);
}

/** A learner with one label-skewed share of MNIST per node. */
async function learnerFor(
  spec: RunSpec,
  peers: number,
  relabel: (index: number) => Relabel | null,
): Promise<Learner> {
  const { train, heldOut } = await readIdxFolder(spec.model, mnistFolder());
  const some = train.subset(firstOf(examples));
  const classes = outputsOf(spec.model);
  const split = { peers, alpha: 1, classes, rng: rngFor('cluster') };
  const shares = some.splitAmong(split).map((share, index) => {
    const change = relabel(index);
    return change ? share.relabelled((labels) => change(labels, classes)) : share;
  });
  return createTfjsLearner({
    model: spec.model,
    training: spec.training,
    rounds: spec.rounds,
    shares,
    heldOut: heldOut.subset(firstOf(heldOutExamples)),
    evaluation: train.sample(evaluationExamples),
    common: deltasOf(spec.strategy)?.audits ? some : null,
    backend: 'wasm',
  });
}

function firstOf(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, index) => index);
}

/** A node asks for share 0, the only one it knows of; here that is its own of the learner's shares. */
function shareOf(learner: Learner, share: number): Learner {
  return {
    size: learner.size,
    backend: learner.backend,
    train: (request, signal, enough) => learner.train({ ...request, share }, signal, enough),
    score: (vectors, _, signal) => learner.score(vectors, share, signal),
    judge: (question, signal) => learner.judge!(question, signal),
    evaluate: (parameters, signal) => learner.evaluate(parameters, signal),
    close: async () => {},
  };
}
