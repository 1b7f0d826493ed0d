/** One run on a node, from the join to the end: its manifest, files and learner come first, then it runs. */
import { asError } from '../core/as-error.ts';
import { bytesToHex } from '../core/bytes.ts';
import type { CoreStatus, KindState, PeerKey } from '../core/io.ts';
import type { Clock } from '../core/ports.ts';
import { trains } from '../methods/registry.ts';
import { fetchManifest } from '../network/exchange/manifest-exchange.ts';
import type { HiddenRun } from '../network/hidden-run.ts';
import { createCrypto } from '../platform/node/crypto.ts';
import { openManifest, type SignedManifest } from '../run/manifest.ts';
import { baseFile, type RunVectors } from '../run/run-files.ts';
import type { Metrics } from '../tasks/metrics.ts';
import { credentialFor, invitationFor, invitedBefore, keepInvited } from './credential.ts';
import type { Submission } from './driver/driver.ts';
import type { RunEvent, SessionEvent } from './events.ts';
import { filesOf, type RunFiles, type RunFilesOptions } from './files/run-files.ts';
import { hiddenById, hiddenByManifest } from './hidden-session.ts';
import { idleLearner } from './idle-learner.ts';
import { startOnce } from './learners.ts';
import { NodeError } from './node-error.ts';
import { factsOf, refuseTooLarge } from './run-facts.ts';
import { Running } from './running.ts';
import { checkGiven, type JoinOptions, type SessionParts } from './session-parts.ts';
import { Teardown } from './teardown.ts';
import { RunReducer } from './view/run-reducer.ts';
import type { RunView } from './view/run-view.ts';

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
  /** What entitles this key to take part, by our own invitation: hexadecimal digits. @throws NodeError */
  invite(key: PeerKey): Promise<string>;
  /** Of a run that keeps a log, as of now; null for no such kind of entry. @throws NodeError before the run is running */
  stateOf(entryKind: string): KindState | null;
  /** Blobs of a run that keeps a log. @throws NodeError where it has none, or before they are there */
  blobs(): RunFiles;
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

