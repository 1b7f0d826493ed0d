/**
 * One file of a run on its way from peers to the disk: of several donors at once as the plan spreads its segments, each verified, and
 * asked for only as fast as they are written. Who takes it at the same time gives what it has of it. What came stays, also for the next
 * start of the node.
 */
import { equals } from 'uint8arrays';
import { merkleRoot, segmentBytesMax } from '../../content/blob.ts';
import { decodeHeld } from '../../content/held-segments.ts';
import { Rests } from '../../content/rests.ts';
import { SegmentPlan, silenceMs } from '../../content/segment-plan.ts';
import { hexToBytes } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { PeerKey } from '../../core/io.ts';
import { pickRandom } from '../../core/pick-random.ts';
import type { Clock } from '../../core/ports.ts';
import { decodeHashList, encodeRequest, type Request } from '../../log/wire.ts';
import { pauseOf } from '../../network/discovery/provider-search.ts';
import type { Exchange } from '../../network/exchange/exchange.ts';
import type { BlobFile } from '../../platform/node/blob-file.ts';
import type { RunFile } from '../../run/run-files.ts';
import { NodeError } from '../node-error.ts';

/** Donors at a time, those left out that are silent or slow or have nothing for us; with these, so many. */
const donorsMax = 8;
const withIdleMax = 32;
/** Between two questions to a peer that has a part, what it has by now; one that has had nothing for us for so long is asked no more. Guesses. */
const heldEveryMs = 500;
const ofNoUseMs = 10_000;
/** Who failed is asked again no sooner than after a second, whoever names it, and later each time. Guesses. */
const restBounds = { firstMs: 2_000, maxMs: 30_000 };
/** For a segment, one of two: a minute is 70 kbit/s. Who is silent for longer than it was is passed over before. */
const answerTimeoutMs = 60_000;
/** Between two looks for who has fallen silent. */
const lookEveryMs = 1_000;
/** A segment, or the leaves of what is largest, and what is beside them. */
const answerBytesMax = segmentBytesMax + 64;
/** Of the largest file, with room to spare: an answer has no more bytes. */
const leavesMax = segmentBytesMax / 64;

/** A peer answered something else than was asked. */
class BadAnswerError extends Error {
  override readonly name = 'BadAnswerError';
  readonly code = 'BAD_ANSWER';
}

/** What fits neither what we were told of a file nor what is known to be wrong: whoever told us may have lied, and not who holds it. */
class UnfitAnswerError extends Error {
  override readonly name = 'UnfitAnswerError';
  readonly code = 'UNFIT_ANSWER';
}

export interface FilePullOptions {
  readonly file: RunFile;
  readonly here: BlobFile;
  readonly exchange: Exchange;
  readonly crypto: Crypto;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** A request, with what entitles us to ask it. */
  readonly enclosed: (request: Uint8Array) => Uint8Array;
  readonly answerTimeoutMs?: number;
  /** A donor gives no more, unless it is added again; `isLie`: it never should. */
  readonly onFailed: (peer: PeerKey, error: unknown, isLie: boolean) => void;
  /** With each segment: those that were missing, and those that are. */
  readonly onSegment: (wanted: number, left: number) => void;
}

/** A peer that holds a place. */
interface Known {
  /** When it was asked what it has or what the leaves are; null where it answered. */
  askedAtMs: number | null;
  /** Ends what it is asked. */
  readonly letGo: AbortController;
}

export class FilePull {
  readonly #options: FilePullOptions;
  readonly #root: Uint8Array;
  /** Aborted once the file is here, or with what went wrong on our disk. */
  readonly #over = new AbortController();
  readonly #signal: AbortSignal;
  /** Donors, and those that are asked what they have. */
  readonly #known = new Map<PeerKey, Known>();
  readonly #rests: Rests;
  readonly #liars = new Set<PeerKey>();
  #planning: Promise<SegmentPlan> | null = null;
  #plan: SegmentPlan | null = null;
  #wanted = 0;
  #cancelLook = (): void => {};

  constructor(options: FilePullOptions, signal: AbortSignal) {
    this.#options = options;
    this.#rests = new Rests(restBounds, options.random);
    this.#root = hexToBytes(options.file.root);
    this.#signal = AbortSignal.any([signal, this.#over.signal]);
    this.#signal.addEventListener('abort', () => this.#end(), { once: true });
  }

  /** Aborted when it is over, for good or ill. */
  get signal(): AbortSignal {
    return this.#signal;
  }

