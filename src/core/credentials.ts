/**
 * What a key shows for itself where a run asks newcomers for more than a key, and has nobody to name them: bytes that anybody can check
 * against the manifest alone. They travel with every entry and every request, so that nobody need remember or be told who was let in.
 *
 * By work: a nonce. By invitation: a chain of links from the creator of the run to the key, each signed by the one before.
 */
import * as dagCbor from '@ipld/dag-cbor';
import { bytesToHex, hexToBytes, isBytes, isCount, keyToBytes } from './bytes.ts';
import { decodeCanonical } from './canonical-cbor.ts';
import type { Crypto, Signer } from './crypto.ts';
import { forgetOldest } from './forget-oldest.ts';
import type { PeerKey } from './io.ts';
import { type Membership, memberTest } from './membership.ts';

/** Of a nonce. */
export const nonceBytes = 8;
/** Links of a chain: each has a key, a number and a signature. */
export const linksMax = 8;
const credentialBytesMax = 16 + linksMax * 128;
/** Keys that are remembered to have shown it, those heard of last; others are checked again. */
const rememberedMax = 65_536;

/** What of a run decides who may take part. */
export interface Admitting {
  readonly membership: Membership;
  readonly creator: PeerKey;
}

interface Link {
  readonly key: PeerKey;
  /** Of the inviter's invitations: 0, 1, ... */
  readonly number: number;
  readonly signature: Uint8Array;
}

/** Whether members of such a run show credentials. */
export function asksForCredential({ kind }: Membership): boolean {
  return kind === 'work' || kind === 'invite';
}

/** Who may take part in a run: whom its manifest names, or who has shown what it asks for. */
export class Credentials {
  readonly #run: Admitting;
  readonly #runId: string;
  readonly #crypto: Crypto;
  readonly #isNamed: (peer: PeerKey) => boolean;
  readonly #own: Uint8Array | null;
  readonly #shown = new Map<PeerKey, string>();

  /** `own`: what we show; null for nothing. */
  constructor(run: Admitting, runId: string, crypto: Crypto, own: Uint8Array | null = null) {
    this.#run = run;
    this.#runId = runId;
    this.#crypto = crypto;
    this.#isNamed = memberTest(run.membership);
    this.#own = own;
  }

  /** Whether entries and requests of the run carry one. */
  get areAskedFor(): boolean {
    return asksForCredential(this.#run.membership);
  }

  get own(): Uint8Array | null {
    return this.#own;
  }

  /** Named, or known to have shown what is asked for. */
  has(peer: PeerKey): boolean {
    return this.areAskedFor ? this.#shown.has(peer) : this.#isNamed(peer);
  }

  /** What the peer has shown last, and it was good; null for nothing. */
  shownBy(peer: PeerKey): Uint8Array | null {
    const text = this.#shown.get(peer);
    return text === undefined ? null : hexToBytes(text);
  }

  /** Whether it may turn out to be a member. */
  mayHave(peer: PeerKey): boolean {
    return this.#isNamed(peer);
  }

  /** Whether it entitles the peer; then that is remembered. */
  admits(peer: PeerKey, credential: Uint8Array | null): boolean {
    if (!this.areAskedFor) return credential === null && this.#isNamed(peer);
    if (credential === null || credential.length > credentialBytesMax) return false;
    const text = bytesToHex(credential);
    const known = this.#shown.get(peer) === text;
    if (!known && !isCredential(this.#run, this.#runId, peer, credential, this.#crypto)) return false;
    this.#shown.delete(peer);
    this.#shown.set(peer, text);
    forgetOldest(this.#shown, rememberedMax);
    return true;
  }

  /** A request of ours, with what entitles us to ask it. */
  enclosed(request: Uint8Array): Uint8Array {
    return this.areAskedFor ? dagCbor.encode([this.#own ?? new Uint8Array(0), request]) : request;
  }

  /** What a peer asks; null where it is not entitled to. */
  disclosed(from: PeerKey, bytes: Uint8Array): Uint8Array | null {
    if (!this.areAskedFor) return this.#isNamed(from) ? bytes : null;
    const fields = decodeCanonical(bytes, 3);
    if (!Array.isArray(fields) || fields.length !== 2) return null;
    const [credential, request] = fields as unknown[];
    if (!(credential instanceof Uint8Array) || !(request instanceof Uint8Array)) return null;
    return this.admits(from, credential) ? request : null;
  }
}

function isCredential(
  { membership, creator }: Admitting,
  runId: string,
  peer: PeerKey,
  credential: Uint8Array,
  crypto: Crypto,
): boolean {
  switch (membership.kind) {
    case 'open':
    case 'allow-list':
      return false;
    case 'work':
      return (
        credential.length === nonceBytes &&
        leadingZeroBits(workHash(runId, peer, credential, crypto)) >= membership.bits
      );
    case 'invite': {
      const links = decodeLinks(credential);
      if (links === null || links.length > membership.depth) return false;
      if ((links.at(-1)?.key ?? creator) !== peer) return false;
      return links.every(({ key, number, signature }, index) => {
        const inviter = links[index - 1]?.key ?? creator;
        return (
          number < membership.invitations && crypto.verify(inviter, signature, linkText(runId, key, number))
        );
      });
    }
    default:
      return membership satisfies never;
  }
}

/** SHA-256 of domain, run, key and nonce: as many zero bits at its beginning as the manifest says. */
export function workHash(runId: string, peer: PeerKey, nonce: Uint8Array, crypto: Crypto): Uint8Array {
  return crypto.sha256(new TextEncoder().encode(`starlings work/${runId}/`), keyToBytes(peer), nonce);
}

export function leadingZeroBits(hash: Uint8Array): number {
  const at = hash.findIndex((byte) => byte !== 0);
  return at < 0 ? 8 * hash.length : 8 * at + Math.clz32(hash[at]!) - 24;
}

/** What an inviter signs: this key is let into this run, as the inviter's invitation of this number. */
function linkText(runId: string, key: PeerKey, number: number): Uint8Array {
  return dagCbor.encode(['starlings invitation', runId, keyToBytes(key), number]);
}

/** The credential of `key`, invited by who shows `own`; the creator shows a chain without links. */
export function invite(
  runId: string,
  own: Uint8Array,
  { key, number }: { readonly key: PeerKey; readonly number: number },
  inviter: Signer,
): Uint8Array {
  const links = decodeLinks(own) ?? [];
  return encodeLinks([...links, { key, number, signature: inviter.sign(linkText(runId, key, number)) }]);
}

/** What the creator of a run shows. */
export function creatorsCredential(): Uint8Array {
  return encodeLinks([]);
}

function encodeLinks(links: readonly Link[]): Uint8Array {
  return dagCbor.encode(links.map(({ key, number, signature }) => [keyToBytes(key), number, signature]));
}

/** Null for what is no chain. */
export function decodeLinks(bytes: Uint8Array): readonly Link[] | null {
  const rows = decodeCanonical(bytes, 1 + 4 * linksMax);
  if (!Array.isArray(rows) || rows.length > linksMax) return null;
  const links: Link[] = [];
  for (const row of rows as unknown[]) {
    if (!Array.isArray(row) || row.length !== 3) return null;
    const [key, number, signature] = row as unknown[];
    if (!isBytes(key, 32) || !isCount(number) || !isBytes(signature, 64)) return null;
    links.push({ key: bytesToHex(key), number, signature });
  }
  return links;
}
