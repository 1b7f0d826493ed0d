/** A node as a process: its directory, store, identity, API and log around what `createNode` composes. */

import { randomBytes } from 'node:crypto';
import { startControlServer } from '../api/control-server.ts';
import type { HttpServer } from '../api/http-server.ts';
import type { ListenAddress } from '../api/listen-address.ts';
import type { ContentStore } from '../content/content-store.ts';
import { asError } from '../core/as-error.ts';
import { loadIdentity } from '../network/identity.ts';
import type { JoinRequest } from '../node/commands/node-command.ts';
import { createNode, type StarlingsNode } from '../node/create-node.ts';
import type { NodeEvent } from '../node/events.ts';
import { createWarmLearner, trainerLearners } from '../node/learners.ts';
import { runPrefix } from '../node/store-view.ts';
import { Teardown } from '../node/teardown.ts';
import { Histories, type HistoryNote } from '../node/view/histories.ts';
import { openContentFiles } from '../platform/node/content-files.ts';
import { createCrypto } from '../platform/node/crypto.ts';
import { type LevelStore, openLevelStore } from '../platform/node/level-store.ts';
import { keepHeapsSmallStill, releaseGarbage } from '../platform/node/small-heap.ts';
import { wallClock } from '../platform/node/wall-clock.ts';
import { AddressBook, rememberedAddresses } from './address-book.ts';
import { listenAddressOf } from './api-settings.ts';
import type { DaemonInfo } from './daemon-info.ts';
import { daemonProfile } from './daemon-profile.ts';
import { keyFileOf, type NodeDirectory, openNodeDirectory } from './directory.ts';
import { moveEarlierLayout } from './earlier-layout.ts';
import { EventLog } from './event-log.ts';
import { JoinedRuns } from './joined-runs.ts';
import { LastViews } from './last-view.ts';
import { networkTrouble } from './network-trouble.ts';
import { NodeRuns } from './node-runs.ts';
import { settingsOf } from './node-settings.ts';
import type { DaemonOptions, RunningNode } from './options.ts';
import { openPrivacyLedger } from './privacy-file.ts';
import { RefusalTally } from './refusal-tally.ts';
import { ReleaseAtRest } from './release-at-rest.ts';
import { readTokenFile } from './token-file.ts';
import { whenAborted } from './when-aborted.ts';

/** Between two lines of the log on what was refused. Guess. */
const refusalsEveryMs = 60_000;

/**
 * Starts a node; resolves when it is ready (daemon.json written): its runs are running, or peers asked for what is missing of them. It
 * need not have peers. A run that cannot be taken part in is told and left out, unless there is no other.
 * @throws one error with a sentence for everything a user can get wrong; nothing keeps running then.
 */
export async function startDaemon(options: DaemonOptions, outerSignal: AbortSignal): Promise<RunningNode> {
  const directory = openNodeDirectory(options.directory, options.logLevel, options.tell);
  const { log } = directory;
  const teardown = new Teardown((error) => log.error({ err: error }, 'while taking down'));
  teardown.add(() => directory.close());
  try {
    return await new Daemon(options, outerSignal, directory, teardown).start();
  } catch (error) {
    log.error({ err: error }, 'could not start');
    await teardown.run();
    directory.discardIfNew();
    throw error;
  }
}

class Daemon {
  readonly #options: DaemonOptions;
  readonly #directory: NodeDirectory;
  readonly #teardown: Teardown;
  readonly #stopper = new AbortController();
  readonly #signal: AbortSignal;
  readonly #crypto = createCrypto();
  readonly #refusals = new RefusalTally();
  readonly #histories = new Histories();
  readonly #watchers = new Set<(event: NodeEvent, note: HistoryNote | null) => void>();
  #knowsNobody = false;
  /** Why the last run could not go on. */
  #fatal: Error | null = null;

  constructor(
    options: DaemonOptions,
    outerSignal: AbortSignal,
    directory: NodeDirectory,
    teardown: Teardown,
  ) {
    this.#options = options;
    this.#directory = directory;
    this.#teardown = teardown;
    this.#signal = AbortSignal.any([outerSignal, this.#stopper.signal]);
  }

