import * as dagCbor from '@ipld/dag-cbor';
import { equals } from 'uint8arrays';

/**
 * The value of canonical DAG-CBOR; undefined for all other bytes. The library's decoder lets through what its
 * encoder never writes (whole numbers as floats, short floats, map keys out of order), and what is hashed or
 * compared must have one form: so the value is encoded again.
 */
export function decodeCanonical(bytes: Uint8Array): unknown {
  try {
    const value: unknown = dagCbor.decode(bytes);
    return equals(dagCbor.encode(value), bytes) ? value : undefined;
  } catch {
    return undefined;
  }
}
