/** Keys and hashes as bytes and as text, and the two checks that every decoder begins with. */
import { toString as encodeBytes, fromString } from 'uint8arrays';
import type { PeerKey } from './io.ts';

/** 32 bytes, a key or a hash, as text. */
export const hex32 = /^[0-9a-f]{64}$/;

export const keyToBytes = (key: PeerKey): Uint8Array => fromString(key, 'hex');
export const bytesToHex = (bytes: Uint8Array): string => encodeBytes(bytes, 'hex');
export const hexToBytes = (hex: string): Uint8Array => fromString(hex, 'hex');

export function isBytes(value: unknown, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length;
}

/** An integer from 0 to 2^31 - 1. */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0x7fff_ffff;
}

/** A final round: -1 stands for none. */
export function isRound(value: unknown): value is number {
  return value === -1 || isCount(value);
}

/** Four bytes, big endian. */
export function be32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
