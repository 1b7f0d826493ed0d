/**
 * The signed message. An envelope is DAG-CBOR `[header, signature, body or null]`; the header is DAG-CBOR
 * `[version, run id, author, round, misses, body root, body bytes]`. The message id is the SHA-256 of the
 * header, so it does not depend on the signature or on how the body travelled.
 */
import * as dagCbor from '@ipld/dag-cbor';
import { toString as encodeBytes, equals, fromString } from 'uint8arrays';
import { blobRoot } from '../content/blob.ts';
import { decodeCanonical } from '../core/canonical-cbor.ts';
import type { Crypto, Signer } from '../core/crypto.ts';
import type { PeerKey, RefusalReason } from '../core/io.ts';
import type { SharedWork } from './shared-work.ts';

/** Largest announcement on the gossip topic. */
export const announcementBytesMax = 64 * 1024;
/** Bodies up to this size ride in the envelope; larger ones are pulled as blobs. */
export const inlineBodyBytesMax = 48 * 1024;

const VERSION = 1;

export interface MessageHeader {
  readonly author: PeerKey;
  readonly round: number;
  /** Messages of earlier rounds that reached the author too late to train on. */
  readonly misses: number;
  readonly bodyRoot: Uint8Array;
  readonly bodyBytes: number;
}

export interface Envelope extends MessageHeader {
  /** SHA-256 of the header, hex. */
  readonly id: string;
  readonly header: Uint8Array;
  readonly signature: Uint8Array;
  readonly body: Uint8Array | null;
}

export type OpenedEnvelope =
  | { readonly ok: true; readonly envelope: Envelope }
  | { readonly ok: false; readonly reason: RefusalReason };

export interface EnvelopeContext {
  readonly runId: string;
  readonly crypto: Crypto;
  readonly bodyBytesMax: number;
  readonly shared?: SharedWork | undefined;
  /** Bodies up to this size ride in the envelope; `inlineBodyBytesMax` where not given. */
  readonly inlineMax?: number | undefined;
}

export const keyToBytes = (key: PeerKey): Uint8Array => fromString(key, 'hex');
export const bytesToHex = (bytes: Uint8Array): string => encodeBytes(bytes, 'hex');
export const hexToBytes = (hex: string): Uint8Array => fromString(hex, 'hex');

/** Signs a message of our own. */
export function sealEnvelope(
  fields: Pick<MessageHeader, 'round' | 'misses'>,
  body: Uint8Array,
  context: EnvelopeContext,
  signer: Signer,
): Envelope {
  const bodyRoot = blobRoot(context.crypto, body);
  const header = dagCbor.encode([
    VERSION,
    context.runId,
    keyToBytes(signer.key),
    fields.round,
    fields.misses,
    bodyRoot,
    body.length,
  ]);
  return {
    ...fields,
    author: signer.key,
    bodyRoot,
    bodyBytes: body.length,
    id: bytesToHex(context.crypto.sha256(header)),
    header,
    signature: signer.sign(header),
    body,
  };
}

/** The bytes that travel; the body goes along when it is small enough. */
export function encodeEnvelope(envelope: Envelope, inlineMax = inlineBodyBytesMax): Uint8Array {
  const inline = envelope.body && envelope.body.length <= inlineMax ? envelope.body : null;
  return dagCbor.encode([envelope.header, envelope.signature, inline]);
}

/** The bytes that are stored: always with the body. */
export function encodeStoredEnvelope(envelope: Envelope, shared?: SharedWork): Uint8Array {
  const encode = () => dagCbor.encode([envelope.header, envelope.signature, envelope.body]);
  return shared ? shared.once('stored', envelope, encode) : encode();
}

/** Checks form, signature, run and body hash, in this order; what only the log can judge comes after. */
export function openEnvelope(bytes: Uint8Array, context: EnvelopeContext): OpenedEnvelope {
  const { shared } = context;
  return shared ? shared.once('opened', bytes, () => openAnew(bytes, context)) : openAnew(bytes, context);
}

function openAnew(bytes: Uint8Array, context: EnvelopeContext): OpenedEnvelope {
  const outer = decodeCanonical(bytes);
  if (!Array.isArray(outer) || outer.length !== 3) return refuse('malformed');
  const [header, signature, body] = outer as unknown[];
  if (!(header instanceof Uint8Array) || !(signature instanceof Uint8Array)) return refuse('malformed');
  if (body !== null && !(body instanceof Uint8Array)) return refuse('malformed');
  const fields = decodeHeader(header);
  if (!fields) return refuse('malformed');
  if (!context.crypto.verify(fields.author, signature, header)) return refuse('bad-signature');
  if (fields.runId !== context.runId) return refuse('wrong-run');
  if (fields.bodyBytes > context.bodyBytesMax) return refuse('oversized');
  if (body !== null) {
    if (body.length !== fields.bodyBytes) return refuse('bad-body');
    if (!equals(blobRoot(context.crypto, body), fields.bodyRoot)) return refuse('bad-body');
  }
  const id = bytesToHex(context.crypto.sha256(header));
  return { ok: true, envelope: { ...fields, id, header, signature, body } };
}

function decodeHeader(header: Uint8Array): (MessageHeader & { runId: string }) | null {
  const fields = decodeCanonical(header);
  if (!Array.isArray(fields) || fields.length !== 7 || fields[0] !== VERSION) return null;
  const [, runId, author, round, misses, bodyRoot, bodyBytes] = fields as unknown[];
  if (typeof runId !== 'string' || !isBytes(author, 32) || !isBytes(bodyRoot, 32)) return null;
  if (!isCount(round) || !isCount(misses) || !isCount(bodyBytes)) return null;
  return { runId, author: bytesToHex(author), round, misses, bodyRoot, bodyBytes };
}

export function isBytes(value: unknown, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length;
}

export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0x7fff_ffff;
}

function refuse(reason: RefusalReason): OpenedEnvelope {
  return { ok: false, reason };
}
