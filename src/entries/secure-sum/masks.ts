/** Vectors modulo 2^16, and the masks that hide them: streams of ChaCha20, which nobody searches. */
import type { Crypto } from '../../core/crypto.ts';
import type { PeerKey } from '../../core/io.ts';
import { labelOf, type SecureSumRules } from './rules.ts';

export type Masking = Pick<SecureSumRules, 'runId'> & { readonly crypto: Crypto };

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Two bytes a number, the lower one first. */
export function numbersOf(bytes: Uint8Array): Uint16Array {
  const numbers = new Uint16Array(bytes.length / 2);
  if (isLittleEndian) new Uint8Array(numbers.buffer).set(bytes);
  else for (let i = 0; i < numbers.length; i++) numbers[i] = bytes[2 * i]! | (bytes[2 * i + 1]! << 8);
  return numbers;
}

export function bytesOf(numbers: Uint16Array): Uint8Array {
  const bytes = new Uint8Array(2 * numbers.length);
  if (isLittleEndian) bytes.set(new Uint8Array(numbers.buffer, numbers.byteOffset, bytes.length));
  else for (const [i, number] of numbers.entries()) bytes.set([number & 255, number >> 8], 2 * i);
  return bytes;
}

/** `sum` <- sum + vector, modulo 2^16. */
export function add(sum: Uint16Array, vector: Uint16Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + vector[i]!;
}

export function subtract(sum: Uint16Array, vector: Uint16Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! - vector[i]!;
}

/** What a member hides its own vector by, from the secret that it shares out besides its key: who is late is not shown for it. */
export function selfMask(
  secret: Uint8Array,
  epoch: number,
  member: PeerKey,
  length: number,
  by: Masking,
): Uint16Array {
  const key = by.crypto.hkdf(secret, labelOf('self mask', by.runId, epoch, member));
  return numbersOf(by.crypto.chacha20(key, 2 * length));
}

/** Of two members, which both of them come to; the lower one adds it and the other one subtracts it. Null for a key that hides nothing. */
export function pairMask(
  secret: Uint8Array,
  publicKey: Uint8Array,
  pair: { readonly epoch: number; readonly members: readonly [PeerKey, PeerKey]; readonly length: number },
  { crypto, runId }: Masking,
): Uint16Array | null {
  const shared = crypto.x25519(secret, publicKey);
  if (!shared) return null;
  const key = crypto.hkdf(shared, labelOf('pair mask', runId, pair.epoch, ...[...pair.members].sort()));
  return numbersOf(crypto.chacha20(key, 2 * pair.length));
}

/** Adds the mask of a pair to the vector of `member`, or takes it away again. */
export function applyPairMask(
  vector: Uint16Array,
  mask: Uint16Array,
  {
    member,
    other,
    isUndone,
  }: { readonly member: PeerKey; readonly other: PeerKey; readonly isUndone: boolean },
): void {
  if (member < other !== isUndone) add(vector, mask);
  else subtract(vector, mask);
}

/** A vector as nobody can read it before the others have opened it: with the mask of its author, and one with each of the others. */
export function hide(
  values: Int16Array,
  author: { readonly member: PeerKey; readonly self: Uint8Array; readonly mask: Uint8Array },
  others: ReadonlyArray<{ readonly member: PeerKey; readonly maskKey: Uint8Array }>,
  epoch: number,
  by: Masking,
): Uint16Array {
  const { member } = author;
  const { length } = values;
  const hidden = Uint16Array.from(values);
  add(hidden, selfMask(author.self, epoch, member, length, by));
  for (const other of others) {
    if (other.member === member) continue;
    const pair = { epoch, members: [member, other.member] as const, length };
    const mask = pairMask(author.mask, other.maskKey, pair, by);
    if (!mask) throw new RangeError('a member has shown a key that hides nothing');
    applyPairMask(hidden, mask, { member, other: other.member, isUndone: false });
  }
  return hidden;
}
