/** Run manifests on disk, and how a new one is made. */
import { blobRoot } from '../../content/blob.ts';
import { bytesToHex } from '../../core/bytes.ts';
import type { Crypto, Signer } from '../../core/crypto.ts';
import { littleEndianBytes, startHash, vectorHash } from '../../learning/initial.ts';
import { writeFileAtomically } from '../../platform/node/atomic-file.ts';
import { readAtMost } from '../../platform/node/read-at-most.ts';
import {
  ManifestError,
  manifestBytesMax,
  openManifest,
  type SignedManifest,
  signManifest,
} from '../../run/manifest.ts';
import type { RunFile, RunVectors } from '../../run/run-files.ts';
import type { RunSpec } from '../../run/run-spec.ts';
import { secretHash } from '../../run/secret-hash.ts';

/**
 * Signs a run that begins at `startAtMs` (Unix time), with the hash of the start vector every peer must build, or be given where it is
 * among the `vectors`, which are files of the run.
 * @param secret 32 bytes by which alone it is found; null for a run that everybody can find
 * @throws ManifestError
 */
export function createRun(
  spec: RunSpec,
  startAtMs: number,
  crypto: Crypto,
  signer: Signer,
  vectors: RunVectors = {},
  secret: Uint8Array | null = null,
): SignedManifest {
  const { start } = vectors;
  const initHash = start === undefined ? startHash(spec.model, spec.seed) : vectorHash(start);
  const files = Object.entries(vectors).map(([name, vector]): RunFile => {
    const bytes = littleEndianBytes(vector);
    return { name, root: bytesToHex(blobRoot(crypto, bytes)), bytes: bytes.length };
  });
  const named = files.length === 0 ? {} : { files };
  const hidden = secret === null ? {} : { secretHash: secretHash(secret, crypto) };
  return signManifest({ ...spec, startAtMs, initHash, ...named, ...hidden }, crypto, signer);
}

/** Where a file of the run lies beside its manifest. */
export function besideManifest(manifestPath: string, name: string): string {
  return `${manifestPath}.${name}`;
}

/**
 * Reads and verifies a manifest, of which no more is read than one can have.
 * @throws ManifestError where it is none, is forged or is another run's; system errors where it cannot be read.
 */
export async function readManifestFile(
  path: string,
  crypto: Crypto,
  expectedRunId?: string,
): Promise<SignedManifest> {
  try {
    const bytes = await readAtMost(path, manifestBytesMax);
    if (bytes === null)
      throw new ManifestError(`this has more than the ${manifestBytesMax} bytes of a manifest: another file`);
    return openManifest(new Uint8Array(bytes), crypto, expectedRunId);
  } catch (error) {
    if (error instanceof ManifestError)
      throw new ManifestError(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}

/**
 * Writes the manifest whole or not at all, and before it the vectors that it names, beside it; files of these names are replaced.
 */
export async function writeManifestFile(
  path: string,
  manifest: SignedManifest,
  vectors: RunVectors = {},
): Promise<void> {
  for (const [name, vector] of Object.entries(vectors)) {
    await writeFileAtomically(besideManifest(path, name), [littleEndianBytes(vector)]);
  }
  await writeFileAtomically(path, [manifest.bytes]);
}
