/** A running node: puts identity, network, store, learner and core together, and takes them down in order. */
import { randomBytes } from 'node:crypto';
import type { PeerKey, ProtocolEvent } from '../core/io.ts';
import { initialVector, vectorHash } from '../learning/initial.ts';
import { batchStreamKey, type Learner } from '../learning/learner.ts';
import { createWorkerLearner } from '../learning/thread/learner-proxy.ts';
import { createCore, requestBytesMax } from '../methods/create-core.ts';
import { lastingNeighbours } from '../methods/lasting-neighbours.ts';
import { createBootstraps } from '../network/bootstraps.ts';
import type { NetworkEvent } from '../network/events.ts';
import { createHost } from '../network/host.ts';
import { loadIdentity } from '../network/identity.ts';
import { serveManifests } from '../network/manifest-exchange.ts';
import { tcpProfile } from '../network/profiles/tcp.ts';
import { createTransport } from '../network/transport.ts';
import { NodeDriver } from '../node/driver.ts';
import { createCrypto } from '../platform/node/crypto.ts';
import { openLevelStore } from '../platform/node/level-store.ts';
import { wallClock } from '../platform/node/wall-clock.ts';
import type { RunManifest, SignedManifest } from '../run/manifest.ts';
import { AddressBook, rememberedAddresses } from './address-book.ts';
import { openNodeDirectory } from './directory.ts';
import { networkTrouble } from './network-trouble.ts';
import { fetchRun, RunMismatchError, resolveRun } from './obtain-manifest.ts';
import type { DaemonOptions, RunningDaemon } from './options.ts';
import { Progress } from './progress.ts';
import type { NodeStatus } from './status.ts';
import { startStatusServer } from './status-server.ts';
import { whenAborted } from './when-aborted.ts';

/** Local steps before the node says it is ready. Guess. */
const warmUpSteps = 20;

/** Things to take down, last one first; a failure in one does not keep the others up. */
class Teardown {
  readonly #steps: Array<() => unknown> = [];

  add(step: () => unknown): void {
    this.#steps.push(step);
  }

  async run(onError: (error: unknown) => void): Promise<void> {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        onError(error);
      }
    }
  }
}

/**
 * Starts a node; resolves when it is ready (daemon.json written), not when it has peers.
 * @throws one error with a sentence for everything a user can get wrong; nothing keeps running then.
 */
export async function startDaemon(options: DaemonOptions, outerSignal: AbortSignal): Promise<RunningDaemon> {
  const directory = openNodeDirectory(options.directory, options.logLevel);
  const teardown = new Teardown();
  teardown.add(() => directory.close());
  try {
    return await start(options, outerSignal, directory, teardown);
  } catch (error) {
    directory.log.error({ err: error }, 'could not start');
    await teardown.run((failure) => directory.log.error({ err: failure }, 'while taking down'));
    throw error;
  }
}

