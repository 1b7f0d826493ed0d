/** One run on a node: its manifest, learner, core, driver and transport, from the join to the end. */

import type { ContentStore } from '../content/content-store.ts';
import type { CoreStatus, PeerKey, ProtocolCore, ProtocolEvent } from '../core/io.ts';
import { memberTest } from '../core/membership.ts';
import type { Clock, Store } from '../core/ports.ts';
import { batchStreamKey, type Learner } from '../learning/learner.ts';
import { parseCheckpoint } from '../log/checkpoint.ts';
import type { Retention } from '../log/retention.ts';
import { isArchiveKey } from '../log/store-keys.ts';
import { createCore, requestBytesMax } from '../methods/create-core.ts';
import type { Host } from '../network/host.ts';
import type { Identity } from '../network/identity.ts';
import { fetchManifest } from '../network/manifest-exchange.ts';
import { createTransport, type NetworkTransport } from '../network/transport.ts';
import { createCrypto } from '../platform/node/crypto.ts';
import { openManifest, type RunManifest, type SignedManifest } from '../run/manifest.ts';
import { baseFile, type RunVectors } from '../run/run-files.ts';
import type { Metrics } from '../tasks/metrics.ts';
import type { BackendChoice } from '../tensor/backend-choices.ts';
import { clockOff, isClockOff } from './clock-offset.ts';
import { ClockWatch } from './clock-watch.ts';
import { type DriverLimits, NodeDriver, type Submission } from './driver.ts';
import type { RunEvent, SessionEvent } from './events.ts';
import { isKeptKey, KeptSnapshots } from './kept-snapshots.ts';
import { type LearnerFactory, startVector } from './learners.ts';
import { NodeError } from './node-error.ts';
import { notMetPastEnd, PastEndWatch } from './past-end.ts';
import { isPersonalKey, sharedOf } from './personal-layers.ts';
import { Progress } from './progress.ts';
import { factsOf, refuseTooLarge, wantedLinks } from './run-facts.ts';
import { filesOf, type RunFiles } from './run-files.ts';
import { RunReducer } from './run-reducer.ts';
import type { RunView } from './run-view.ts';

/** How a node takes part in a run. */
export interface JoinOptions {
  /** This node's own examples, for the learner. */
  readonly data: string;
  readonly backend: BackendChoice;
  readonly compareAlone?: boolean;
  /** Train even where the run's planned time is over and nobody of it is met. */
  readonly evenIfOver?: boolean;
  /** `ROUND:ROOT:SNAPSHOT`, where the history has to begin. */
  readonly checkpoint?: string | undefined;
  /** Where the finished model is saved; its folder must exist. Left out, it is not saved. */
  readonly modelFile?: string;
  /** Where files that the manifest names are kept. */
  readonly filesFolder?: string;
  /** Of the run's slots; the node's own where left out. */
  readonly clock?: Clock;
}

/** What a session shares with the others of its node. */
export interface SessionParts {
  readonly host: Host;
  readonly identity: Identity;
  /** The run's own entries. */
  readonly store: Store;
  readonly content: ContentStore | null;
  readonly clock: Clock;
  /** Uniform in [0, 1), not to be foreseen by peers. */
  readonly random: () => number;
  readonly learners: LearnerFactory;
  readonly retention: Retention | undefined;
  readonly trusted: ReadonlySet<PeerKey> | undefined;
  readonly limits: Partial<DriverLimits>;
  readonly onEvent: (event: RunEvent) => void;
}

export interface RunSession {
  readonly runId: string;
  /** Null until the manifest is here. */
  readonly run: SignedManifest | null;
  /** What the clock of the run's slots says. */
  nowMs(): number;
  /** As of now; after the end, as of then. */
  view(): RunView;
  /** @throws NodeError before the run is running */
  status(): CoreStatus;
  /** The model as of now, not to be modified. @throws NodeError before the run is running */
  model(): Float32Array;
  /** Evaluates the model as of now. @throws NodeError before the run is running; what the learner throws */
  evaluate(): Promise<Metrics>;
  /** Has an entry published of a kind that people write. @throws NodeError before the run is running */
  submit(entryKind: string, body: Uint8Array): Promise<Submission>;
  /** Resolves when the run is running. Rejects where it cannot be, or was left before. */
  readonly started: Promise<void>;
  /** As `started`, but resolves already where something is asked of peers first, which may take for ever. */
  readonly prepared: Promise<void>;
  /** Resolves when everything is taken down: to null where the run was left, else to why it could not go on. */
  readonly ended: Promise<Error | null>;
}

