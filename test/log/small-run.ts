/** A run small enough to fold by hand, its peers and their messages, all from real keys. */

import { createDeltaCodec, deltaSquaredNorm } from '../../src/codec/delta.ts';
import { encodeFloat32 } from '../../src/codec/dense.ts';
import type { Signer } from '../../src/core/crypto.ts';
import { bytesToHex, type EnvelopeContext, sealEnvelope } from '../../src/log/envelope.ts';
import type { FoldContext } from '../../src/log/fold.ts';
import type { LogMessage } from '../../src/log/log-book.ts';
import { rngFor } from '../../src/math/rng.ts';
import { type DeltaLogSpec, deltaLog } from '../../src/methods/delta-log/method.ts';
import { logOf, methodSchema } from '../../src/methods/registry.ts';
import { createCrypto, createSigner } from '../../src/platform/node/crypto.ts';
import { type RunManifest, type SignedManifest, signManifest } from '../../src/run/manifest.ts';
import { type RunSpec, runSpecSchema } from '../../src/run/run-spec.ts';

export const crypto = createCrypto();

/** Peer number `index` (below 2^32): its seed is the number. */
export function signerOf(index: number): Signer {
  const seed = new Uint8Array(32);
  new DataView(seed.buffer).setUint32(0, index + 1);
  return createSigner(seed);
}

export interface RunChanges {
  /** Parameters: 4 outputs of (inputs + 1) weights each. */
  readonly inputs?: number;
  readonly rounds?: number;
  readonly slotMs?: number;
  readonly strategy?: Record<string, unknown>;
  readonly membership?: RunSpec['membership'];
}

export const startAtMs = 1_000_000;

export function specOf(changes: RunChanges = {}): RunSpec {
  return runSpecSchema.parse({
    name: 'small',
    model: { kind: 'logistic-regression', inputs: changes.inputs ?? 47, outputs: 4 },
    task: { kind: 'idx-images' },
    training: { localSteps: 4 },
    strategy: methodSchema.parse(
      (changes.strategy?.['id'] ?? 'delta-log') !== 'delta-log'
        ? changes.strategy
        : { id: 'delta-log', codec: { chunk: 64, perChunk: 8 }, ...changes.strategy },
    ),
    rounds: changes.rounds ?? 12,
    slotMs: changes.slotMs ?? 1000,
    membership: changes.membership ?? { kind: 'open' },
  });
}

/** Values of either sign around zero, exactly representable. */
export function smallVector(size: number, seed: string, scale = 1): Float32Array {
  const vector = new Float32Array(size);
  rngFor(seed).fillUniform(vector, -scale, scale);
  return vector;
}

export interface SmallRun {
  readonly signed: SignedManifest;
  readonly manifest: RunManifest;
  readonly runId: string;
  readonly initial: Float32Array;
}

export function smallRun(changes: RunChanges = {}, initial?: Float32Array): SmallRun {
  const size = 4 * ((changes.inputs ?? 47) + 1);
  const start = initial ?? smallVector(size, 'initial', 0.5);
  const initHash = bytesToHex(crypto.sha256(encodeFloat32(start)));
  const signed = signManifest({ ...specOf(changes), startAtMs, initHash }, crypto, signerOf(0));
  return { signed, manifest: signed.manifest, runId: signed.runId, initial: start };
}

export function deltaLogSpec(changes: Record<string, unknown> = {}): DeltaLogSpec {
  return deltaLog.schema.parse({ id: 'delta-log', codec: { chunk: 64, perChunk: 8 }, ...changes });
}

export function contextOf(run: SmallRun): FoldContext & EnvelopeContext {
  const spec = logOf(run.manifest.strategy);
  if (!spec) throw new Error('the run has no log');
  const codec = createDeltaCodec(spec.codec, run.initial.length, () => 0);
  return { runId: run.runId, crypto, spec, bodyBytesMax: codec.bodyBytesMax };
}

/** A signed message that carries what the codec selects of `vector`. */
export function messageOf(
  context: FoldContext & EnvelopeContext,
  author: Signer,
  round: number,
  vector: Float32Array,
  misses = 0,
): LogMessage {
  const codec = createDeltaCodec(context.spec.codec, vector.length, () => 0);
  const body = codec.encode(codec.select(vector));
  const delta = codec.decode(body);
  const envelope = sealEnvelope({ round, misses }, body, context, author);
  return { ...envelope, body, delta, norm: Math.sqrt(deltaSquaredNorm(delta)) };
}
