/** A run small enough to fold by hand, its peers and their messages, all from real keys. */

import { encodeFloat32 } from '../../src/codec/dense.ts';
import { bytesToHex } from '../../src/core/bytes.ts';
import type { Signer } from '../../src/core/crypto.ts';
import type { DeltaContent, DeltaState } from '../../src/entries/delta/delta-state.ts';
import type { LogEntry } from '../../src/log/entry-kind.ts';
import { type Anchor, sealEnvelope } from '../../src/log/envelope.ts';
import { LogBook } from '../../src/log/log-book.ts';
import type { LogState } from '../../src/log/log-state.ts';
import { rngFor } from '../../src/math/rng.ts';
import { createLogParts, type DeltaLogParts } from '../../src/methods/delta-log/log-parts.ts';
import { type DeltaLogSpec, deltaLogSchema } from '../../src/methods/delta-log/schema.ts';
import { methodSchema } from '../../src/methods/registry.ts';
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
  readonly slotMsMax?: number;
  readonly publishersMin?: number;
  readonly timeMaxMs?: number;
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
    slotMsMax: changes.slotMsMax ?? null,
    publishersMin: changes.publishersMin ?? 1,
    timeMaxMs: changes.timeMaxMs ?? null,
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
  return deltaLogSchema.parse({ id: 'delta-log', codec: { chunk: 64, perChunk: 8 }, ...changes });
}

/** All that a log of the run is made of, and what its deltas are written with. */
export interface LogContext extends DeltaLogParts {
  readonly runId: string;
  readonly crypto: typeof crypto;
}

export function contextOf(run: SmallRun, initial: Float32Array = run.initial): LogContext {
  const spec = run.manifest.strategy;
  if (spec.id !== 'delta-log') throw new Error('the run has no log');
  return contextWith(run, spec, initial);
}

/** As if the run had these constants. */
export function contextWith(
  run: SmallRun,
  spec: DeltaLogSpec,
  initial: Float32Array = run.initial,
): LogContext {
  const { runId, manifest } = run;
  const parts = createLogParts(manifest, spec, runId, { crypto, initial, random: () => 0 });
  return { runId, crypto, ...parts, frame: { ...parts.frame, initHash: new Uint8Array(32) } };
}

export const bookOf = ({ kinds, runId }: LogContext): LogBook =>
  new LogBook({ runId, crypto, entriesPerRoundMax: kinds.map((kind) => kind.entriesPerRoundMax) });

/** What deltas add up to in a state. */
export const deltaStateOf = (state: LogState): DeltaState => state.kinds[0] as DeltaState;

/** Where an author stands that has folded nothing. */
export const noHistory: Anchor = { round: -1, root: new Uint8Array(32), snapshot: new Uint8Array(32) };

/** A signed delta that carries what the codec selects of `vector`. */
export function messageOf(
  context: LogContext,
  author: Signer,
  round: number,
  vector: Float32Array,
  misses = 0,
): LogEntry<DeltaContent> {
  const { codec, delta, envelopes, rules } = context;
  const body = codec.encode(codec.select(vector));
  const claims = [misses, rules.localSteps];
  const envelope = sealEnvelope(
    { round, kind: 0, index: 0, anchor: noHistory, claims },
    body,
    envelopes,
    author,
  );
  return { ...envelope, content: delta.decode(body, claims)! };
}
