/**
 * A run's history as one file: the manifest, the snapshot it starts from if it does not reach back to round 0, every entry of
 * every final round, and what all that is said to come to. Whoever has the file can fold it again, without any network.
 *
 * Layout: the magic line, then frames of a length (uint32, big endian) and that many bytes: manifest, start (empty or a
 * snapshot), envelopes in order of round and place, an empty frame, and DAG-CBOR `[last round, root]`.
 */
import * as dagCbor from '@ipld/dag-cbor';
import { concat, equals } from 'uint8arrays';
import { be32, isBytes, isRound } from '../core/bytes.ts';
import { decodeCanonical } from '../core/canonical-cbor.ts';
import type { Crypto } from '../core/crypto.ts';
import type { PeerKey } from '../core/io.ts';
import type { LogEntry } from './entry-kind.ts';
import { type EnvelopeContext, openEnvelope } from './envelope.ts';
import { LogBook, type Place } from './log-book.ts';
import {
  foldRound,
  initialState,
  isComplete,
  type Kinds,
  type LogFrame,
  type LogState,
} from './log-state.ts';
import { decodeState } from './snapshot.ts';

const MAGIC = new TextEncoder().encode('starlings-log/1\n');
/** Half a year of slots of a second. Where nobody wrote anything a kilobyte claims them: folded in half a minute, by the ledger in a minute and a half. */
const roundsMax = 2 ** 24;
/** Folded in one step: .7 ms each where nothing is in them and as much is remembered of members as may be. Guess. */
const roundsPerStep = 2 ** 10;
/** Of one frame: a snapshot of 100 million parameters. */
const frameBytesMax = 2 ** 30;

export interface ArchiveHead {
  readonly manifest: Uint8Array;
  /** A snapshot, where the history does not begin at round 0. */
  readonly start: Uint8Array | null;
}

export interface ArchiveTail {
  readonly round: number;
  readonly root: Uint8Array;
}

/** The bytes of an archive, piece by piece. */
export function* archivePieces(
  head: ArchiveHead,
  envelopes: Iterable<Uint8Array>,
  tail: ArchiveTail,
): Generator<Uint8Array> {
  yield MAGIC;
  yield* frame(head.manifest);
  yield* frame(head.start ?? new Uint8Array());
  for (const envelope of envelopes) yield* frame(envelope);
  yield* frame(new Uint8Array());
  yield* frame(dagCbor.encode([tail.round, tail.root]));
}

function* frame(bytes: Uint8Array): Generator<Uint8Array> {
  yield be32(bytes.length);
  yield bytes;
}

export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
  readonly code: 'BAD_ARCHIVE' | 'NO_ARCHIVE' = 'BAD_ARCHIVE';
}

/** A file of another kind: nothing is said of a log. */
class NoArchiveError extends ArchiveError {
  override readonly code = 'NO_ARCHIVE';
}

/** Takes the frames out of bytes that come in pieces of any size; no byte is copied more than twice. */
export class ArchiveFrames {
  #pieces: Uint8Array[] = [];
  #held = 0;
  /** So many bytes are needed before anything new can be said. */
  #wanted: number;
  #isBegun = false;
  readonly #magic: Uint8Array;
  /** Of the frame that comes next. */
  #bytesMax: number;

  /** `magic`: the line that comes before the frames; `firstBytesMax`: of the first of them, before memory is taken for it. */
  constructor(magic: Uint8Array = MAGIC, firstBytesMax = frameBytesMax) {
    this.#magic = magic;
    this.#bytesMax = firstBytesMax;
    this.#wanted = magic.length;
  }

