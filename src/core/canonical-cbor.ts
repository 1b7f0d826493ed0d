import * as dagCbor from '@ipld/dag-cbor';
import { equals } from 'uint8arrays';

/**
 * The value of canonical DAG-CBOR; undefined for all other bytes. The library's decoder lets through what its
 * encoder never writes (whole numbers as floats, short floats, map keys out of order), and what is hashed or
 * compared must have one form: so the value is encoded again.
 * @param itemsMax of values, nested ones included; more are refused before any is built, which takes a hundred times as long as to count it
 */
export function decodeCanonical(bytes: Uint8Array, itemsMax = Number.POSITIVE_INFINITY): unknown {
  if (!hasAtMost(bytes, itemsMax)) return undefined;
  try {
    const value: unknown = dagCbor.decode(bytes);
    return equals(dagCbor.encode(value), bytes) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether there are so many heads of values; what follows from other errors in them is for the decoder to find. */
function hasAtMost(bytes: Uint8Array, itemsMax: number): boolean {
  let items = 0;
  for (let at = 0; at < bytes.length; ) {
    if (++items > itemsMax) return false;
    const head = bytes[at]!;
    const [major, info] = [head >> 5, head & 31];
    const argumentBytes = info < 24 ? 0 : 2 ** (info - 24);
    let argument = info;
    if (argumentBytes > 0) {
      argument = 0;
      for (let index = 1; index <= argumentBytes; index++)
        argument = argument * 256 + (bytes[at + index] ?? 0);
    }
    at += 1 + argumentBytes + (major === 2 || major === 3 ? argument : 0);
  }
  return true;
}
