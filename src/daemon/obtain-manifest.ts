/** Gets the manifest a node was told to run: from a file, from its own directory, or from any peer. */
import { existsSync } from 'node:fs';
import { CID } from 'multiformats/cid';
import type { Crypto } from '../core/crypto.ts';
import type { Host } from '../network/host.ts';
import { fetchManifest } from '../network/manifest-exchange.ts';
import { readManifestFile, writeManifestFile } from '../node/manifest-file.ts';
import { wallClock } from '../platform/node/wall-clock.ts';
import { openManifest, type SignedManifest } from '../run/manifest.ts';
import type { NodeDirectory } from './directory.ts';

export class RunMismatchError extends Error {
  override readonly name = 'RunMismatchError';
  readonly code = 'ANOTHER_RUN';
}

export type RunReference =
  | { readonly kind: 'held'; readonly manifest: SignedManifest }
  | { readonly kind: 'id'; readonly runId: string };

/**
 * Looks at what `--run` names: a file first, else a run id, whose manifest may be in the directory already.
 * @throws ManifestError, RunMismatchError, system errors
 */
export async function resolveRun(
  run: string,
  directory: NodeDirectory,
  crypto: Crypto,
): Promise<RunReference> {
  const runId = runIdIn(run);
  const kept = existsSync(directory.manifestFile)
    ? await readManifestFile(directory.manifestFile, crypto)
    : null;
  if (runId !== null && !existsSync(run)) {
    refuseOther(directory, kept, runId);
    return kept ? { kind: 'held', manifest: kept } : { kind: 'id', runId };
  }
  const manifest = await readManifestFile(run, crypto);
  refuseOther(directory, kept, manifest.runId);
  if (!kept) await writeManifestFile(directory.manifestFile, manifest);
  return { kind: 'held', manifest };
}

/** Asks the peers for the manifest and keeps it. @throws ManifestUnavailableError when the signal ends the search */
export async function fetchRun(
  runId: string,
  host: Host,
  directory: NodeDirectory,
  crypto: Crypto,
  signal: AbortSignal,
): Promise<SignedManifest> {
  const manifest = await fetchManifest({
    host,
    runId,
    open: (bytes) => openManifest(bytes, crypto, runId),
    clock: wallClock,
    random: Math.random,
    signal,
    onFailure: (provider, reason) => directory.log.warn({ provider, reason }, 'manifest refused'),
  });
  await writeManifestFile(directory.manifestFile, manifest);
  return manifest;
}

function refuseOther(directory: NodeDirectory, kept: SignedManifest | null, runId: string): void {
  if (kept && kept.runId !== runId) {
    throw new RunMismatchError(
      `${directory.path} belongs to run ${kept.runId}, not to ${runId}; use another --dir for another run`,
    );
  }
}

function runIdIn(text: string): string | null {
  try {
    return CID.parse(text).toString();
  } catch {
    return null;
  }
}
