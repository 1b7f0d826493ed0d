/** What there is of a run while it runs on a node: core, driver, transport, and what watches them. */
import { asError } from '../core/as-error.ts';
import type { CoreStatus, KindState, PeerKey, ProtocolCore, ProtocolEvent } from '../core/io.ts';
import { memberTest } from '../core/membership.ts';
import type { Clock } from '../core/ports.ts';
import { batchStreamKey, type Learner } from '../learning/learner.ts';
import { addSecretNoise } from '../learning/private/secret-noise.ts';
import { parseCheckpoint } from '../log/checkpoint.ts';
import { isArchiveKey } from '../log/store-keys.ts';
import { createCore, requestBytesMax } from '../methods/create-core.ts';
import { isTrainingKey } from '../methods/delta-log/training-record.ts';
import { deltasOf, trains } from '../methods/registry.ts';
import type { HiddenRun } from '../network/hidden-run.ts';
import { createTransport, type NetworkTransport } from '../network/transport.ts';
import { createCrypto } from '../platform/node/crypto.ts';
import { secretBytes } from '../platform/node/secrets.ts';
import type { SignedManifest } from '../run/manifest.ts';
import type { Metrics } from '../tasks/metrics.ts';
import { clockOff, isClockOff } from './clock/clock-offset.ts';
import { ClockWatch } from './clock/clock-watch.ts';
import { notMetPastEnd, PastEndWatch } from './clock/past-end.ts';
import { isCredentialKey } from './credential.ts';
import { NodeDriver, type Submission } from './driver/driver.ts';
import { isKeptKey, KeptSnapshots } from './driver/kept-snapshots.ts';
import type { RunEvent, SessionEvent } from './events.ts';
import { isPersonalKey, sharedOf } from './personal-layers.ts';
import { Progress } from './progress.ts';
import { wantedLinks } from './run-facts.ts';
import { RunPrivacy } from './run-privacy.ts';
import type { JoinOptions, SessionParts } from './session-parts.ts';
import type { Teardown } from './teardown.ts';
import { CommunityWatch } from './view/community.ts';

export interface RunningGiven {
  readonly run: SignedManifest;
  /** Of the whole model, as is `initial`: a run may share a part of it. */
  readonly learner: Learner;
  readonly initial: Float32Array;
  /** What this node shows where the run asks for it. */
  readonly credential: Uint8Array | null;
  /** Where strangers must not see the run. */
  readonly hidden: HiddenRun | undefined;
  readonly options: JoinOptions;
  readonly parts: SessionParts;
  /** The vector that the model adds to; null where it adds to none. */
  readonly base: () => Promise<Float32Array | null>;
  /** Is given what to take down as it comes up. */
  readonly teardown: Teardown;
  readonly onEvent: (event: RunEvent) => void;
  /** Nothing goes on. */
  readonly onFatal: (error: Error) => void;
}

type Stored = ReadonlyArray<readonly [string, Uint8Array]>;

export class Running {
  /** The store held something of the run before. */
  readonly isBack: boolean;
  readonly #given: Omit<RunningGiven, 'learner' | 'initial'>;
  readonly #clock: Clock;
  readonly #core: ProtocolCore;
  readonly #driver: NodeDriver;
  readonly #transport: NetworkTransport;
  readonly #progress: Progress;
  readonly #watch: ClockWatch;
  readonly #pastEnd: PastEndWatch;
  /** Null where nobody asks for it. */
  readonly #privacy: RunPrivacy | null;
  readonly #community = new CommunityWatch();
  /** As of the last sample. */
  #slotMs: number;

  /** Reads what the store holds. */
  static async open(given: RunningGiven): Promise<Running> {
    const { store } = given.parts;
    given.teardown.add(() => store.close());
    const stored: Array<readonly [string, Uint8Array]> = [];
    // What is archived may be long, and no node needs it to go on; nor what its trainings began with, but where others ask for it.
    const shows = deltasOf(given.run.manifest.strategy)?.audits !== undefined;
    for await (const entry of store.entries()) {
      const [key] = entry;
      if (isCredentialKey(key)) continue;
      if (!isArchiveKey(key) && (shows || !isTrainingKey(key))) stored.push(entry);
    }
    const { run, learner, parts, onEvent, onFatal } = given;
    const privacy = await RunPrivacy.open({
      ...{ ledger: parts.privacy, run, learner, isBack: stored.length > 0, self: parts.identity.key },
      keepsTrainings: parts.retention === 'audit',
      onState: (state, isBeginning) =>
        onEvent({ source: 'session', event: { kind: 'privacy', state, isBeginning } }),
      onFatal,
    });
    return new Running(given, stored, privacy);
  }