  #end(): void {
    this.#cancelLook();
    for (const { letGo } of this.#known.values()) letGo.abort(this.#signal.reason);
  }

  /** Asks it from now on, as long as it answers well and there is room for one more. */
  add(peer: PeerKey): void {
    if (
      this.#signal.aborted ||
      this.#liars.has(peer) ||
      this.#known.has(peer) ||
      this.#rests.isResting(peer, this.#options.clock.nowMs()) ||
      !this.#hasRoom()
    )
      return;
    const known: Known = { askedAtMs: null, letGo: new AbortController() };
    this.#known.set(peer, known);
    void this.#follow(peer, known);
  }

  /** One that is mute, of no use, silent or slow makes room for another. */
  #hasRoom(): boolean {
    const plan = this.#plan;
    if (plan && plan.quick >= donorsMax) return false;
    if (this.#known.size < (plan ? withIdleMax : donorsMax)) return true;
    const useless = [...this.#known.keys()].find((peer) => plan?.has(peer) && !plan.isOfUse(peer));
    const idle = this.#mute() ?? useless ?? plan?.idlest;
    if (idle === undefined) return false;
    this.#drop(idle);
    this.#failed(idle, new Error('its place was given to another'));
    return true;
  }

  /** Who has owed an answer for longest, and for too long. */
  #mute(): PeerKey | undefined {
    const sinceMs = this.#options.clock.nowMs() - silenceMs;
    const owing = [...this.#known].filter(([, { askedAtMs }]) => askedAtMs !== null && askedAtMs <= sinceMs);
    return owing.sort(([, one], [, other]) => one.askedAtMs! - other.askedAtMs!)[0]?.[0];
  }

  /** With what it is asked: others will be. */
  #drop(peer: PeerKey): void {
    this.#plan?.dropDonor(peer);
    const known = this.#known.get(peer);
    this.#known.delete(peer);
    known?.letGo.abort(new Error('it is asked no more'));
  }

  async #follow(peer: PeerKey, known: Known): Promise<void> {
    const { clock } = this.#options;
    const isGone = (): boolean => this.#known.get(peer) !== known;
    try {
      let ofUseAtMs = clock.nowMs();
      while (await this.#isFollowing(peer, known, isGone)) {
        const nowMs = clock.nowMs();
        if (this.#plan!.isOfUse(peer)) ofUseAtMs = nowMs;
        else if (nowMs - ofUseAtMs > ofNoUseMs) this.#drop(peer);
        await pauseOf(heldEveryMs, { clock, signal: this.#signal });
        if (this.#signal.aborted || isGone()) return;
      }
    } catch (error) {
      if (isOurs(error)) this.#over.abort(error);
      else if (!isGone()) {
        this.#drop(peer);
        this.#failed(peer, error);
      }
    }
  }

  /** Asks it once what it has; resolves to whether to ask again, since it has a part. One that does not even know the leaves is let go. */
  async #isFollowing(peer: PeerKey, known: Known, isGone: () => boolean): Promise<boolean> {
    const { here, file } = this.#options;
    const bits = await this.#question(peer, known, { kind: 'held', root: this.#root });
    // It may have failed otherwise meanwhile.
    if (isGone()) return false;
    if (bits.length === 0) {
      this.#drop(peer);
      return false;
    }
    const held = decodeHeld(bits, here.segments);
    if (held === null) throw new UnfitAnswerError(otherLength(file));
    const plan = this.#plan ?? (await this.#planOf(peer, known));
    if (plan.left === 0) this.#over.abort();
    if (isGone()) return false;
    const isWhole = held.size === here.segments;
    plan.addDonor(peer, isWhole ? null : held);
    this.#look();
    return !isWhole;
  }

  /** Asks it for the leaves: of several at once, for one may be mute. The first that are right will do. */
  async #planOf(peer: PeerKey, known: Known): Promise<SegmentPlan> {
    const leaves = await this.#leavesFrom(peer, known);
    this.#planning ??= this.#planned(leaves);
    this.#plan ??= await this.#planning;
    return this.#plan;
  }

  /** In an order of our own: who takes it at the same time asks for other segments. */
  async #planned(leaves: readonly Uint8Array[]): Promise<SegmentPlan> {
    const { here, random } = this.#options;
    const missing = await here.openPart(leaves);
    this.#wanted = missing.length;
    return new SegmentPlan(pickRandom(missing, missing.length, random));
  }