  async start(): Promise<RunningNode> {
    const { log, path } = this.#directory;
    const joined = await JoinedRuns.read(path);
    const lastViews = new LastViews({
      directory: path,
      onNotKept: (runId, error) => log.warn({ runId, err: error }, 'how the run stands could not be kept'),
    });
    // After the node, whose sessions end with it.
    this.#teardown.add(() => lastViews.settled());
    const { node, store } = await this.#createNode();
    const runs = new NodeRuns({
      node,
      directory: path,
      joined,
      lastViews,
      crypto: this.#crypto,
      ...{ store, histories: this.#histories },
      settings: settingsOf(this.#options),
      stop: () => this.#stopper.abort(),
      onFailure: (runId, failure) => this.#runFailed(node, runId, failure),
      onNotKept: (runId, error) => log.warn({ runId, err: error }, 'the manifest could not be kept'),
    });
    const at = await listenAddressOf(this.#options.api ?? {}, this.#options.httpPort);
    const server = await this.#serve(runs, at);
    this.#teardown.add(() => server.close());
    await this.#takeUp(runs, joined);

    const info: DaemonInfo = {
      pid: process.pid,
      http: server.url,
      ...(at.kind === 'tcp' && at.tls ? { certificate: at.tls.certificate } : {}),
      peerId: node.peerId,
      peerKey: node.key,
      addresses: node.addresses(),
      untried: node.untried(),
    };
    await this.#directory.announceReady(info);
    log.info(info, 'ready');
    keepHeapsSmallStill();
    releaseGarbage();
    const closed = whenAborted(this.#signal).then(async () => {
      log.info('stopping');
      await this.#teardown.run();
      if (this.#fatal) throw this.#fatal;
    });
    return { info, closed, views: () => runs.views() };
  }

  async #createNode(): Promise<{ readonly node: StarlingsNode; readonly store: LevelStore }> {
    const {
      keyFile,
      listen,
      announce,
      bootstrap,
      connectivity,
      limits = {},
      retention,
      listener,
      tell,
      trust,
      trainer,
      privacy: budget,
    } = this.#options;
    const { path, log, storeDirectory } = this.#directory;
    const identity = await loadIdentity(keyFile ?? keyFileOf(path));
    const store = await openLevelStore(storeDirectory);
    this.#teardown.add(() => store.close());
    // After the store, whose lock says that nobody else uses this directory.
    const content = await this.#openContent();
    const privacy = await openPrivacyLedger(path, budget, tell);
    // After the node, whose runs write into it.
    this.#teardown.add(() => privacy.settled());
    const moved = await moveEarlierLayout(path, store, this.#crypto);
    if (moved !== null) tell(`moved what ${path} held of run ${moved} to ${path}/runs/${moved}`);
    const addresses = [...bootstrap, ...(await rememberedAddresses(path))];
    this.#knowsNobody = addresses.length === 0;
    const events = new EventLog(log);
    const release = new ReleaseAtRest(releaseGarbage);
    this.#teardown.add(() => release.stop());
    const node = await createNode(
      {
        identity,
        profile: await daemonProfile({ listen, announce }, connectivity),
        bootstrap: addresses,
        store,
        ...(content ? { content } : {}),
        clock: wallClock,
        random: unpredictable,
        learners: trainer
          ? trainerLearners(trainer, (runId, line) => log.info({ runId, line }, 'the trainer says'))
          : createWarmLearner,
        retention,
        trusted: new Set(trust),
        privacy,
        limits,
      },
      (event) => {
        events.write(event);
        this.#compactAtEnd(store, event);
        this.#refusals.note(event);
        release.note(event);
        const trouble = event.source === 'network' ? networkTrouble(event.event) : null;
        if (trouble !== null) tell(trouble);
        listener?.(event);
        const note = this.#histories.note(event);
        for (const watcher of this.#watchers) watcher(event, note);
      },
    );
    this.#teardown.add(() => node.close());
    this.#tellRefusals();
    const book = new AddressBook(path, node, wallClock);
    this.#teardown.add(() => book.stop());
    node.subscribe((event) => notePeer(book, event));
    return { node, store };
  }

  /** What a run wrote over is worth its room while it is written over again, and not after its end. */
  #compactAtEnd(store: LevelStore, { runId, event }: NodeEvent): void {
    if (event.kind !== 'phase' || event.phase !== 'finished' || runId === null) return;
    const { log } = this.#directory;
    store.compact(runPrefix(runId)).catch((error: unknown) => log.warn({ err: error }, 'while compacting'));
  }

  /** Null where nothing is to be kept, or nothing can be: a node does without. */
  async #openContent(): Promise<ContentStore | null> {
    const { contentBytesMax: bytesMax = 0, tell } = this.#options;
    if (bytesMax === 0) return null;
    const { log, contentDirectory: directory } = this.#directory;
    try {
      return await openContentFiles({ directory, bytesMax, crypto: this.#crypto, nowMs: wallClock.nowMs });
    } catch (error) {
      log.warn({ err: error }, 'no content is kept');
      tell(`no snapshots are kept for joiners on slow lines: ${asError(error).message}`);
      return null;
    }
  }

  async #serve(runs: NodeRuns, at: ListenAddress): Promise<HttpServer> {
    const { log } = this.#directory;
    const file = this.#options.api?.token;
    const token = file === undefined ? randomBytes(32).toString('hex') : await readTokenFile(file);
    await this.#directory.writeToken(token);
    return startControlServer({
      at,
      source: runs,
      token,
      subscribe: (listener) => {
        this.#watchers.add(listener);
        return () => this.#watchers.delete(listener);
      },
      onError: (error) => log.error({ err: error }, 'the API could not answer'),
    });
  }

  /** All runs at once. @throws the first failure where no run is left of those there should be */
  async #takeUp(runs: NodeRuns, joined: JoinedRuns): Promise<void> {
    const { runs: declared, tell } = this.#options;
    const failures: { readonly run: string; readonly reason: unknown }[] = [];
    const begin = async (request: JoinRequest): Promise<void> => {
      const session = await runs.begin(request);
      if (session.run === null) this.#tellSearch(session.runId);
      preparing.push(
        session.prepared.catch((reason: unknown) => void failures.push({ run: request.run, reason })),
      );
    };
    const beginAll = async (requests: readonly JoinRequest[]): Promise<void> => {
      const begun = requests.map((request) =>
        begin(request).catch((reason: unknown) => void failures.push({ run: request.run, reason })),
      );
      await Promise.all(begun);
    };
    const preparing: Promise<void>[] = [];
    await beginAll(declared);
    // What is declared goes before what was joined earlier.
    const taken = new Set(runs.views().map(({ runId }) => runId));
    const earlier = joined.all().filter(({ run }) => !taken.has(run));
    for (const run of earlier.filter(({ paused }) => paused)) runs.hold(run);
    const resumed = earlier.filter(({ paused }) => !paused);
    await beginAll(resumed);
    // Who is told to stop meanwhile does not wait for them.
    await Promise.race([Promise.all(preparing), whenAborted(this.#signal)]);
    if (this.#signal.aborted) return;
    if (failures.length > 0 && failures.length === declared.length + resumed.length) {
      throw failures[0]!.reason;
    }
    for (const { run, reason } of failures) {
      this.#directory.log.error({ run, err: reason }, 'run not taken up');
      tell(`run ${run} is left out: ${reason instanceof Error ? reason.message : String(reason)}`);
    }
  }

  /** At info, where each of them is told at debug alone. */
  #tellRefusals(): void {
    const tell = (): void => {
      const lately = this.#refusals.take();
      if (lately) this.#directory.log.info(lately, 'refused lately');
    };
    const timer = setInterval(tell, refusalsEveryMs);
    this.#teardown.add(() => {
      clearInterval(timer);
      tell();
    });
  }

  #tellSearch(runId: string): void {
    const how = this.#knowsNobody ? ', but knows none: give the address of one with --bootstrap' : '';
    this.#options.tell(`asking peers for the manifest of run ${runId}${how}`);
  }

  #runFailed(node: StarlingsNode, runId: string, failure: Error): void {
    this.#directory.log.error({ runId, err: failure }, 'the run cannot go on');
    if (node.runs().length === 0) {
      this.#fatal = failure;
      this.#stopper.abort(failure);
    } else this.#options.tell(`run ${runId} cannot go on here: ${failure.message}; the other runs go on`);
  }
}

function notePeer(book: AddressBook, { source, event }: NodeEvent): void {
  if (source === 'network' && event.kind === 'peer-up') book.note(event.peer);
}

/** Uniform in [0, 1). Peers must not be able to foresee whom we will talk to. */
function unpredictable(): number {
  return randomBytes(4).readUInt32LE() / 2 ** 32;
}
