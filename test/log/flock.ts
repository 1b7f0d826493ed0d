/**
 * A handful of protocol cores in one process under an explicit clock: performs their outputs, carries what they
 * say to each other, and lets a test lose messages, cut links and kill nodes at any single output.
 */

import { secretBytesOf } from '../../sim/secret-bytes.ts';
import { sharedCrypto } from '../../sim/shared-crypto.ts';
import type { Signer } from '../../src/core/crypto.ts';
import type {
  Input,
  JudgeQuestion,
  Output,
  PeerKey,
  ProtocolCore,
  ProtocolEvent,
  Verdict,
} from '../../src/core/io.ts';
import { namedNoise } from '../../src/learning/private/secret-noise.ts';
import type { Checkpoint } from '../../src/log/checkpoint.ts';
import { rngFor } from '../../src/math/rng.ts';
import { createCore } from '../../src/methods/create-core.ts';
import { crypto, type SmallRun, signerOf, smallVector, startAtMs } from './small-run.ts';

export type Carried = 'gossip' | 'request' | 'response';

export interface TrainingResult {
  readonly parameters: Float32Array;
  readonly loss: number;
}

export interface FlockOptions {
  readonly peers: number;
  readonly seed: string;
  /** A message from one member to another that never arrives. */
  readonly drops?: (kind: Carried, from: number, to: number, nowMs: number) => boolean;
  readonly latencyMs?: number;
  readonly train?: (member: number, round: number, start: Float32Array) => TrainingResult;
  /** What a member comes to when it trains again what another has trained; as that did where not given. */
  readonly retrain?: (member: number, end: Float32Array) => Float32Array;
  /** What a member says that deltas are worth; nothing where not given. */
  readonly judge?: (member: number, question: JudgeQuestion) => readonly number[];
  /** Mean loss of each vector on a member's own examples; none where not given. */
  readonly score?: (member: number, vectors: readonly Float32Array[]) => readonly number[] | null;
  /** How long a member trains for so many steps in a round; a part of the first slot length where not given. */
  readonly trainingMs?: ((member: number, steps: number, round: number) => number) | undefined;
  /** What a hostile member answers in place of its core: frames, or null to refuse; undefined leaves it to the core. */
  readonly impostor?: (
    member: number,
    bytes: Uint8Array,
    from: number,
  ) => readonly Uint8Array[] | null | undefined;
  /** What a member shows for itself. */
  readonly credential?: (index: number) => Uint8Array | null;
  /** Keys that a member was told to go by. */
  readonly trusted?: (index: number) => ReadonlySet<string>;
  /** Where a member was told that the history begins. */
  readonly checkpoint?: (index: number) => Checkpoint | undefined;
  /** Whether a member keeps entries that its snapshots cover. */
  readonly keepsEverything?: (member: number) => boolean;
  /** Whether this output is performed; false kills the member on the spot. */
  readonly survives?: (member: number, output: Output, nowMs: number) => boolean;
}

export class Member {
  readonly index: number;
  readonly signer: Signer;
  readonly store = new Map<string, Uint8Array>();
  readonly peers = new Set<number>();
  readonly events: ProtocolEvent[] = [];
  /** Everything this member handed to gossip as its own. */
  readonly announced: Uint8Array[] = [];
  /** Misdeeds that it held against peers. */
  readonly blamed = new Map<string, number>();
  readonly seen = new Set<string>();
  core: ProtocolCore | null = null;
  /** The last that was begun, unless it was cut. */
  training: {
    readonly order: Output & { readonly type: 'train' };
    readonly fromMs: number;
    readonly tookMs: number;
  } | null = null;
  incarnation = 0;
  wakeAtMs = Number.POSITIVE_INFINITY;

  constructor(index: number) {
    this.index = index;
    this.signer = signerOf(index);
  }

  get key(): PeerKey {
    return this.signer.key;
  }

  of<Kind extends ProtocolEvent['kind']>(kind: Kind): Array<Extract<ProtocolEvent, { kind: Kind }>> {
    return this.events.filter(
      (event): event is Extract<ProtocolEvent, { kind: Kind }> => event.kind === kind,
    );
  }
}

type Submission = Extract<Output, { type: 'submitted' }>['result'];

interface Due {
  readonly atMs: number;
  readonly act: () => void;
}