  async #leavesFrom(peer: PeerKey, known: Known): Promise<Uint8Array[]> {
    const { here, file, crypto } = this.#options;
    const frame = await this.#question(peer, known, { kind: 'leaves', root: this.#root });
    const leaves = decodeHashList(frame, leavesMax);
    if (!leaves || leaves.length === 0 || !equals(merkleRoot(crypto, leaves), this.#root))
      throw new BadAnswerError(`peer ${peer} answered with other hashes than those of ${file.name}`);
    // Hashes of an inner level have the same root: it may be this peer that lies, or who told us how long the file is.
    if (leaves.length !== here.segments) throw new UnfitAnswerError(otherLength(file));
    return leaves;
  }

  #look(): void {
    const { clock } = this.#options;
    const nowMs = clock.nowMs();
    this.#askMore(nowMs);
    this.#cancelLook();
    if (!this.#signal.aborted) this.#cancelLook = clock.schedule(nowMs + lookEveryMs, () => this.#look());
  }

  #askMore(nowMs: number): void {
    if (this.#signal.aborted) return;
    for (const { peer, index } of this.#plan!.asks(nowMs)) void this.#pull(peer, index);
  }

  async #pull(peer: PeerKey, index: number): Promise<void> {
    const plan = this.#plan!;
    const { here, file, clock } = this.#options;
    const known = this.#known.get(peer)!;
    try {
      const request: Request = { kind: 'segment', root: this.#root, index };
      const segment = await this.#ask(peer, known, request);
      const written = plan.isMissing(index) ? await here.write(index, segment) : 'written';
      if (written === 'closed') throw new NodeError('NOT_HELD', `${file.name} is not wanted any more`);
      if (written === 'other-length') throw new NodeError('NOT_HELD', otherLength(file));
      if (written === 'other') throw this.#otherSegment(peer, index);
    } catch (error) {
      if (isOurs(error)) this.#over.abort(error);
      else if (!this.#signal.aborted && this.#known.get(peer) === known) {
        this.#drop(peer);
        this.#failed(peer, error);
        this.#askMore(clock.nowMs());
      }
      return;
    }
    const nowMs = clock.nowMs();
    this.#rests.wentWell(peer);
    if (plan.came(peer, index, nowMs)) this.#options.onSegment(this.#wanted, plan.left);
    if (plan.left === 0) this.#over.abort();
    else this.#askMore(nowMs);
  }

  /** Until one has fitted them, the hashes may be of an inner level, and who answers with a segment be right. */
  #otherSegment(peer: PeerKey, index: number): Error {
    const { file } = this.#options;
    const what = `peer ${peer} answered with another segment than ${index} of ${file.name}`;
    return this.#plan!.left < this.#wanted ? new BadAnswerError(what) : new UnfitAnswerError(what);
  }

  #failed(peer: PeerKey, error: unknown): void {
    const isLie = error instanceof BadAnswerError;
    this.#rests.failed(peer, this.#options.clock.nowMs());
    if (isLie) this.#liars.add(peer);
    if (!this.#signal.aborted) this.#options.onFailed(peer, error, isLie);
  }

  /** Of what every peer answers at once. */
  async #question(peer: PeerKey, known: Known, request: Request): Promise<Uint8Array> {
    known.askedAtMs = this.#options.clock.nowMs();
    try {
      return await this.#ask(peer, known, request);
    } finally {
      known.askedAtMs = null;
    }
  }

  async #ask(peer: PeerKey, { letGo }: Known, request: Request): Promise<Uint8Array> {
    const timeoutMs = this.#options.answerTimeoutMs ?? answerTimeoutMs;
    const wanted = { responseBytesMax: answerBytesMax, timeoutMs, signal: letGo.signal };
    const { exchange, enclosed } = this.#options;
    const [frame, ...more] = await exchange.request(peer, enclosed(encodeRequest(request)), wanted);
    if (frame === undefined || more.length > 0)
      throw new BadAnswerError(`peer ${peer} answered with ${more.length + 1} frames in place of one`);
    return frame;
  }
}

function otherLength({ name, bytes }: RunFile): string {
  return `the file with the root of ${name} has another length than the ${bytes} bytes that are said of it`;
}

/** The disk's trouble is ours, and no peer's; and so is that nobody can have what we want, or wants it. */
export function isOurs(error: unknown): boolean {
  return error instanceof NodeError || isOfDisk(error);
}

function isOfDisk(error: unknown): boolean {
  return (
    error instanceof Error &&
    'syscall' in error &&
    'code' in error &&
    /^E(NOSPC|ACCES|IO|ROFS|DQUOT|MFILE|PERM|BADF)$/.test(String(error.code))
  );
}