  /** The frames that these bytes complete. @throws ArchiveError */
  take(bytes: Uint8Array): Uint8Array[] {
    this.#pieces.push(bytes);
    this.#held += bytes.length;
    if (this.#held < this.#wanted) return [];
    const all = concat(this.#pieces, this.#held);
    let at = 0;
    if (!this.#isBegun) {
      if (!equals(all.subarray(0, this.#magic.length), this.#magic))
        throw new NoArchiveError('this is no archive of a run');
      this.#isBegun = true;
      at = this.#magic.length;
    }
    const frames: Uint8Array[] = [];
    const view = new DataView(all.buffer, all.byteOffset);
    this.#wanted = 4;
    while (at + 4 <= all.length) {
      const length = view.getUint32(at);
      if (length > this.#bytesMax) throw new ArchiveError('a part of the archive is longer than any can be');
      this.#wanted = 4 + length;
      if (at + this.#wanted > all.length) break;
      frames.push(all.subarray(at + 4, at + this.#wanted));
      this.#bytesMax = frameBytesMax;
      at += this.#wanted;
      this.#wanted = 4;
    }
    this.#pieces = [all.slice(at)];
    this.#held = all.length - at;
    return frames;
  }

  /** Nothing of a frame is left. */
  get isEmpty(): boolean {
    return this.#held === 0;
  }
}

export interface FoldedArchive {
  /** First round whose entries are in the archive. */
  readonly fromRound: number;
  readonly entries: number;
  readonly authors: ReadonlyMap<PeerKey, number>;
  readonly state: LogState;
}

export interface ArchiveParts {
  readonly kinds: Kinds;
  readonly frame: LogFrame;
  readonly envelopes: EnvelopeContext;
  readonly crypto: Crypto;
  /** The state that the archive begins with. */
  readonly onStart?: ((state: Readonly<LogState>) => void) | undefined;
  /** After each round that is folded, with what was in it. */
  readonly onRound?: ((state: Readonly<LogState>, places: readonly Place[]) => void) | undefined;
}

/** Takes all steps, one after the other. */
export function atOnce<Result>(steps: Generator<void, Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/**
 * Folds an archive as it is read, a round at a time. Every signature is checked. What one entry has folded may be any number of rounds:
 * that is done in steps, between which something else may be.
 */
export class ArchiveFold {
  readonly #parts: ArchiveParts;
  readonly #book: LogBook;
  readonly #state: LogState;
  readonly #fromRound: number;
  readonly #authors = new Map<PeerKey, number>();
  #entries = 0;
  #round: number;

  /** @throws ArchiveError for a start that is no snapshot of the run */
  constructor(start: Uint8Array | null, parts: ArchiveParts) {
    this.#parts = parts;
    const state = start ? decodeState(parts.kinds, start) : initialState(parts.kinds, parts.frame);
    if (!state) throw new ArchiveError('the snapshot that the archive begins with is none of this run');
    this.#state = state;
    this.#fromRound = state.round + 1;
    this.#round = this.#fromRound;
    parts.onStart?.(state);
    this.#book = new LogBook({
      runId: parts.frame.runId,
      crypto: parts.crypto,
      entriesPerRoundMax: parts.kinds.map((kind) => kind.entriesPerRoundMax),
    });
  }

  /** @throws ArchiveError for what is no entry of the run, or not in its place */
  *add(bytes: Uint8Array): Generator<void, void> {
    const { kinds, envelopes } = this.#parts;
    const opened = openEnvelope(bytes, envelopes);
    const where = `entry ${this.#entries}`;
    if (!opened.ok) throw new ArchiveError(`${where} is none of this run: ${opened.reason}`);
    const { envelope } = opened;
    const content = envelope.body && kinds[envelope.kind]?.decode(envelope.body, envelope.claims);
    if (!envelope.body || content === null) throw new ArchiveError(`${where} is none that the run takes`);
    if (envelope.round < this.#round) throw new ArchiveError(`${where} is out of order`);
    yield* this.#foldBefore(envelope.round);
    const dropped: LogEntry[] = [];
    const insertion = this.#book.insert({ ...envelope, body: envelope.body, content }, dropped);
    if (insertion === 'duplicate' || insertion === 'full' || dropped.length > 0)
      throw new ArchiveError(`${where} is one too many`);
    this.#entries += 1;
    this.#authors.set(envelope.author, (this.#authors.get(envelope.author) ?? 0) + 1);
  }

  /** The end: folds up to the round named. @throws ArchiveError where the archive does not come to what it says */
  *finish(bytes: Uint8Array): Generator<void, FoldedArchive> {
    const tail = decodeCanonical(bytes);
    if (!Array.isArray(tail) || tail.length !== 2) throw new ArchiveError('the archive has no end');
    const [round, root] = tail as unknown[];
    if (!isRound(round) || !isBytes(root, 32)) throw new ArchiveError('the archive has no end');
    return yield* this.finishAt({ round, root });
  }

  /** As `finish`, at an end that is known. @throws ArchiveError */
  *finishAt({ round, root }: ArchiveTail): Generator<void, FoldedArchive> {
    if (round < this.#round - 1 || this.#book.heldRounds().some((held) => held > round))
      throw new ArchiveError('the archive ends before its last entry');
    yield* this.#foldBefore(round + 1);
    if (this.#state.round !== round) throw new ArchiveError('the archive goes on after the end of its run');
    if (!equals(this.#state.root, root))
      throw new ArchiveError('the archive does not fold to the root it names');
    return {
      fromRound: this.#fromRound,
      entries: this.#entries,
      authors: this.#authors,
      state: this.#state,
    };
  }

  *#foldBefore(round: number): Generator<void, void> {
    if (round - this.#fromRound > roundsMax)
      throw new ArchiveError(`the archive has more than ${roundsMax} rounds`);
    const { kinds, frame, crypto, onRound } = this.#parts;
    while (this.#state.round + 1 < round && !isComplete(this.#state, frame)) {
      const next = this.#state.round + 1;
      const places = this.#book.places(next);
      foldRound(this.#state, places, this.#book.digest(next), { kinds, frame, crypto });
      onRound?.(this.#state, places);
      this.#book.pruneThrough(next);
      if (next % roundsPerStep === 0) yield;
    }
    this.#round = Math.max(this.#round, round);
  }
}