async function start(
  options: DaemonOptions,
  outerSignal: AbortSignal,
  directory: ReturnType<typeof openNodeDirectory>,
  teardown: Teardown,
): Promise<RunningDaemon> {
  const { log } = directory;
  const crypto = createCrypto();
  const stopper = new AbortController();
  const signal = AbortSignal.any([outerSignal, stopper.signal]);
  const identity = await loadIdentity(directory.keyFile);
  const run = await resolveRun(options.run, directory, crypto);
  const runId = run.kind === 'held' ? run.manifest.runId : run.runId;
  // First what can be wrong here and now, then the network.
  const store = await openLevelStore(directory.storeDirectory);
  teardown.add(() => store.close());
  let learner = run.kind === 'held' ? await startLearner(run.manifest, options, teardown) : null;

  const host = await createHost({ identity, profile: tcpProfile({ listen: options.listen }) });
  await host.start();
  teardown.add(() => host.stop());
  const book = new AddressBook(directory.path, host, wallClock);
  teardown.add(() => book.stop());
  const onEvent = (event: NetworkEvent): void => {
    log.info(event, event.kind);
    if (event.kind === 'peer-up') book.note(event.peer);
    const trouble = networkTrouble(event);
    if (trouble !== null) options.tell(trouble);
  };
  const common = { host, clock: wallClock, random: Math.random, onEvent };
  const remembered = await rememberedAddresses(directory.path);
  const addresses = [...options.bootstrap, ...remembered];
  if (run.kind === 'id') {
    const how = addresses.length > 0 ? '' : ', but knows none: give the address of one with --bootstrap';
    options.tell(`asking peers for the manifest of run ${runId}${how}`);
  }
  const bootstraps = createBootstraps({ ...common, addresses });
  bootstraps.start();
  teardown.add(() => bootstraps.stop());

  const signed = run.kind === 'held' ? run.manifest : await fetchRun(runId, host, directory, crypto, signal);
  const { manifest } = signed;
  learner ??= await startLearner(signed, options, teardown);
  const backend = learner.backend;
  log.info({ runId, backend }, 'learner ready');
  options.tell(`backend   ${backend}`);
  teardown.add(await serveManifests(host, (asked) => (asked === runId ? signed.bytes : null)));

  const stored: Array<readonly [string, Uint8Array]> = [];
  for await (const entry of store.entries()) stored.push(entry);
  const initial = initialVector(manifest.model, manifest.seed);
  const core = createCore(manifest, runId, {
    crypto,
    signer: identity.signer,
    initial,
    random: unpredictable,
    stored,
  });
  const progress = new Progress({
    core,
    learner,
    manifest,
    runId,
    directory: directory.path,
    nowMs: wallClock.nowMs,
    log,
  });
  const transport = createTransport({
    ...common,
    runId,
    links: { wanted: wantedLinks(manifest, identity.key) },
    exchange: { requestBytesMax: requestBytesMax(manifest, initial.length) },
  });
  let fatal: Error | null = null;
  const driver = new NodeDriver({
    core,
    learner,
    transport,
    store,
    clock: wallClock,
    streamKey: (round) => batchStreamKey(runId, identity.key, round),
    onEvent(event: ProtocolEvent) {
      log[event.kind === 'accepted' ? 'debug' : 'info'](event, event.kind);
      progress.note(event);
    },
    onFatal(error) {
      fatal = error;
      stopper.abort(error);
    },
  });
  const startedAtMs = wallClock.nowMs();
  const status = (): NodeStatus => {
    const { refused, contributions, lastLoss, ...view } = core.status(wallClock.nowMs());
    const { bytesIn, bytesOut, peers } = transport.stats();
    const { accuracy, accuracyRound, deltasPublished, announcedBytes, modelPath } = progress;
    return {
      ...view,
      peerKey: identity.key,
      runId,
      rounds: manifest.rounds,
      loss: lastLoss,
      accuracy,
      accuracyRound,
      peers: peers.length,
      bytesIn,
      bytesOut,
      deltasPublished,
      announcedBytes,
      refused: { ...refused },
      contributions: [...contributions].map(([peer, contribution]) => ({ peer, ...contribution })),
      backend,
      startedAtMs,
      modelPath,
    };
  };
  const server = await startStatusServer({ port: options.httpPort, status, stop: () => stopper.abort() });
  teardown.add(() => server.close());
  await driver.start();
  teardown.add(() => progress.stop());
  teardown.add(() => driver.stop());

  const info = {
    pid: process.pid,
    http: server.url,
    peerId: host.libp2p.peerId.toString(),
    peerKey: identity.key,
    addresses: host.addresses(),
  };
  await directory.announceReady(info);
  log.info(info, 'ready');
  const closed = whenAborted(signal).then(async () => {
    log.info('stopping');
    await teardown.run((error) => log.error({ err: error }, 'while stopping'));
    if (fatal) throw fatal;
  });
  return { info, closed };
}

/** Loads the data and starts the backend in a thread; refuses a run whose start vector we cannot build. */
async function startLearner(
  { manifest, runId }: SignedManifest,
  options: DaemonOptions,
  teardown: Teardown,
): Promise<Learner> {
  const initial = initialVector(manifest.model, manifest.seed);
  if (vectorHash(initial) !== manifest.initHash) {
    throw new RunMismatchError(
      `this version of starlings builds another start vector than run ${runId} asks for; use the creator's version`,
    );
  }
  const learner = await createWorkerLearner({
    model: manifest.model,
    task: manifest.task,
    training: manifest.training,
    rounds: manifest.rounds,
    dataPath: options.dataPath,
    backend: options.backend,
  });
  teardown.add(() => learner.close());
  // The first steps pay for compilation; better now than in round 0.
  await learner.train({ parameters: initial, steps: warmUpSteps, round: 0, streamKey: 'warm-up', share: 0 });
  return learner;
}

/** Uniform in [0, 1). Peers must not be able to foresee whom we will talk to. */
function unpredictable(): number {
  return randomBytes(4).readUInt32LE() / 2 ** 32;
}

/** Most links that a node holds for the sake of the run's topology; over one drawn anew each round, some of its peers. */
const wantedLinksMax = 64;

/** Peers that the run's topology mixes us with. */
function wantedLinks(manifest: RunManifest, self: PeerKey): ReadonlySet<PeerKey> {
  return new Set(lastingNeighbours(manifest, wantedLinksMax)?.get(self)?.slice(0, wantedLinksMax));
}
