/** Two secrets of a member, shared out among those who have shown keys: sealed to each, with a hash that holds both sides to it. */
import { equals } from 'uint8arrays';
import type { Crypto } from '../../core/crypto.ts';
import type { PeerKey } from '../../core/io.ts';
import { fieldBytes, fieldElement, sharesOf } from '../../math/shamir.ts';
import { type Deal, type SharesBody, shareHashBytes } from './bodies.ts';
import { labelOf, type SecureSumRules } from './rules.ts';

/** What a member has to hide in an epoch, 32 bytes each: nothing of it outlives the process, so no copy of a disk can use it again. */
export interface EpochSecrets {
  /** Of its self mask. */
  readonly self: Uint8Array;
  /** Of its key for masks. */
  readonly mask: Uint8Array;
  /** Of its key for what is sealed to it. */
  readonly seal: Uint8Array;
}

export interface Holder {
  readonly place: number;
  readonly member: PeerKey;
  /** Its public key for what is sealed to it. */
  readonly seal: Uint8Array;
}

export interface DealContext extends Pick<SecureSumRules, 'runId' | 'threshold'> {
  readonly crypto: Crypto;
  readonly epoch: number;
}

/** Random bytes that nobody else can know. */
export type SecretBytes = (length: number) => Uint8Array;

/** Uniform in the field, but for a part of 2^-250. */
function randomElement(secretBytes: SecretBytes): Uint8Array {
  for (;;) {
    const bytes = secretBytes(32);
    bytes[0] = bytes[0]! & 0x7f;
    if (fieldElement(bytes) !== null) return bytes;
  }
}

export function secretsFrom(secretBytes: SecretBytes): EpochSecrets {
  const [self, mask, seal] = [0, 1, 2].map(() => randomElement(secretBytes));
  return { self: self!, mask: mask!, seal: seal! };
}

/** `holders` by place; a member is one of its own. */
export function deal(
  dealer: PeerKey,
  secrets: EpochSecrets,
  holders: readonly Holder[],
  secretBytes: SecretBytes,
  context: DealContext,
): SharesBody {
  const { crypto, epoch, runId, threshold } = context;
  const points = 1 + Math.max(...holders.map(({ place }) => place));
  const shared = [secrets.self, secrets.mask].map((secret) => {
    const coefficients = Array.from({ length: threshold - 1 }, () => elementOf(randomElement(secretBytes)));
    return sharesOf(elementOf(secret), coefficients, points).map(fieldBytes);
  });
  const deals = holders.map(({ place, member, seal }): Deal => {
    const [self, mask] = shared.map((shares) => shares[place]!);
    const key = sealingKey(secrets.seal, seal, { dealer, holder: member }, context);
    // A key that hides nothing is no key that anybody may show.
    if (!key) throw new RangeError('a member has shown a key that hides nothing');
    const message = new Uint8Array(64);
    message.set(self!);
    message.set(mask!, 32);
    const hashes = { selfHash: shareHash(crypto, self!), maskHash: shareHash(crypto, mask!) };
    return { to: place, sealed: crypto.seal(key, message), ...hashes };
  });
  return { commitment: commitmentTo(secrets.self, dealer, { crypto, epoch, runId }), deals };
}

export interface DealtShares {
  readonly self: Uint8Array;
  readonly mask: Uint8Array;
}

/** What was dealt to us; null where it cannot be read, or is not what its hashes say. */
export function readDeal(
  { sealed, selfHash, maskHash }: Deal,
  keys: { readonly dealerSeal: Uint8Array; readonly ownSealSecret: Uint8Array },
  who: { readonly dealer: PeerKey; readonly holder: PeerKey },
  context: Omit<DealContext, 'threshold'>,
): DealtShares | null {
  const { crypto } = context;
  const key = sealingKey(keys.ownSealSecret, keys.dealerSeal, who, context);
  const message = key && crypto.unseal(key, sealed);
  if (message?.length !== 64) return null;
  const [self, mask] = [message.slice(0, 32), message.slice(32)];
  if (fieldElement(self) === null || fieldElement(mask) === null) return null;
  const isAsSaid = equals(shareHash(crypto, self), selfHash) && equals(shareHash(crypto, mask), maskHash);
  return isAsSaid ? { self, mask } : null;
}

/** Shares are as random as keys: their hash tells nothing of them. */
export function shareHash(crypto: Crypto, share: Uint8Array): Uint8Array {
  return crypto.sha256(share).slice(0, shareHashBytes);
}

export function commitmentTo(
  secret: Uint8Array,
  member: PeerKey,
  { crypto, epoch, runId }: Omit<DealContext, 'threshold'>,
): Uint8Array {
  return crypto.sha256(labelOf('commitment', runId, epoch, member), secret);
}

/** Of what one deals to the other, and of nothing else. */
function sealingKey(
  secret: Uint8Array,
  publicKey: Uint8Array,
  { dealer, holder }: { readonly dealer: PeerKey; readonly holder: PeerKey },
  { crypto, runId, epoch }: Omit<DealContext, 'threshold'>,
): Uint8Array | null {
  const shared = crypto.x25519(secret, publicKey);
  return shared && crypto.hkdf(shared, labelOf('sealed shares', runId, epoch, dealer, holder));
}

function elementOf(bytes: Uint8Array): bigint {
  const element = fieldElement(bytes);
  if (element === null) throw new RangeError('a secret is an element of the field');
  return element;
}
