/**
 * A run that strangers cannot see. All that it is called on the wire follows from a secret that its members have (HKDF, RFC 5869): who knows
 * the run id, or has the manifest, can ask for nothing by it. Who takes such a name from somebody's list of protocols cannot use it either:
 * requests and announcements are sealed (AES-256-GCM), and each answer shows that who gave it has the secret. Peers are the keys that Noise
 * has made sure of, so what one peer showed another is worth nothing anywhere else.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import * as Digest from 'multiformats/hashes/digest';
import type { PeerKey } from '../core/io.ts';

const cipher = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;
const sha256Code = 0x12;

/** What sealing adds to a request or an announcement. */
export const sealBytes = nonceBytes + tagBytes;
/** Of the frame before those of an answer. */
export const receiptBytes = 32;

export class HiddenRun {
  /** In place of the run id in names of protocols and topics: 64 hexadecimal digits that say nothing. */
  readonly name: string;
  /** Where its peers are found in the DHT. */
  readonly cid: CID;
  readonly #keyOf: (label: string) => Buffer;
  readonly #admits: (peer: PeerKey) => boolean;

  /** @param admits who may take part, as far as is known: others are told nothing, whatever they show */
  constructor(runId: string, secret: Uint8Array, admits: (peer: PeerKey) => boolean = () => true) {
    const keys = new Map<string, Buffer>();
    this.#keyOf = (label) => {
      const key = keys.get(label) ?? Buffer.from(hkdfSync('sha256', secret, runId, `starlings ${label}`, 32));
      keys.set(label, key);
      return key;
    };
    this.#admits = admits;
    this.name = this.#keyOf('name').toString('hex');
    const digest = createHash('sha256').update(this.#keyOf('provider')).digest();
    this.cid = CID.createV1(raw.code, Digest.create(sha256Code, digest));
  }

  /** What `from` asks `to` with about the run, in place of its id. */
  question(protocol: string, from: PeerKey, to: PeerKey): string {
    return this.#mac('question', `${protocol} ${from} ${to}`).toString('hex');
  }

  isQuestion(text: string, protocol: string, from: PeerKey, to: PeerKey): boolean {
    return this.#admits(from) && isSame(Buffer.from(text), Buffer.from(this.question(protocol, from, to)));
  }

  seal(request: Uint8Array, from: PeerKey, to: PeerKey): Uint8Array {
    return sealed(this.#mac('request', `${from} ${to}`), randomBytes(nonceBytes), request);
  }

  /** Null for what no member sent. */
  open(request: Uint8Array, from: PeerKey, to: PeerKey): Uint8Array | null {
    return this.#admits(from) ? opened(this.#mac('request', `${from} ${to}`), request) : null;
  }

  /** Shows `from` that `to`, who answers, could read the sealed request. */
  receipt(request: Uint8Array, from: PeerKey, to: PeerKey): Uint8Array {
    return createHmac('sha256', this.#mac('receipt', `${from} ${to}`))
      .update(request)
      .digest();
  }

  isReceipt(receipt: Uint8Array | undefined, request: Uint8Array, from: PeerKey, to: PeerKey): boolean {
    return receipt !== undefined && this.#admits(to) && isSame(receipt, this.receipt(request, from, to));
  }

  /** The same bytes for the same announcement, whoever seals it: gossip knows by them what it has passed on. */
  sealAnnouncement(bytes: Uint8Array): Uint8Array {
    const nonce = createHmac('sha256', this.#keyOf('announcement nonce')).update(bytes).digest();
    return sealed(this.#keyOf('announcement'), nonce.subarray(0, nonceBytes), bytes);
  }

  /** Null for what no member sealed. */
  openAnnouncement(bytes: Uint8Array): Uint8Array | null {
    return opened(this.#keyOf('announcement'), bytes);
  }

  #mac(label: string, text: string): Buffer {
    return createHmac('sha256', this.#keyOf(label)).update(text).digest();
  }
}

function sealed(key: Uint8Array, nonce: Uint8Array, bytes: Uint8Array): Uint8Array {
  const sealing = createCipheriv(cipher, key, nonce);
  const parts = [nonce, sealing.update(bytes), sealing.final()];
  return new Uint8Array(Buffer.concat([...parts, sealing.getAuthTag()]));
}

function opened(key: Uint8Array, bytes: Uint8Array): Uint8Array | null {
  if (bytes.length < sealBytes) return null;
  const opening = createDecipheriv(cipher, key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes });
  opening.setAuthTag(bytes.subarray(-tagBytes));
  try {
    const inner = opening.update(bytes.subarray(nonceBytes, -tagBytes));
    return new Uint8Array(Buffer.concat([inner, opening.final()]));
  } catch {
    return null;
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