export class Flock {
  readonly run: SmallRun;
  readonly members: readonly Member[];
  nowMs = startAtMs - 500;
  readonly #options: FlockOptions;
  readonly #crypto = sharedCrypto(crypto, 100_000);
  readonly #due: Due[] = [];
  #token = 0;

  constructor(run: SmallRun, options: FlockOptions) {
    this.run = run;
    this.#options = options;
    this.members = Array.from({ length: options.peers }, (_, index) => new Member(index));
  }

  member(index: number): Member {
    return this.members[index]!;
  }

  core(index: number): ProtocolCore {
    const { core } = this.member(index);
    if (!core) throw new Error(`member ${index} is down`);
    return core;
  }

  status(index: number): ReturnType<ProtocolCore['status']> {
    return this.core(index).status(this.nowMs);
  }

  /** Model hashes of the members that live, without repetition. */
  hashes(): string[] {
    return [...new Set(this.members.flatMap(({ core }) => core?.status(this.nowMs).modelHash ?? []))];
  }

  bootAll(): void {
    for (const { index } of this.members) this.boot(index);
  }

  /** Starts a member from its store and links it to all that live. */
  boot(index: number, links: (other: number) => boolean = () => true): void {
    const member = this.member(index);
    member.incarnation += 1;
    const rng = rngFor(`${this.#options.seed}/${index}/${member.incarnation}`);
    member.core = createCore(this.run.manifest, this.run.runId, {
      crypto: this.#crypto,
      signer: member.signer,
      initial: this.run.initial.slice(),
      random: () => rng.float(),
      secretBytes: secretBytesOf(crypto, `${this.#options.seed}/${index}/${member.incarnation}`),
      addNoise: namedNoise(`${this.#options.seed}/${index}/${member.incarnation}`),
      stored: [...member.store].sort(([a], [b]) => (a < b ? -1 : 1)),
      credential: this.#options.credential?.(index) ?? null,
      trusted: this.#options.trusted?.(index),
      checkpoint: this.#options.checkpoint?.(index),
      retention: this.#options.keepsEverything?.(index) ? 'everything' : 'snapshots',
    });
    this.input(index, { type: 'start' });
    for (const other of this.members) {
      if (other.index !== index && other.core && links(other.index)) this.connect(index, other.index);
    }
  }

  kill(index: number): void {
    const member = this.member(index);
    member.core = null;
    member.wakeAtMs = Number.POSITIVE_INFINITY;
    member.seen.clear();
    for (const other of [...member.peers]) this.disconnect(index, other);
  }

