/** One entry of a run's log as its author signed it, for whoever wants to check it. The body stays where it is. */
import { decode } from '@ipld/dag-cbor';
import * as z from 'zod';
import { bytesToHex } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { Store } from '../../core/ports.ts';
import { decodeHeader } from '../../log/envelope.ts';
import { namedBy, roundPrefixes } from '../../log/store-keys.ts';
import { logOf, type MethodSpec } from '../../methods/registry.ts';

export const entrySchema = z.object({
  /** SHA-256 of the signed header. */
  id: z.string(),
  round: z.int(),
  author: z.string(),
  /** Id of the kind. */
  kind: z.string(),
  index: z.int(),
  /** Where the author's history stood: its last snapshot, hashes in hexadecimal; null of what is not written to a log. */
  anchor: z.object({ round: z.int(), root: z.string(), snapshot: z.string() }).nullable(),
  /** Counts, and hashes in hexadecimal: what they mean is the kind's business. */
  claims: z.array(z.union([z.number(), z.string()])),
  bodyRoot: z.string(),
  bodyBytes: z.int(),
  /** As checked now, not as it was when the entry came. */
  isSigned: z.boolean(),
  /** Base64: what was signed, DAG-CBOR. */
  header: z.string(),
  /** Base64: Ed25519, by the author's key. */
  signature: z.string(),
});
export type HeldEntryInFull = z.infer<typeof entrySchema>;

export interface EntryRequest {
  readonly round: number;
  readonly id: string;
}

/** Null where it is not held here. @throws StoreError */
export async function heldEntry(
  store: Store,
  crypto: Crypto,
  strategy: MethodSpec,
  { round, id }: EntryRequest,
): Promise<HeldEntryInFull | null> {
  const log = logOf(strategy);
  if (!log) return null;
  for (const prefix of roundPrefixes(round)) {
    for await (const [key, value] of store.entries(prefix)) {
      if (namedBy(key)?.id !== id) continue;
      const [header, signature] = decode<[Uint8Array, Uint8Array]>(value);
      const fields = decodeHeader(header)!;
      const { author, kind, index, anchor, claims, bodyRoot, bodyBytes } = fields;
      return {
        ...{ id, round, author, kind: log.kinds[kind] ?? String(kind), index, bodyBytes },
        anchor: anchor && {
          ...{ round: anchor.round, root: bytesToHex(anchor.root), snapshot: bytesToHex(anchor.snapshot) },
        },
        claims: claims.map((claim) => (typeof claim === 'number' ? claim : bytesToHex(claim))),
        bodyRoot: bytesToHex(bodyRoot),
        isSigned: crypto.verify(author, signature, header),
        header: Buffer.from(header).toString('base64'),
        signature: Buffer.from(signature).toString('base64'),
      };
    }
  }
  return null;
}
