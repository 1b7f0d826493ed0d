/** The runs of a daemon: what it joins, remembers, shows and gives up. What commands act upon. */

import { join } from 'node:path';
import type { Crypto } from '../core/crypto.ts';
import type { KindState, PeerKey } from '../core/io.ts';
import type { Store } from '../core/ports.ts';
import { composeEntry } from '../entries/registry.ts';
import type { NetworkReadings } from '../network/host/host-readings.ts';
import type {
  BlobKeeper,
  CheckedData,
  JoinRequest,
  NodeControl,
  NodeSummary,
} from '../node/commands/node-command.ts';
import type { StarlingsNode } from '../node/create-node.ts';
import type { Submission } from '../node/driver/driver.ts';
import { NodeError } from '../node/node-error.ts';
import type { RunSession } from '../node/run-session.ts';
import { runPrefix, storeView } from '../node/store-view.ts';
import { type EntryPage, type EntryPageRequest, heldEntries } from '../node/view/held-entries.ts';
import { type EntryRequest, type HeldEntryInFull, heldEntry } from '../node/view/held-entry.ts';
import type { Histories } from '../node/view/histories.ts';
import type { NodeReader, NodeSettings, PeerSummary } from '../node/view/node-reader.ts';
import type { HistoryData } from '../node/view/run-history.ts';
import { RunReducer } from '../node/view/run-reducer.ts';
import type { RunView } from '../node/view/run-view.ts';
import type { RunManifest } from '../run/manifest.ts';
import type { Metrics } from '../tasks/metrics.ts';
import { checkData } from './check-data.ts';
import { filesFolder, keepManifest, MODEL_FILE, runFolder } from './directory.ts';
import type { JoinedRun, JoinedRuns } from './joined-runs.ts';
import { type LastViews, readLastView } from './last-view.ts';
import { findRun, resolveRun } from './run-reference.ts';
import { keepRunSecret, runSecret } from './run-secret.ts';

/** Sessions that failed are shown until their run is joined again or left; of more, the oldest are forgotten. */
const failedMax = 64;
/** Listed with their addresses. */
const peersMax = 256;

export interface NodeRunsOptions {
  readonly node: StarlingsNode;
  readonly directory: string;
  readonly joined: JoinedRuns;
  readonly lastViews: LastViews;
  readonly crypto: Crypto;
  readonly stop: () => void;
  /** A run that was under way could not go on, and nobody else is told. */
  readonly onFailure: (runId: string, failure: Error) => void;
  /** The manifest of a run could not be kept: it has to be asked for again after a restart. */
  readonly onNotKept: (runId: string, error: unknown) => void;
  /** Of the node: what a run holds is read from it. */
  readonly store: Store;
  readonly histories: Histories;
  readonly settings: Omit<NodeSettings, 'addresses' | 'untried'>;
}

interface Paused {
  readonly request: JoinRequest;
  readonly view: RunView;
}

export class NodeRuns implements NodeControl, NodeReader {
  readonly #options: NodeRunsOptions;
  readonly #failed = new Map<string, RunView>();
  readonly #paused = new Map<string, Paused>();
  /** Of what is under way. */
  readonly #requests = new Map<string, JoinRequest>();

  constructor(options: NodeRunsOptions) {
    this.#options = options;
  }

  summary(): NodeSummary {
    const { node } = this.#options;
    return {
      peerKey: node.key,
      peerId: node.peerId,
      addresses: node.addresses(),
      content: node.content(),
      ...node.traffic(),
    };
  }

