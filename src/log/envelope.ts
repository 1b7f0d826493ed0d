/**
 * The signed entry. An envelope is DAG-CBOR `[header, signature, body or null]`, and where members show credentials the author's as well; the header is DAG-CBOR
 * `[version, run id, author, round, kind, index, anchor, claims, body root, body bytes]`. The id of an entry is the SHA-256 of
 * its header, so it does not depend on the signature or on how the body travelled.
 */
import * as dagCbor from '@ipld/dag-cbor';
import { equals } from 'uint8arrays';
import { blobRoot } from '../content/blob.ts';
import { bytesToHex, isBytes, isCount, isRound, keyToBytes } from '../core/bytes.ts';
import { decodeCanonical } from '../core/canonical-cbor.ts';
import type { Credentials } from '../core/credentials.ts';
import type { Crypto, Signer } from '../core/crypto.ts';
import type { PeerKey, RefusalReason } from '../core/io.ts';
import type { SharedWork } from './shared-work.ts';

/** Largest announcement on the gossip topic. */
export const announcementBytesMax = 64 * 1024;
/** Bodies up to this size ride in the envelope; larger ones are pulled as blobs. */
export const inlineBodyBytesMax = 48 * 1024;
/** Entries of one kind that an author may have in a round. */
export const indexMax = 255;
/** Kinds of a run, and claims of an entry. */
export const kindsMax = 16;
const claimsMax = 8;
/** CBOR values of an envelope and of a header. */
const envelopeItemsMax = 5;
const headerItemsMax = 14 + claimsMax;

const VERSION = 2;

/** What an author says of an entry in its signed header: counts, or hashes of 32 bytes. What they mean is the kind's business. */
export type Claim = number | Uint8Array;

/**
 * The author's history when it wrote: the round of its last snapshot, the root after it, and the root of the snapshot's blob. The one
 * binds the entries before it, the other the state they were folded to.
 */
export interface Anchor {
  /** -1 before the first snapshot. */
  readonly round: number;
  readonly root: Uint8Array;
  /** 32 zero bytes before the first. */
  readonly snapshot: Uint8Array;
}

export interface EntryHeader {
  readonly author: PeerKey;
  readonly round: number;
  /** Number of the kind in the run's list of kinds. */
  readonly kind: number;
  /** Of the author's entries of this kind in the round: 0, 1, ... */
  readonly index: number;
  /** Null for what is not written to a log. */
  readonly anchor: Anchor | null;
  readonly claims: readonly Claim[];
  readonly bodyRoot: Uint8Array;
  readonly bodyBytes: number;
}

export interface Envelope extends EntryHeader {
  /** SHA-256 of the header, hex. */
  readonly id: string;
  readonly header: Uint8Array;
  readonly signature: Uint8Array;
  readonly body: Uint8Array | null;
  /** What entitles the author, where members show it; null elsewhere. Not signed: it is of the author, whatever the entry. */
  readonly credential: Uint8Array | null;
}

export type OpenedEnvelope =
  | { readonly ok: true; readonly envelope: Envelope }
  | { readonly ok: false; readonly reason: RefusalReason };

export interface EnvelopeContext {
  readonly runId: string;
  readonly crypto: Crypto;
  /** Longest body of each kind of the run; of a kind beyond the list there are no entries. */
  readonly bodyBytesMax: readonly number[];
  readonly shared?: SharedWork | undefined;
  /** Who may be an author; anybody where not given. */
  readonly credentials?: Credentials | undefined;
  /** Bodies up to this size ride in the envelope; `inlineBodyBytesMax` where not given. */
  readonly inlineMax?: number | undefined;
}

/** Signs an entry of our own. */
export function sealEnvelope(
  fields: Omit<EntryHeader, 'author' | 'bodyRoot' | 'bodyBytes'>,
  body: Uint8Array,
  context: Pick<EnvelopeContext, 'runId' | 'crypto' | 'credentials'>,
  signer: Signer,
): Envelope & { readonly body: Uint8Array } {
  const bodyRoot = blobRoot(context.crypto, body);
  const { round, kind, index, anchor, claims } = fields;
  const header = dagCbor.encode([
    VERSION,
    context.runId,
    keyToBytes(signer.key),
    round,
    kind,
    index,
    anchor && [anchor.round, anchor.root, anchor.snapshot],
    claims,
    bodyRoot,
    body.length,
  ]);
  return {
    ...{ author: signer.key, round, kind, index, anchor, claims, bodyRoot, bodyBytes: body.length },
    id: bytesToHex(context.crypto.sha256(header)),
    header,
    signature: signer.sign(header),
    body,
    credential: context.credentials?.own ?? null,
  };
}