  private constructor(given: RunningGiven, stored: Stored, privacy: RunPrivacy | null) {
    const { learner: wholeLearner, initial: wholeInitial, ...rest } = given;
    const { run, options, parts, credential } = rest;
    const { manifest, runId } = run;
    const { identity, store, random, limits, retention, trusted } = parts;
    // Without the start vector, which is as large as the model.
    this.#given = rest;
    this.#privacy = privacy;
    this.#clock = options.clock ?? parts.clock;
    this.#slotMs = manifest.slotMs;
    this.isBack = stored.length > 0;
    const kept = this.#keepSnapshots(stored);
    const { learner, initial } = sharedOf(manifest, wholeLearner, wholeInitial, store, stored);
    this.#core = createCore(manifest, runId, {
      crypto: createCrypto(),
      signer: identity.signer,
      initial,
      random,
      secretBytes,
      addNoise: addSecretNoise,
      stored: stored.filter(([key]) => !isKeptKey(key) && !isPersonalKey(key)),
      ...{
        credential,
        retention,
        trusted,
        checkpoint: parseCheckpoint(options.checkpoint ?? '') ?? undefined,
      },
    });
    this.#progress = new Progress({
      ...{ core: this.#core, learner, run, base: rest.base },
      modelFile: options.modelFile ?? null,
      nowMs: () => this.#clock.nowMs(),
      onEvent: (event) => this.#say(event),
    });
    this.#transport = this.#createTransport(initial.length);
    this.#watch = this.#watchClock();
    this.#pastEnd = new PastEndWatch(manifest, this.#clock.nowMs(), {
      evenIfOver: options.evenIfOver ?? false,
      isBack: this.isBack,
    });
    this.#driver = new NodeDriver({
      ...{ core: this.#core, learner, transport: this.#transport, store, kept, clock: this.#clock, limits },
      whyNotTrain: () => this.#whyNotTrain(),
      ...(privacy && {
        charge: (round: number, steps: number) => privacy.charge(round, steps),
        giveBack: (steps: number) => privacy.giveBack(steps),
      }),
      streamKey: (round, author = identity.key) => batchStreamKey(runId, author, round),
      onEvent: (event) => this.#note(event),
      onFault: ({ input, from, error }) =>
        this.#say({ kind: 'input-dropped', input, from, reason: error.message }),
      onFatal: rest.onFatal,
    });
  }

  async start(): Promise<void> {
    const { teardown } = this.#given;
    teardown.add(() => this.#progress.stop());
    teardown.add(() => this.#driver.stop());
    await this.#driver.start();
    this.#watch.start();
    teardown.add(() => this.#watch.stop());
  }

  status(): CoreStatus {
    return this.#core.status(this.#clock.nowMs());
  }

  model(): Float32Array {
    return this.#core.model();
  }

  evaluate(): Promise<Metrics> {
    return this.#progress.evaluate();
  }

  submit(entryKind: string, body: Uint8Array): Promise<Submission> {
    return this.#driver.submit(entryKind, body);
  }

  stateOf(entryKind: string): KindState | null {
    return this.#core.stateOf?.(entryKind) ?? null;
  }

  saySample(): void {
    const { content, host } = this.#given.parts;
    const usage = content?.usage();
    const nowMs = this.#clock.nowMs();
    const { contributions, ...status } = this.#core.status(nowMs);
    this.#slotMs = status.slotMs;
    const own = contributions.get(this.#given.parts.identity.key)?.deltas ?? 0;
    this.#privacy?.noteContribution(own, status.finalisedRound);
    this.#pastEnd.note(status.agreement);
    this.#say({
      kind: 'sampled',
      sample: {
        core: {
          ...status,
          contributions: [...contributions].map(([peer, contribution]) => ({ peer, ...contribution })),
        },
        community: this.#community.at((kind) => this.stateOf(kind)?.final),
        linked: this.#transport.stats().peers,
        refusing: host.refused.keys(),
        ...host.traffic(),
        contentBytes: usage?.bytes ?? 0,
        contentBytesMax: usage?.bytesMax ?? 0,
        clock: this.#watch.offset(),
        pastEnd: this.#pastEnd.state(nowMs),
        ...this.#driver.load,
      },
    });
  }

  #note(event: ProtocolEvent): void {
    // Whoever hears of a new phase sees the figures that belong to it.
    if (event.kind === 'phase') {
      this.#pastEnd.notePhase(event.phase);
      this.#transport.rest(event.phase === 'finished');
      this.#watch.rest(event.phase === 'finished');
      this.saySample();
    }
    this.#privacy?.note(event);
    this.#given.onEvent({ source: 'protocol', event });
    if (trains(this.#given.run.manifest.strategy)) this.#progress.note(event);
  }

  #whyNotTrain(): string | null {
    if (isClockOff(this.#watch.offset(), this.#slotMs)) return clockOff;
    const nowMs = this.#clock.nowMs();
    this.#pastEnd.note(this.#core.status(nowMs).agreement);
    const { state = 'met' } = this.#pastEnd.state(nowMs) ?? {};
    return state === 'met' ? null : notMetPastEnd;
  }

  /** Whether the run has shown the peer the door; `credential`: what it shows for itself, where that is known. */
  isOut(peer: PeerKey, credential?: Uint8Array | null): boolean {
    return this.#core.isOut?.(peer, credential) ?? false;
  }

  #createTransport(size: number): NetworkTransport {
    const { run, hidden, parts, onEvent } = this.#given;
    const { host, identity, clock, random } = parts;
    return createTransport({
      ...{ host, clock, random, runId: run.runId, hidden },
      onEvent: (event) => onEvent({ source: 'network', event }),
      isOut: (peer) => this.isOut(peer),
      links: { wanted: wantedLinks(run.manifest, identity.key) },
      exchange: { requestBytesMax: requestBytesMax(run.manifest, size) },
    });
  }

  #watchClock(): ClockWatch {
    const { run, hidden, parts } = this.#given;
    const { host, clock, random } = parts;
    const isMember = memberTest(run.manifest.membership);
    return new ClockWatch({
      ...{ host, clock, random, runId: run.runId, hidden },
      nowMs: () => this.#clock.nowMs(),
      peers: () => this.#transport.stats().peers.filter(isMember),
    });
  }

  #keepSnapshots(stored: Stored): KeptSnapshots | null {
    const { run, parts, teardown } = this.#given;
    const { content, store } = parts;
    if (content === null) return null;
    const kept = new KeptSnapshots({
      ...{ content, store, runId: run.runId },
      onTrouble: (error) => this.#say({ kind: 'snapshot-not-kept', reason: asError(error).message }),
    });
    teardown.add(() => kept.close());
    kept.restore(stored);
    return kept;
  }

  #say(event: SessionEvent): void {
    this.#given.onEvent({ source: 'session', event });
  }
}