  connect(a: number, b: number): void {
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      this.member(one).peers.add(other);
      this.input(one, { type: 'peer-up', peer: this.member(other).key });
    }
  }

  disconnect(a: number, b: number): void {
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      this.member(one).peers.delete(other);
      this.input(one, { type: 'peer-down', peer: this.member(other).key });
    }
  }

  /** Lets time pass until `untilMs` after the start of the run. */
  runUntil(untilMs: number): void {
    this.runWhile(() => true, untilMs);
  }

  /** Lets time pass while the condition holds, at most until `untilMs`. */
  runWhile(condition: () => boolean, untilMs: number): void {
    const limitMs = startAtMs + untilMs;
    while (condition()) {
      const next = this.#takeDue(limitMs);
      if (!next) {
        this.nowMs = Math.max(this.nowMs, limitMs);
        return;
      }
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.act();
    }
  }

  /** Runs to the end of every living member; false when the run's time has passed three times over before, its slots taken to last `slotMs`. */
  finish(slotMs = this.run.manifest.slotMs): boolean {
    const { rounds } = this.run.manifest;
    const unfinished = (): boolean =>
      this.members.some(({ core }) => core && core.status(this.nowMs).phase !== 'finished');
    this.runWhile(unfinished, 3 * rounds * slotMs + 60 * slotMs);
    return !unfinished();
  }

  /** Hands a gossip message to a member as if `from` had sent it. Returns the verdict. */
  announceTo(index: number, from: PeerKey, bytes: Uint8Array): Verdict {
    const token = this.#token++;
    let verdict: Verdict | null = null;
    this.input(index, { type: 'announcement', from, token, bytes }, (output) => {
      if (output.type === 'verdict' && output.token === token) verdict = output.verdict;
    });
    if (!verdict && this.member(index).core) throw new Error('an announcement was left without a verdict');
    return verdict ?? 'ignore';
  }

  /** Asks a member something; null when it refuses. */
  ask(index: number, from: PeerKey, bytes: Uint8Array): readonly Uint8Array[] | null {
    const token = this.#token++;
    let frames: readonly Uint8Array[] | null | undefined;
    this.input(index, { type: 'request', from, token, bytes }, (output) => {
      if (output.type === 'respond' && output.token === token) frames = output.frames;
      if (output.type === 'refuse' && output.token === token) frames = null;
    });
    if (frames === undefined && this.member(index).core)
      throw new Error('a request was left without an answer');
    return frames ?? null;
  }

  /** Has a member publish something that people write. */
  submit(index: number, entryKind: string, body: Uint8Array): Submission {
    const token = this.#token++;
    let result: Submission | null = null;
    this.input(index, { type: 'submit', token, entryKind, body }, (output) => {
      if (output.type === 'submitted' && output.token === token) result = output.result;
    });
    if (!result) throw new Error('a submission was left without an answer');
    return result;
  }

  input(index: number, input: Input, watch: (output: Output) => void = () => {}): void {
    const member = this.member(index);
    if (!member.core) return;
    for (const output of member.core.handle(input, this.nowMs)) {
      if (this.#options.survives && !this.#options.survives(index, output, this.nowMs)) {
        this.kill(index);
        return;
      }
      watch(output);
      this.#perform(member, output);
    }
  }

  #perform(member: Member, output: Output): void {
    switch (output.type) {
      case 'wake-at':
        member.wakeAtMs = output.atMs;
        return;
      case 'persist':
        for (const { key, value } of output.writes) {
          if (value) member.store.set(key, value.slice());
          else member.store.delete(key);
        }
        return;
      case 'announce':
        member.announced.push(output.bytes);
        this.#gossip(member, output.bytes);
        return;
      case 'request':
        this.#request(member, output);
        return;
      case 'train':
        this.#train(member, output);
        return;
      case 'event':
        member.events.push(output.event);
        return;
      case 'blame':
        member.blamed.set(output.peer, (member.blamed.get(output.peer) ?? 0) + output.part);
        return;
      case 'verdict':
      case 'respond':
      case 'refuse':
      case 'submitted':
        return;
      case 'score':
        this.#score(member, output);
        return;
      case 'cut':
        this.#cut(member, output.round);
        return;
      case 'retrain':
        this.#retrain(member, output);
        return;
      case 'judge':
        this.#judge(member, output);
        return;
      default:
        output satisfies never;
    }
  }

  #retrain({ index }: Member, { id, author, round, parameters }: Extract<Output, { type: 'retrain' }>): void {
    const trained = this.members.find(({ key }) => key === author)!.index;
    const { parameters: end } = towardsTarget(trained, round, parameters);
    const found = this.#options.retrain?.(index, end) ?? end;
    this.#at(this.nowMs + 1, () => this.input(index, { type: 'retrained', id, parameters: found }));
  }

  #judge({ index }: Member, { round, question }: Extract<Output, { type: 'judge' }>): void {
    const { judge } = this.#options;
    this.#at(this.nowMs + 1, () =>
      this.input(index, { type: 'judged', round, scores: judge?.(index, question) ?? null }),
    );
  }

  #score({ index }: Member, { round, vectors }: Extract<Output, { type: 'score' }>): void {
    const losses = this.#options.score?.(index, vectors) ?? null;
    this.#at(this.nowMs + 1, () => this.input(index, { type: 'scored', round, losses }));
  }

  #gossip(member: Member, bytes: Uint8Array): void {
    member.seen.add(Buffer.from(bytes).toString('latin1'));
    for (const to of member.peers) {
      this.#carry('gossip', member.index, to, () => {
        const receiver = this.member(to);
        const name = Buffer.from(bytes).toString('latin1');
        if (!receiver.core || receiver.seen.has(name)) return;
        receiver.seen.add(name);
        if (this.announceTo(to, member.key, bytes) === 'accept') this.#gossip(receiver, bytes);
      });
    }
  }

  #request(member: Member, request: Output & { type: 'request' }): void {
    const { requestId, bytes, timeoutMs } = request;
    const { incarnation, index } = member;
    const to = this.members.find(({ key }) => key === request.peer)!.index;
    let answered = false;
    const answer = (input: Input): void => {
      if (answered || member.incarnation !== incarnation) return;
      answered = true;
      this.input(index, input);
    };
    this.#at(this.nowMs + timeoutMs, () =>
      answer({ type: 'request-failed', requestId, isRefused: false, reason: 'timed out' }),
    );
    this.#carry('request', index, to, () => {
      const forged = this.#options.impostor?.(to, bytes, index);
      const frames = forged === undefined ? this.ask(to, member.key, bytes) : forged;
      this.#carry('response', to, index, () => {
        answer(
          frames
            ? { type: 'response', requestId, frames }
            : { type: 'request-failed', requestId, isRefused: true, reason: 'refused' },
        );
      });
    });
  }

  #train(member: Member, order: Output & { type: 'train' }): void {
    const { incarnation, index } = member;
    const { round, parameters } = order;
    const learn = this.#options.train ?? towardsTarget;
    const { slotMs } = this.run.manifest;
    const tookMs = this.#options.trainingMs?.(index, order.steps, round) ?? slotMs * (0.2 + 0.02 * index);
    const training = { order, tookMs, fromMs: this.nowMs };
    member.training = training;
    this.#at(this.nowMs + tookMs, () => {
      if (member.incarnation !== incarnation || !member.core || member.training !== training) return;
      const result = learn(index, round, parameters);
      this.input(index, { type: 'trained', round, ...result });
    });
  }

  /** The step under way is made; what all those made come to is that part of the whole. */
  #cut(member: Member, round: number): void {
    const { training, incarnation, index } = member;
    if (training?.order.round !== round) return;
    const { order, tookMs, fromMs } = training;
    const stepMs = tookMs / order.steps;
    const steps = Math.max(1, Math.ceil((this.nowMs - fromMs) / stepMs));
    member.training = null;
    this.#at(fromMs + steps * stepMs, () => {
      if (member.incarnation !== incarnation || !member.core) return;
      const whole = (this.#options.train ?? towardsTarget)(index, round, order.parameters);
      const part = steps / order.steps;
      const parameters = order.parameters.map((from, i) => from + part * (whole.parameters[i]! - from));
      this.input(index, { type: 'trained', round, parameters, loss: whole.loss, steps });
    });
  }

  #carry(kind: Carried, from: number, to: number, arrive: () => void): void {
    if (this.#options.drops?.(kind, from, to, this.nowMs)) return;
    this.#at(this.nowMs + (this.#options.latencyMs ?? 20), () => {
      if (this.member(from).peers.has(to)) arrive();
    });
  }

  #at(atMs: number, act: () => void): void {
    this.#due.push({ atMs, act });
  }

  /** The next thing to happen up to `limitMs`, a member's wake included; ties in the order of being asked for. */
  #takeDue(limitMs: number): { readonly atMs: number; readonly act: () => void } | null {
    let at = -1;
    for (let i = 0; i < this.#due.length; i++) {
      if (at < 0 || this.#due[i]!.atMs < this.#due[at]!.atMs) at = i;
    }
    const due = this.#due[at];
    const sleeper = this.members.reduce((a, b) => (b.wakeAtMs < a.wakeAtMs ? b : a));
    const { wakeAtMs } = sleeper;
    if (Math.min(wakeAtMs, due?.atMs ?? wakeAtMs) > limitMs) return null;
    if (due && due.atMs <= wakeAtMs) {
      this.#due.splice(at, 1);
      return due;
    }
    if (wakeAtMs === Number.POSITIVE_INFINITY) return null;
    const act = (): void => {
      sleeper.wakeAtMs = Number.POSITIVE_INFINITY;
      this.input(sleeper.index, { type: 'wake' });
    };
    return { atMs: wakeAtMs, act };
  }
}

/** Moves a fifth of the way to one target, with a disturbance that is each member's own. */
export function towardsTarget(member: number, round: number, start: Float32Array): TrainingResult {
  const target = smallVector(start.length, 'target');
  const noise = smallVector(start.length, `noise/${member}/${round}`, 0.05);
  const parameters = start.map((value, i) => value + 0.2 * (target[i]! - value) + noise[i]!);
  const loss = start.reduce((sum, value, i) => sum + (value - target[i]!) ** 2, 0) / start.length;
  return { parameters, loss };
}

/** Loses every message with chance `loss`, by a stream of its own. */
export function lossy(loss: number, seed: string): NonNullable<FlockOptions['drops']> {
  const rng = rngFor(`${seed}/loss`);
  return () => rng.float() < loss;
}
