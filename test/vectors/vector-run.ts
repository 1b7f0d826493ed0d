/** A small run of which test vectors are: who writes in it, where it begins, and how its entries are sealed. */
import { encodeFloat32 } from '../../src/codec/dense.ts';
import { bytesToHex } from '../../src/core/bytes.ts';
import type { Signer } from '../../src/core/crypto.ts';
import type { DeltaState } from '../../src/entries/delta/delta-state.ts';
import type { LogEntry } from '../../src/log/entry-kind.ts';
import { type Claim, type EntryHeader, sealEnvelope } from '../../src/log/envelope.ts';
import type { LogState } from '../../src/log/log-state.ts';
import { createLogParts } from '../../src/methods/delta-log/log-parts.ts';
import { deltaLogSchema } from '../../src/methods/delta-log/schema.ts';
import { createCrypto } from '../../src/platform/node/crypto.ts';
import { signManifest } from '../../src/run/manifest.ts';
import { runSpecSchema } from '../../src/run/run-spec.ts';

export const crypto = createCrypto();

/** Peer `index`, from 1 on: every byte of its seed is the index. */
export const seedOf = (index: number): Uint8Array => new Uint8Array(32).fill(index);

const size = 20;
/** Exactly representable, of either sign. */
export const initial = Float32Array.from({ length: size }, (_, i) => (i - 9.5) / 8);
export const initHash = bytesToHex(crypto.sha256(encodeFloat32(initial)));

/** A ramp that starts elsewhere each time, `scale` times as high. */
export const rampFrom = (start: number, scale = 1): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => scale * (((i * 7 + start) % 11) / 16 - 0.3125));

/** `method`: fields of the delta log beside those that all have. */
export function vectorRun(name: string, rounds: number, method: object, creator: Signer) {
  const strategy = deltaLogSchema.parse({ id: 'delta-log', windowRounds: 3, admitRounds: 1, ...method });
  const spec = runSpecSchema.parse({
    name,
    model: { kind: 'logistic-regression', inputs: 4, outputs: 4 },
    task: { kind: 'idx-images' },
    strategy,
    rounds,
    slotMs: 1000,
  });
  const signed = signManifest({ ...spec, startAtMs: 1_700_000_000_000, initHash }, crypto, creator);
  const parts = createLogParts(signed.manifest, strategy, signed.runId, { crypto, initial, random: () => 0 });
  const { frame, kinds, delta, envelopes } = parts;
  /** Everybody writes before anything is final. */
  const anchor = { round: -1, root: frame.initHash, snapshot: new Uint8Array(32) };
  const entryOf = (
    signer: Signer,
    place: Pick<EntryHeader, 'round' | 'kind' | 'index'>,
    claims: readonly Claim[],
    body: Uint8Array,
  ): LogEntry => {
    const envelope = sealEnvelope({ ...place, anchor, claims }, body, envelopes, signer);
    return { ...envelope, content: kinds[place.kind]!.decode(body, claims) };
  };
  const modelHashOf = (state: LogState): string =>
    bytesToHex(crypto.sha256(encodeFloat32(delta.parameters(state.kinds[0] as DeltaState))));
  return { signed, parts, anchor, entryOf, modelHashOf };
}