/** The bytes that travel; the body goes along when it is small enough. */
export function encodeEnvelope(envelope: Envelope, inlineMax = inlineBodyBytesMax): Uint8Array {
  const inline = envelope.body && envelope.body.length <= inlineMax ? envelope.body : null;
  return encodeParts(envelope, inline);
}

/** The bytes that are stored: always with the body. */
export function encodeStoredEnvelope(envelope: Envelope): Uint8Array {
  return encodeParts(envelope, envelope.body);
}

function encodeParts({ header, signature, credential }: Envelope, body: Uint8Array | null): Uint8Array {
  return dagCbor.encode([header, signature, body, ...(credential === null ? [] : [credential])]);
}

/** Checks form, signature, run, body hash and the author's membership, in this order; what only the log can judge comes after. */
export function openEnvelope(bytes: Uint8Array, context: EnvelopeContext): OpenedEnvelope {
  const { shared, credentials } = context;
  const opened = shared
    ? shared.once('opened', bytes, () => openAnew(bytes, context))
    : openAnew(bytes, context);
  if (!opened.ok || !credentials) return opened;
  if (credentials.admits(opened.envelope.author, opened.envelope.credential)) return opened;
  return refuse('not-a-member');
}

function openAnew(bytes: Uint8Array, context: EnvelopeContext): OpenedEnvelope {
  const outer = decodeCanonical(bytes, envelopeItemsMax);
  if (!Array.isArray(outer) || outer.length !== (context.credentials?.areAskedFor ? 4 : 3))
    return refuse('malformed');
  const [header, signature, body, credential = null] = outer as unknown[];
  if (credential !== null && !(credential instanceof Uint8Array)) return refuse('malformed');
  if (!(header instanceof Uint8Array) || !(signature instanceof Uint8Array)) return refuse('malformed');
  if (body !== null && !(body instanceof Uint8Array)) return refuse('malformed');
  const fields = decodeHeader(header);
  if (!fields) return refuse('malformed');
  const { runId, ...claimed } = fields;
  if (!context.crypto.verify(fields.author, signature, header)) return refuse('bad-signature');
  if (runId !== context.runId) return refuse('wrong-run');
  const bodyBytesMax = context.bodyBytesMax[fields.kind];
  if (bodyBytesMax === undefined) return refuse('unknown-kind');
  if (fields.bodyBytes > bodyBytesMax) return refuse('oversized');
  if (body !== null) {
    if (body.length !== fields.bodyBytes) return refuse('bad-body');
    if (!equals(blobRoot(context.crypto, body), fields.bodyRoot)) return refuse('bad-body');
  }
  const id = bytesToHex(context.crypto.sha256(header));
  return { ok: true, envelope: { ...claimed, id, header, signature, body, credential } };
}

/** What a header says, whoever signed it; null for what is none. */
export function decodeHeader(header: Uint8Array): (EntryHeader & { runId: string }) | null {
  const fields = decodeCanonical(header, headerItemsMax);
  if (!Array.isArray(fields) || fields.length !== 10 || fields[0] !== VERSION) return null;
  const [, runId, author, round, kind, index, anchored, claims, bodyRoot, bodyBytes] = fields as unknown[];
  if (typeof runId !== 'string' || !isBytes(author, 32) || !isBytes(bodyRoot, 32)) return null;
  if (!isCount(round) || !isCount(bodyBytes)) return null;
  if (!isCount(kind) || kind >= kindsMax || !isCount(index) || index > indexMax) return null;
  const anchor = anchored === null ? null : decodeAnchor(anchored, round);
  if (anchor === undefined || !areClaims(claims)) return null;
  return { runId, author: bytesToHex(author), round, kind, index, anchor, claims, bodyRoot, bodyBytes };
}

/** An entry refers backwards: its author's last snapshot lies before the entry's own round. */
function decodeAnchor(value: unknown, before: number): Anchor | undefined {
  if (!Array.isArray(value) || value.length !== 3) return undefined;
  const [round, root, snapshot] = value as unknown[];
  if (!isRound(round) || round >= before || !isBytes(root, 32) || !isBytes(snapshot, 32)) return undefined;
  return { round, root, snapshot };
}

function areClaims(value: unknown): value is Claim[] {
  if (!Array.isArray(value) || value.length > claimsMax) return false;
  return value.every((claim: unknown) => isCount(claim) || isBytes(claim, 32));
}

function refuse(reason: RefusalReason): OpenedEnvelope {
  return { ok: false, reason };
}
