/** What a delta-log node answers when peers ask. Nothing here changes the log. */
import { equals } from 'uint8arrays';
import { leavesOf, segmentCount, segmentOf } from '../../content/blob.ts';
import { allHeld } from '../../content/held-segments.ts';
import { bytesToHex } from '../../core/bytes.ts';
import type { Signer } from '../../core/crypto.ts';
import type { Input, OutputSink } from '../../core/io.ts';
import type { Refusals } from '../../core/refusals.ts';
import type { LogEntry } from '../entry-kind.ts';
import { type EnvelopeContext, encodeEnvelope } from '../envelope.ts';
import type { Replica } from '../replica.ts';
import { encodeOffer, offersMax, type Snapshot, signSnapshotHeader, witnessesMax } from '../snapshot.ts';
import {
  decodeRequest,
  encodeChain,
  encodeDigestAnswer,
  encodeHashList,
  type Request,
  type RoundAnswer,
  responseBytesMax,
} from '../wire.ts';
import type { BlobFetch } from './blob-fetch.ts';

export interface AnswerContext {
  readonly replica: Replica;
  readonly refusals: Refusals;
  readonly envelopes: EnvelopeContext;
  readonly signer: Signer;
  /** Others are about to hear of the entry by gossip. */
  readonly isUnderway: (id: string) => boolean;
  /** A body or snapshot that is on its way here. */
  readonly partOf: (root: Uint8Array) => BlobFetch | undefined;
  /** Blobs besides snapshots and bodies, by their roots. */
  readonly blobOf?: ((root: Uint8Array) => Uint8Array | undefined) | undefined;
  /** Entries that the log has no longer, by id (hex). */
  readonly entryOf?: ((id: string) => LogEntry | undefined) | undefined;
}

/** Answers or refuses; returns the request where it could be read. */
export function answerRequest(
  out: OutputSink,
  input: Input & { type: 'request' },
  node: AnswerContext,
): Request | null {
  const { token, from } = input;
  const request = decodeRequest(input.bytes);
  const frames = request ? framesFor(request, node) : 'absurd';
  if (frames === 'absurd') {
    node.refusals.add(out, 'bad-request', from);
    out.push({ type: 'refuse', token, reason: 'not understood', isAbsurd: true });
  } else if (frames === 'not-held') {
    // A snapshot that has just been replaced is asked for in good faith: no refusal to count.
    out.push({ type: 'refuse', token, reason: 'not held', request: input.bytes });
  } else out.push({ type: 'respond', token, frames });
  return request;
}

function framesFor(request: Request, node: AnswerContext): Uint8Array[] | 'not-held' | 'absurd' {
  const { replica, envelopes } = node;
  switch (request.kind) {
    case 'digest':
      return [digestAnswer(request, node)];
    case 'entries': {
      const frames: Uint8Array[] = [];
      let bytes = 0;
      for (const id of request.ids) {
        const hex = bytesToHex(id);
        const entry = replica.log.entry(hex) ?? node.entryOf?.(hex);
        if (!entry) continue;
        const frame = encodeEnvelope(entry, envelopes.inlineMax);
        bytes += frame.length;
        if (bytes > responseBytesMax) break;
        frames.push(frame);
      }
      return frames;
    }
    case 'leaves': {
      const snapshot = replica.snapshots.find(({ blobRoot }) => equals(blobRoot, request.root));
      if (snapshot) return [encodeHashList(snapshot.leaves)];
      const body = replica.log.body(request.root) ?? node.blobOf?.(request.root);
      const leaves = body ? leavesOf(envelopes.crypto, body) : node.partOf(request.root)?.leaves;
      return leaves ? [encodeHashList(leaves)] : 'not-held';
    }
    case 'segment': {
      const blob = wholeBlob(request.root, node);
      if (blob)
        return request.index < segmentCount(blob.length) ? [segmentOf(blob, request.index)] : 'absurd';
      const segment = node.partOf(request.root)?.segment(request.index);
      return segment ? [segment] : 'not-held';
    }
    case 'held': {
      const blob = wholeBlob(request.root, node);
      const bits = blob ? allHeld(segmentCount(blob.length)) : node.partOf(request.root)?.heldBits();
      return bits ? [bits] : 'not-held';
    }
    case 'snapshots':
      return offersOf(node);
    case 'chain': {
      const chain = replica.chainTo(request.round, request.root, request.count);
      return chain ? [encodeChain(chain)] : 'not-held';
    }
    case 'handout':
    case 'push':
      return 'absurd';
  }
}

function wholeBlob(root: Uint8Array, { replica, blobOf }: AnswerContext): Uint8Array | undefined {
  const snapshot = replica.snapshots.find(({ blobRoot }) => equals(blobRoot, root));
  return snapshot?.blob ?? replica.log.body(root) ?? blobOf?.(root);
}

/** Oldest first: the newest one, for whoever takes our word, and those for which others have given theirs. */
function offersOf({ replica, envelopes, signer }: AnswerContext): Uint8Array[] {
  const offers = replica.snapshots.map((snapshot) => ({
    snapshot,
    witnesses: witnessesOf(snapshot, replica),
  }));
  const newest = offers.at(-1);
  return offers
    .filter((offer) => offer === newest || offer.witnesses.length > 0)
    .slice(-offersMax)
    .map(({ snapshot, witnesses }) =>
      encodeOffer(signSnapshotHeader(snapshot, envelopes.runId, signer), witnesses),
    );
}

/** One entry of each author whose anchor names the snapshot, the newest, without its body. */
function witnessesOf(snapshot: Snapshot, replica: Replica): Uint8Array[] {
  const newest = new Map<string, LogEntry>();
  for (const entry of replica.log.entries()) {
    const { anchor } = entry;
    if (anchor?.round !== snapshot.round || !equals(anchor.root, snapshot.root)) continue;
    if (!equals(anchor.snapshot, snapshot.blobRoot)) continue;
    if (entry.round >= (newest.get(entry.author)?.round ?? 0)) newest.set(entry.author, entry);
  }
  return [...newest.values()].slice(-witnessesMax).map((entry) => encodeEnvelope({ ...entry, body: null }));
}

const noRows: readonly Uint8Array[] = [];

function digestAnswer(
  request: Request & { kind: 'digest' },
  { replica, isUnderway }: AnswerContext,
): Uint8Array {
  const { base, log } = replica;
  const rounds = request.digests.map((digest, index): RoundAnswer => {
    const round = request.from + index;
    if (round < replica.logFrom) return { state: 'unknown', rows: noRows };
    const final = round <= base.round;
    const ours = log.digest(round);
    if (equals(digest, ours)) return { state: final ? 'same-final' : 'same-open', rows: noRows };
    if (final) return { state: 'differs-final', rows: log.rows(round) };
    let isWhole = true;
    const rows = log.rows(round, (id) => {
      const isLeftOut = isUnderway(id);
      if (isLeftOut) isWhole = false;
      return isLeftOut;
    });
    return { state: 'differs-open', rows, digest: isWhole ? undefined : ours };
  });
  const mark = replica.markAt(request.finalised);
  const isSame = mark !== null && mark.work === request.work && equals(mark.root, request.root);
  return encodeDigestAnswer({
    nextHeld: log.nextHeld(request.finalised),
    reachesBack: replica.logFrom <= request.finalised + 1,
    atYours: isSame ? 'the same' : mark,
    rounds,
  });
}