/** Between two samples that nobody asked for. Guess. */
const sampleEveryMs = 5000;

/** Rounds since the start of a run, which a node that holds nothing of it passes one by one: a matter of minutes. */
const roundsMax = 2 ** 28;

/** What is there once the run is running. */
interface Running {
  readonly core: ProtocolCore;
  readonly driver: NodeDriver;
  readonly transport: NetworkTransport;
  readonly progress: Progress;
  readonly watch: ClockWatch;
  readonly pastEnd: PastEndWatch;
}

export class Session implements RunSession {
  readonly runId: string;
  readonly #options: JoinOptions;
  readonly #parts: SessionParts;
  readonly #clock: Clock;
  readonly #reducer: RunReducer;
  readonly #aborter = new AbortController();
  /** What takes the session down, last one first. */
  readonly #stops: Array<() => unknown> = [];
  readonly #started = Promise.withResolvers<void>();
  readonly #prepared = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<Error | null>();
  readonly started: Promise<void> = this.#started.promise;
  readonly prepared: Promise<void> = this.#prepared.promise;
  readonly ended: Promise<Error | null> = this.#ended.promise;
  #cancelSample: () => void = () => {};
  #run: SignedManifest | null;
  /** Null where the run has none. */
  #files: RunFiles | null = null;
  #running: Running | null = null;
  /** As of the last sample. */
  #slotMs = 0;
  #isOver = false;
  #isLeft = false;

  constructor(run: SignedManifest | string, options: JoinOptions, parts: SessionParts) {
    this.runId = typeof run === 'string' ? run : run.runId;
    this.#run = typeof run === 'string' ? null : run;
    this.#options = options;
    this.#parts = parts;
    this.#clock = options.clock ?? parts.clock;
    this.#reducer = new RunReducer(this.runId, parts.identity.key, parts.clock.nowMs());
    // Whoever waits for it hears of it; nobody has to.
    this.started.catch(() => {});
    this.prepared.catch(() => {});
    this.started.then(this.#prepared.resolve, this.#prepared.reject);
  }

  get run(): SignedManifest | null {
    return this.#run;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  view(): RunView {
    this.#sample();
    return this.#reducer.view();
  }

  status(): CoreStatus {
    return this.#alive().core.status(this.#clock.nowMs());
  }

  model(): Float32Array {
    return this.#alive().core.model();
  }

  evaluate(): Promise<Metrics> {
    return this.#alive().progress.evaluate();
  }

  submit(entryKind: string, body: Uint8Array): Promise<Submission> {
    return this.#alive().driver.submit(entryKind, body);
  }

  /** To be called once. What comes of it is told by `started` and `ended`. */
  async start(): Promise<void> {
    try {
      await this.#begin();
      this.#started.resolve();
    } catch (error) {
      const reason = this.#aborter.signal.aborted ? this.#aborter.signal.reason : error;
      this.#started.reject(reason);
      this.#finish(asError(reason), asError(reason));
    }
  }

  /** Ends the session, whatever it is doing; resolves when everything is taken down. */
  async leave(): Promise<void> {
    this.#isLeft ||= !this.#aborter.signal.aborted;
    await this.stop();
  }

  /** As `leave`, because the node stops. */
  async stop(): Promise<void> {
    this.#finish(null, new NodeError('RUN_LEFT', `run ${this.runId} was left`));
    await this.ended;
  }

  async #begin(): Promise<void> {
    const { signal } = this.#aborter;
    this.#run ??= await this.#fetch();
    const { manifest } = this.#run;
    this.#say({ kind: 'opened', facts: factsOf(manifest) });
    const rounds = (this.#clock.nowMs() - manifest.startAtMs) / manifest.slotMs;
    if (rounds > roundsMax) {
      throw new NodeError(
        'RUN_TOO_OLD',
        `run ${this.runId} began ${Math.floor(rounds)} rounds ago; a node can look back over ${roundsMax}`,
      );
    }
    refuseTooLarge(this.runId, manifest);
    const { data, backend, compareAlone = false } = this.#options;
    const { start, base } = await this.#filesHere(this.#run, signal);
    // Before memory is taken for the model: what is most often wrong is what the owner gave.
    const learner = await this.#parts.learners({
      ...{ run: this.#run, data, backend, compareAlone, signal },
      start,
      base,
    });
    this.#stops.push(() => learner.close());
    signal.throwIfAborted();
    this.#say({ kind: 'prepared', backend: learner.backend });
    const initial = await startVector(this.#run, learner, start, signal);
    const { isBack } = await this.#open(this.#run, initial, learner);
    signal.throwIfAborted();
    this.#say({ kind: 'running', round: this.status().round, isBack });
    this.#sampleLater();
  }

  /** Resolves when all files of the run are here, to the vectors among them. */
  async #filesHere(run: SignedManifest, signal: AbortSignal): Promise<RunVectors> {
    const { host, clock, random } = this.#parts;
    const onEvent = (event: SessionEvent) => this.#say(event);
    const common = { host, run, clock, random, onEvent, crypto: createCrypto() };
    this.#files = filesOf(common, this.#options.filesFolder);
    if (this.#files === null) return {};
    this.#stops.push(() => this.#files?.stop());
    await this.#files.begin(signal);
    return this.#files.vectors();
  }

  #fetch(): Promise<SignedManifest> {
    const { host, clock, random } = this.#parts;
    const crypto = createCrypto();
    this.#say({ kind: 'searching' });
    return fetchManifest({
      host,
      runId: this.runId,
      open: (bytes) => openManifest(bytes, crypto, this.runId),
      clock,
      random,
      signal: this.#aborter.signal,
      onFailure: (provider, reason) => this.#say({ kind: 'manifest-refused', provider, reason }),
    });
  }

