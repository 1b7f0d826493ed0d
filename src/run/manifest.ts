/**
 * The signed run manifest. Its payload is canonical DAG-CBOR; the CID of the payload (sha2-256) is the run id,
 * so whoever knows the id can check a manifest from any stranger.
 */
import * as dagCbor from '@ipld/dag-cbor';
import { CID } from 'multiformats/cid';
import * as Digest from 'multiformats/hashes/digest';
import * as z from 'zod';
import { hex32 } from '../core/bytes.ts';
import { decodeCanonical } from '../core/canonical-cbor.ts';
import type { Crypto, Signer } from '../core/crypto.ts';
import { crowdedKinds } from '../methods/registry.ts';
import { frozenOf, parameterCount } from '../tasks/models/model-layout.ts';
import { runFileSchema, runFilesMax, wrongFile } from './run-files.ts';
import { impossibleCombination, missingRoster, runSpecSchema } from './run-spec.ts';

/** A manifest of more bytes is refused before it is decoded. An allow-list of 10,000 keys fits. */
export const manifestBytesMax = 1 << 20;
/** CBOR values of one: such an allow-list, and all there is beside it. */
const itemsMax = 32_768;

const SHA2_256 = 0x12;

const manifestSchema = runSpecSchema.extend({
  version: z.literal(4),
  creator: z.string().regex(hex32),
  /** Unix time in milliseconds at which round 0 begins. */
  startAtMs: z.int().min(0),
  /** SHA-256 (hex) of the start vector as little-endian float32: a peer that builds another one stops. */
  initHash: z.string().regex(hex32),
  /** Of a hidden run, which is found by a secret alone: `secretHash` of it. */
  secretHash: z.string().regex(hex32).optional(),
  /** What peers need beside the manifest and hand each other; left out: nothing. */
  files: z.array(runFileSchema).min(1).max(runFilesMax).optional(),
});
export type RunManifest = z.infer<typeof manifestSchema>;

export interface SignedManifest {
  readonly runId: string;
  readonly manifest: RunManifest;
  /** The exact bytes to store and to serve. */
  readonly bytes: Uint8Array;
}

export class ManifestError extends Error {
  override readonly name = 'ManifestError';
  readonly code = 'BAD_MANIFEST';
}

/** @throws ManifestError for a run that cannot be */
export function signManifest(
  fields: Omit<RunManifest, 'version' | 'creator'>,
  crypto: Crypto,
  signer: Signer,
): SignedManifest {
  const manifest = manifestSchema.parse({ ...fields, version: 4, creator: signer.key });
  checkRun(manifest, crypto);
  const payload = dagCbor.encode(manifest);
  const bytes = dagCbor.encode([payload, signer.sign(payload)]);
  if (bytes.length > manifestBytesMax) {
    throw new ManifestError(
      `it takes ${bytes.length} bytes, more than ${manifestBytesMax}: name fewer members`,
    );
  }
  return { runId: runIdOf(payload, crypto), manifest, bytes };
}

/** Verifies size, hash, schema and signature, in that order. @throws ManifestError with one sentence. */
export function openManifest(bytes: Uint8Array, crypto: Crypto, expectedRunId?: string): SignedManifest {
  if (bytes.length > manifestBytesMax) {
    throw new ManifestError(`the manifest has ${bytes.length} bytes, more than ${manifestBytesMax}`);
  }
  const [payload, signature] = splitEnvelope(bytes);
  const runId = runIdOf(payload, crypto);
  if (expectedRunId !== undefined && runId !== expectedRunId) {
    throw new ManifestError(`this is the manifest of run ${runId}, not of ${expectedRunId}`);
  }
  const parsed = manifestSchema.safeParse(decodeOrThrow(payload));
  if (!parsed.success) {
    throw new ManifestError(`the manifest does not fit its schema: ${z.prettifyError(parsed.error)}`);
  }
  const manifest = parsed.data;
  if (!crypto.verify(manifest.creator, signature, payload)) {
    throw new ManifestError('the signature of the manifest does not match its creator');
  }
  checkRun(manifest, crypto);
  return { runId, manifest, bytes };
}

function checkRun(manifest: RunManifest, crypto: Crypto): void {
  const impossible = impossibleCombination(manifest);
  const problem = impossible
    ? `${impossible.path.join('.')}: ${impossible.message}`
    : (missingRoster(manifest) ??
      crowdedKinds(manifest.strategy, manifest, crypto) ??
      wrongFile(manifest.files ?? [], vectorLengths(manifest)));
  if (problem !== null) throw new ManifestError(problem);
}

function vectorLengths({ model }: RunManifest): Parameters<typeof wrongFile>[1] {
  const base = frozenOf(model);
  return { parameters: parameterCount(model), baseParameters: base && parameterCount(base) };
}

/** Number of parameters of the run's model. */
export function modelSize(manifest: RunManifest): number {
  return parameterCount(manifest.model);
}

/** CIDv1 (dag-cbor, sha2-256) of the payload, base32: what people pass around and the DHT is asked for. */
function runIdOf(payload: Uint8Array, crypto: Crypto): string {
  return CID.createV1(dagCbor.code, Digest.create(SHA2_256, crypto.sha256(payload))).toString();
}

function splitEnvelope(bytes: Uint8Array): [Uint8Array, Uint8Array] {
  const envelope = decodeOrThrow(bytes);
  if (
    !Array.isArray(envelope) ||
    envelope.length !== 2 ||
    !envelope.every((part) => part instanceof Uint8Array)
  ) {
    throw new ManifestError('this is not a run manifest');
  }
  return envelope as [Uint8Array, Uint8Array];
}

function decodeOrThrow(bytes: Uint8Array): unknown {
  const value = decodeCanonical(bytes, itemsMax);
  if (value === undefined) {
    throw new ManifestError('this is not a run manifest: it is no canonical DAG-CBOR');
  }
  return value;
}