export class Session implements RunSession {
  readonly runId: string;
  readonly #options: JoinOptions;
  readonly #parts: SessionParts;
  readonly #clock: Clock;
  readonly #reducer: RunReducer;
  readonly #aborter = new AbortController();
  readonly #teardown = new Teardown((error) => {
    this.#brokenDown ??= asError(error);
  });
  readonly #started = Promise.withResolvers<void>();
  readonly #prepared = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<Error | null>();
  readonly started: Promise<void> = this.#started.promise;
  readonly prepared: Promise<void> = this.#prepared.promise;
  readonly ended: Promise<Error | null> = this.#ended.promise;
  #cancelSample: () => void = () => {};
  #run: SignedManifest | null;
  /** Of a run that strangers must not see, as far as is known. */
  #hidden: HiddenRun | undefined;
  /** Null where the run has none. */
  #files: RunFiles | null = null;
  #running: Running | null = null;
  /** What we show for ourselves. */
  #own: Uint8Array | null = null;
  /** The first that went wrong while it was taken down. */
  #brokenDown: Error | null = null;
  #isOver = false;
  #isLeft = false;

  constructor(run: SignedManifest | string, options: JoinOptions, parts: SessionParts) {
    this.runId = typeof run === 'string' ? run : run.runId;
    this.#run = typeof run === 'string' ? null : run;
    this.#options = options;
    this.#hidden = hiddenById(this.runId, options.secret);
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

  /** Whether what somebody asks is about this run, and who asks may hear of it. */
  isAskedBy(from: PeerKey | null, question: string, protocol: string): boolean {
    const { key } = this.#parts.identity;
    if (this.#hidden) return from !== null && this.#hidden.isQuestion(question, protocol, from, key);
    return question === this.runId && this.#run?.manifest.secretHash === undefined;
  }

  view(): RunView {
    this.#sample();
    return this.#reducer.view();
  }

  status(): CoreStatus {
    return this.#alive().status();
  }

  model(): Float32Array {
    return this.#alive().model();
  }

  evaluate(): Promise<Metrics> {
    return this.#alive().evaluate();
  }

  submit(entryKind: string, body: Uint8Array): Promise<Submission> {
    return this.#alive().submit(entryKind, body);
  }

  async invite(key: PeerKey): Promise<string> {
    if (this.#run === null) this.#alive();
    const { store, identity } = this.#parts;
    const before = await invitedBefore(store);
    const run = this.#run!;
    const given = { run, own: this.#own, inviter: identity.signer, key, before };
    const { credential, invited } = invitationFor(given);
    await keepInvited(store, invited);
    return bytesToHex(credential);
  }

  stateOf(entryKind: string): KindState | null {
    return this.#alive().stateOf(entryKind);
  }

  blobs(): RunFiles {
    this.#alive();
    if (this.#files?.takesBlobs) return this.#files;
    throw new NodeError(
      'NO_BLOBS',
      `run ${this.runId} keeps no blobs here: it trains a model, or the node has no folder for them`,
    );
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
    this.#hidden = hiddenByManifest(this.#run, this.#options.secret, createCrypto());
    this.#say({ kind: 'opened', facts: factsOf(manifest) });
    const rounds = (this.#clock.nowMs() - manifest.startAtMs) / manifest.slotMs;
    if (rounds > roundsMax) {
      throw new NodeError(
        'RUN_TOO_OLD',
        `run ${this.runId} began ${Math.floor(rounds)} rounds ago; a node can look back over ${roundsMax}`,
      );
    }
    refuseTooLarge(this.runId, manifest);
    checkGiven(this.runId, trains(manifest.strategy), this.#options);
    const { data, backend, compareAlone = false } = this.#options;
    const credential = await this.#credential(this.#run, signal);
    this.#own = credential;
    const vectors = await this.#filesHere(this.#run, credential, signal);
    const startOf = startOnce(this.#run, vectors.start, signal);
    // Before memory is taken for the model: what is most often wrong is what the owner gave.
    const learner = trains(manifest.strategy)
      ? await this.#parts.learners({
          ...{ run: this.#run, data, backend, compareAlone, signal, startOf },
          ...vectors,
        })
      : idleLearner;
    this.#teardown.add(() => learner.close());
    signal.throwIfAborted();
    this.#say({ kind: 'prepared', backend: learner.backend });
    const initial = await startOf(learner);
    this.#running = await Running.open({
      run: this.#run,
      ...{ initial, credential, learner, hidden: this.#hidden },
      ...{ options: this.#options, parts: this.#parts, teardown: this.#teardown },
      base: async () => (await this.#files?.vector(baseFile)) ?? null,
      onEvent: (event) => this.#emit(event),
      onFatal: (error) => this.#finish(error, error),
    });
    await this.#running.start();
    signal.throwIfAborted();
    this.#say({ kind: 'running', round: this.status().round, isBack: this.#running.isBack });
    this.#sampleLater();
  }

  /** What we show for ourselves; null where the run asks for nothing. */
  #credential(run: SignedManifest, signal: AbortSignal): Promise<Uint8Array | null> {
    const { identity, store } = this.#parts;
    return credentialFor({
      ...{ run, self: identity.key, given: this.#options.credential, store, signal },
      crypto: createCrypto(),
      onTries: (tries, expected) => this.#say({ kind: 'working', tries, expected }),
    });
  }

  /** Resolves when all files of the run are here, to the vectors among them. */
  async #filesHere(
    run: SignedManifest,
    credential: Uint8Array | null,
    signal: AbortSignal,
  ): Promise<RunVectors> {
    const { host, clock, random } = this.#parts;
    const onEvent = (event: SessionEvent) => this.#say(event);
    const hidden = this.#hidden;
    const common = { host, run, hidden, credential, clock, random, onEvent, crypto: createCrypto() };
    const isOut: RunFilesOptions['isOut'] = (peer, shown) => this.#running?.isOut(peer, shown) ?? false;
    this.#files = filesOf({ ...common, isOut }, this.#options.filesFolder);
    if (this.#files === null) return {};
    this.#teardown.add(() => this.#files?.stop());
    await this.#files.begin(signal);
    return this.#files.vectors();
  }

  #fetch(): Promise<SignedManifest> {
    const { host, clock, random } = this.#parts;
    const crypto = createCrypto();
    this.#say({ kind: 'searching' });
    return fetchManifest({
      host,
      ...{ runId: this.runId, hidden: this.#hidden },
      open: (bytes) => openManifest(bytes, crypto, this.runId),
      clock,
      random,
      signal: this.#aborter.signal,
      onFailure: (provider, reason) => this.#say({ kind: 'manifest-refused', provider, reason }),
    });
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
    await this.#teardown.run();
    this.#isOver = true;
    const why = failure ?? this.#brokenDown;
    this.#say({ kind: 'ended', failure: why?.message ?? null, isLeft: this.#isLeft });
    this.#ended.resolve(why);
  }

  #sampleLater(): void {
    const { clock } = this.#parts;
    this.#cancelSample = clock.schedule(clock.nowMs() + sampleEveryMs, () => {
      this.#sample();
      this.#sampleLater();
    });
  }

  #sample(): void {
    if (!this.#isOver) this.#running?.saySample();
  }

  #alive(): Running {
    if (this.#running) return this.#running;
    if (this.#aborter.signal.aborted)
      throw new NodeError('NOT_RUNNING', `run ${this.runId} has ended here: \`status\` says why`);
    throw new NodeError('NOT_READY', `run ${this.runId} is not running yet; try again in a moment`);
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