  views(): readonly RunView[] {
    const paused = [...this.#paused.values()].map(({ view }) => view);
    const running = this.#options.node.runs().map((session) => session.view());
    return [...running, ...paused, ...this.#failed.values()];
  }

  settings(): NodeSettings {
    const { node, settings } = this.#options;
    return { ...settings, addresses: node.addresses(), untried: node.untried() };
  }

  network(): Promise<NetworkReadings> {
    return this.#options.node.network();
  }

  async peers(): Promise<readonly PeerSummary[]> {
    const views = this.views();
    const linked = new Set(views.flatMap(({ members }) => members.linked));
    return Promise.all(
      [...linked].slice(0, peersMax).map(async (peer) => {
        const shared = views.filter(({ members }) => members.linked.includes(peer));
        const name = shared.flatMap(({ members }) => members.names[peer] ?? [])[0] ?? null;
        const { node } = this.#options;
        const addresses = await node.addressesOf(peer);
        const runs = shared.map(({ runId }) => runId);
        return { peer, name, runs, addresses, dialledFrom: node.dialledFrom(peer) };
      }),
    );
  }

  manifest(runId: string): RunManifest | null {
    return this.#find(runId)?.run?.manifest ?? null;
  }

  history(runId: string): HistoryData {
    return this.#options.histories.of(runId);
  }

  async heldEntries(runId: string, page: EntryPageRequest): Promise<EntryPage> {
    const session = this.#session(runId);
    // Clocks of others may be ahead.
    const last = session.status().round + 1;
    const store = storeView(this.#options.store, runPrefix(runId));
    return heldEntries(store, session.run!.manifest.strategy, last, page);
  }

  async heldEntry(runId: string, request: EntryRequest): Promise<HeldEntryInFull | null> {
    const session = this.#session(runId);
    const store = storeView(this.#options.store, runPrefix(runId));
    return heldEntry(store, this.#options.crypto, session.run!.manifest.strategy, request);
  }

  async join(request: JoinRequest): Promise<RunView> {
    const [earlier, paused] = [new Map(this.#failed), new Map(this.#paused)];
    const session = await this.begin(request);
    const { runId } = session;
    try {
      await session.prepared;
    } catch (error) {
      await session.ended;
      // Refused is not joined: the run is shown as it was before, if it was here at all.
      const before = earlier.get(runId);
      if (before) this.#failed.set(runId, before);
      else this.#failed.delete(runId);
      const held = paused.get(runId);
      if (held) this.#paused.set(runId, held);
      throw error;
    }
    const { data, backend, checkpoint } = request;
    await this.#options.joined.remember({ run: runId, data, backend, checkpoint });
    return session.view();
  }

  async leave(runId: string): Promise<boolean> {
    const { node, joined } = this.#options;
    const wasPaused = this.#paused.delete(runId);
    const hadFailed = this.#failed.delete(runId) || wasPaused;
    const wasRemembered = await joined.forget(runId);
    const isHere = node.runs().some((session) => session.runId === runId);
    if (isHere) await node.leave(runId);
    else if (!hadFailed && !wasRemembered) {
      throw new NodeError('NOT_JOINED', `this node takes no part in run ${runId}`);
    }
    return !wasRemembered;
  }

  async pause(runId: string): Promise<boolean> {
    const { node, joined } = this.#options;
    if (this.#paused.has(runId)) throw new NodeError('NOT_RUNNING', `run ${runId} is paused already`);
    const session = this.#session(runId);
    const request = this.#requests.get(runId)!;
    const known = joined.all().find((each) => each.run === runId);
    const view = session.view();
    if (view.state === 'preparing') {
      throw new NodeError(
        'NOT_RUNNING',
        `run ${runId} is being prepared: pause it once it runs, or leave it`,
      );
    }
    await node.leave(runId);
    this.#paused.set(runId, { request, view: { ...view, state: 'paused' } });
    if (known) await joined.remember({ ...known, paused: true });
    return known === undefined;
  }

  async resume(runId: string): Promise<RunView> {
    const { joined } = this.#options;
    const paused = this.#paused.get(runId);
    if (!paused) throw new NodeError('NOT_PAUSED', `run ${runId} is not paused here`);
    const known = joined.all().find((each) => each.run === runId);
    const session = await this.begin({ ...paused.request, run: runId });
    try {
      await session.prepared;
    } catch (error) {
      await session.ended;
      this.#failed.delete(runId);
      this.#paused.set(runId, paused);
      throw error;
    }
    if (known) await joined.remember({ ...known, paused: false });
    return session.view();
  }

  /** Of what was paused before the node was started: shown as it stood last, and not begun. */
  hold({ paused: _, ...request }: JoinedRun): void {
    const { node, directory } = this.#options;
    const view =
      readLastView(directory, request.run) ?? new RunReducer(request.run, node.key, Date.now()).view();
    this.#paused.set(request.run, { request, view: { ...view, state: 'paused' } });
  }

  async check(run: string, data: string): Promise<CheckedData> {
    const { directory, crypto } = this.#options;
    const found = await findRun(run, directory, crypto);
    const manifest = typeof found === 'string' ? this.#find(found)?.run : found;
    if (!manifest) {
      throw new NodeError(
        'NO_MANIFEST',
        `the manifest of run ${found} is not here: give its file, or join it`,
      );
    }
    const { task, model } = manifest.manifest;
    return { runId: manifest.runId, report: await checkData({ task, model, path: data }) };
  }

  async evaluate(runId: string): Promise<Metrics> {
    return this.#session(runId).evaluate();
  }

  async write(runId: string, kind: string, text: string): Promise<Submission> {
    const body = composeEntry(kind, text);
    return 'refused' in body ? body : this.#session(runId).submit(kind, body);
  }

  async invite(runId: string, key: PeerKey): Promise<string> {
    return this.#session(runId).invite(key);
  }

  stateOf(runId: string, kind: string): KindState | null {
    return this.#session(runId).stateOf(kind);
  }

  blobs(runId: string): BlobKeeper {
    return this.#session(runId).blobs();
  }

  refuse(peers: readonly PeerKey[]): void {
    this.#options.node.refuse(peers);
  }

  stop(): void {
    this.#options.stop();
  }

  /** Begins a session and remembers nothing. @throws one error with a sentence for all that can be wrong with the run */
  async begin(request: JoinRequest): Promise<RunSession> {
    const { node, directory, crypto, lastViews } = this.#options;
    const run = await resolveRun(request.run, directory, crypto);
    node.meet(request.bootstrap ?? []);
    const runId = typeof run === 'string' ? run : run.runId;
    if (request.secret !== undefined) await keepRunSecret(directory, runId, request.secret);
    const secret = (await runSecret(directory, runId)) ?? undefined;
    const modelFile = join(runFolder(directory, runId), MODEL_FILE);
    const { data, backend, compareAlone = false, evenIfOver = false, checkpoint, credential } = request;
    const files = filesFolder(directory, runId);
    const options = {
      ...{ data, backend, compareAlone, evenIfOver, checkpoint, credential, secret },
      ...{ modelFile, filesFolder: files },
    };
    const session = node.join(run, options);
    this.#failed.delete(runId);
    this.#paused.delete(runId);
    this.#requests.set(runId, request);
    void session.ended.then(() => {
      if (this.#requests.get(runId) === request) this.#requests.delete(runId);
    });
    if (session.run === null) void this.#keepFound(session);
    void session.started.then(
      () => lastViews.follow(session, node),
      // What did not begin replaces nothing.
      () => {},
    );
    // Who began it hears of what goes wrong until it is prepared; of what comes later nobody would.
    void session.prepared.then(
      () => this.#watch(session),
      () => this.#noteFailed(session),
    );
    return session;
  }

  #find(runId: string): RunSession | undefined {
    return this.#options.node.runs().find((candidate) => candidate.runId === runId);
  }

  #session(runId: string): RunSession {
    const session = this.#find(runId);
    if (!session) throw new NodeError('NOT_JOINED', `this node takes no part in run ${runId}`);
    return session;
  }

  async #watch(session: RunSession): Promise<void> {
    const failure = await session.ended;
    if (failure === null) return;
    this.#noteFailed(session);
    this.#options.onFailure(session.runId, failure);
  }

  #noteFailed(session: RunSession): void {
    const [oldest] = this.#failed.keys();
    if (this.#failed.size >= failedMax && oldest !== undefined) this.#failed.delete(oldest);
    void session.ended.then(() => this.#failed.set(session.runId, session.view()));
  }

  async #keepFound(session: RunSession): Promise<void> {
    const { directory, onNotKept } = this.#options;
    try {
      await session.started;
      await keepManifest(directory, session.run!);
    } catch (error) {
      // That it did not start is told by its end.
      if (session.run !== null) onNotKept(session.runId, error);
    }
  }
}
