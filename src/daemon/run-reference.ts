/** What a node is told to join: a manifest file, or the id of a run. */
import { existsSync } from 'node:fs';
import { CID } from 'multiformats/cid';
import type { Crypto } from '../core/crypto.ts';
import { readManifestFile } from '../node/manifest-file.ts';
import type { SignedManifest } from '../run/manifest.ts';
import { keepManifest, keptManifest } from './directory.ts';

class RunReferenceError extends Error {
  override readonly name = 'RunReferenceError';
  readonly code = 'NO_SUCH_RUN';
}

/**
 * The manifest that `run` names, kept in the node's directory; the id alone where peers have to be asked for it.
 * A file goes before an id. @throws RunReferenceError, ManifestError, system errors
 */
export async function resolveRun(
  run: string,
  directory: string,
  crypto: Crypto,
): Promise<SignedManifest | string> {
  if (!existsSync(run)) {
    const runId = runIdIn(run);
    if (runId !== null) return (await keptManifest(directory, runId, crypto)) ?? runId;
    throw new RunReferenceError(
      `${run} is neither a file nor a run id; give the manifest or the id that \`starlings run create\` printed`,
    );
  }
  const manifest = await readManifestFile(run, crypto);
  await keepManifest(directory, manifest);
  return manifest;
}

function runIdIn(text: string): string | null {
  try {
    return CID.parse(text).toString();
  } catch {
    return null;
  }
}