  async #open(
    run: SignedManifest,
    wholeInitial: Float32Array,
    wholeLearner: Learner,
  ): Promise<{ readonly isBack: boolean }> {
    const { manifest, runId } = run;
    const { identity, store, random, limits, retention, trusted } = this.#parts;
    this.#stops.push(() => store.close());
    const stored: Array<readonly [string, Uint8Array]> = [];
    // What is archived may be long, and no node needs it to go on.
    for await (const entry of store.entries()) if (!isArchiveKey(entry[0])) stored.push(entry);
    const kept = this.#keepSnapshots(stored);
    const { learner, initial } = sharedOf(manifest, wholeLearner, wholeInitial, store, stored);
    const core = createCore(manifest, runId, {
      crypto: createCrypto(),
      signer: identity.signer,
      initial,
      random,
      stored: stored.filter(([key]) => !isKeptKey(key) && !isPersonalKey(key)),
      ...{ retention, trusted, checkpoint: parseCheckpoint(this.#options.checkpoint ?? '') ?? undefined },
    });
    const progress = new Progress({
      core,
      learner,
      run,
      modelFile: this.#options.modelFile ?? null,
      base: async () => (await this.#files?.vector(baseFile)) ?? null,
      nowMs: () => this.#clock.nowMs(),
      onEvent: (event) => this.#say(event),
    });
    const transport = this.#createTransport(manifest, initial.length);
    const watch = this.#watchClock(manifest, transport);
    const isBack = stored.length > 0;
    const { evenIfOver = false } = this.#options;
    const pastEnd = new PastEndWatch(manifest, this.#clock.nowMs(), { evenIfOver, isBack });
    const driver = new NodeDriver({
      core,
      learner,
      transport,
      store,
      kept,
      clock: this.#clock,
      limits,
      whyNotTrain: () => this.#whyNotTrain(),
      streamKey: (round) => batchStreamKey(runId, identity.key, round),
      onEvent: (event: ProtocolEvent) => {
        // Whoever hears of a new phase sees the figures that belong to it.
        if (event.kind === 'phase') {
          pastEnd.notePhase(event.phase);
          transport.rest(event.phase === 'finished');
          this.#sample();
        }
        this.#emit({ source: 'protocol', event });
        progress.note(event);
      },
      onFault: ({ input, from, error }) =>
        this.#say({ kind: 'input-dropped', input, from, reason: error.message }),
      onFatal: (error) => this.#finish(error, error),
    });
    this.#running = { core, driver, transport, progress, watch, pastEnd };
    this.#stops.push(
      () => progress.stop(),
      () => driver.stop(),
    );
    await driver.start();
    watch.start();
    this.#stops.push(() => watch.stop());
    return { isBack };
  }

  #createTransport(manifest: RunManifest, size: number): NetworkTransport {
    const { host, identity, clock, random } = this.#parts;
    return createTransport({
      ...{ host, clock, random, runId: this.runId },
      onEvent: (event) => this.#emit({ source: 'network', event }),
      links: { wanted: wantedLinks(manifest, identity.key) },
      exchange: { requestBytesMax: requestBytesMax(manifest, size) },
    });
  }

  #whyNotTrain(): string | null {
    const { core, watch, pastEnd } = this.#running!;
    if (isClockOff(watch.offset(), this.#slotMs)) return clockOff;
    const nowMs = this.#clock.nowMs();
    pastEnd.note(core.status(nowMs).agreement);
    const { state = 'met' } = pastEnd.state(nowMs) ?? {};
    return state === 'met' ? null : notMetPastEnd;
  }

  #watchClock({ membership, slotMs }: RunManifest, transport: NetworkTransport): ClockWatch {
    const { host, clock, random } = this.#parts;
    const isMember = memberTest(membership);
    this.#slotMs = slotMs;
    return new ClockWatch({
      ...{ host, clock, random, runId: this.runId },
      nowMs: () => this.#clock.nowMs(),
      peers: () => transport.stats().peers.filter(isMember),
    });
  }

  #keepSnapshots(stored: readonly (readonly [string, Uint8Array])[]): KeptSnapshots | null {
    const { content, store } = this.#parts;
    if (content === null) return null;
    const kept = new KeptSnapshots({
      content,
      store,
      runId: this.runId,
      onTrouble: (error) => this.#say({ kind: 'snapshot-not-kept', reason: asError(error).message }),
    });
    this.#stops.push(() => kept.close());
    kept.restore(stored);
    return kept;
  }

  /** The first reason given is the one that counts. */
  #finish(failure: Error | null, reason: Error): void {
    if (this.#aborter.signal.aborted) return;
    this.#aborter.abort(reason);
    void this.#takeDown(failure);
  }

  async #takeDown(failure: Error | null): Promise<void> {
    // A start under way sees that it was aborted and ends.
    await this.started.catch(() => {});
    this.#cancelSample();
    this.#sample();
    for (let stop = this.#stops.pop(); stop; stop = this.#stops.pop()) {
      try {
        await stop();
      } catch (error) {
        failure ??= asError(error);
      }
    }
    this.#isOver = true;
    this.#say({ kind: 'ended', failure: failure?.message ?? null, isLeft: this.#isLeft });
    this.#ended.resolve(failure);
  }

  #sampleLater(): void {
    const { clock } = this.#parts;
    this.#cancelSample = clock.schedule(clock.nowMs() + sampleEveryMs, () => {
      this.#sample();
      this.#sampleLater();
    });
  }

  #sample(): void {
    if (!this.#running || this.#isOver) return;
    const { core, driver, transport, watch, pastEnd } = this.#running;
    const content = this.#parts.content?.usage();
    const nowMs = this.#clock.nowMs();
    const { contributions, ...status } = core.status(nowMs);
    this.#slotMs = status.slotMs;
    pastEnd.note(status.agreement);
    this.#say({
      kind: 'sampled',
      sample: {
        core: {
          ...status,
          contributions: [...contributions].map(([peer, contribution]) => ({ peer, ...contribution })),
        },
        linked: transport.stats().peers,
        ...this.#parts.host.traffic(),
        contentBytes: content?.bytes ?? 0,
        contentBytesMax: content?.bytesMax ?? 0,
        clock: watch.offset(),
        pastEnd: pastEnd.state(nowMs),
        ...driver.load,
      },
    });
  }

  #alive(): Running {
    if (this.#running) return this.#running;
    throw new NodeError('NOT_RUNNING', `run ${this.runId} is not running yet; try again in a moment`);
  }

  #say(event: SessionEvent): void {
    if (event.kind === 'searching' || event.kind === 'file-wanted') this.#prepared.resolve();
    this.#emit({ source: 'session', event });
  }

  #emit(event: RunEvent): void {
    this.#reducer.apply(event);
    this.#parts.onEvent(event);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
