/** What a node is told to join: a manifest file, or the id of a run. */
import { existsSync } from 'node:fs';
import * as dagCbor from '@ipld/dag-cbor';
import { CID } from 'multiformats/cid';
import type { Crypto } from '../core/crypto.ts';
import { readManifestFile } from '../node/files/manifest-file.ts';
import { isMeantAsInvitation } from '../node/invitation.ts';
import type { SignedManifest } from '../run/manifest.ts';
import { keepFilesBeside, keepManifest, keptManifest } from './directory.ts';
import { keepSecretBeside } from './run-secret.ts';

const SHA2_256 = 0x12;
/** A CIDv1 of SHA-256 in base32. */
const runIdLength = 59;

class RunReferenceError extends Error {
  override readonly name = 'RunReferenceError';
  readonly code = 'NO_SUCH_RUN';
}

/** The id that `run` is; null where it is a file. @throws RunReferenceError for what is neither */
export function checkRunReference(run: string): string | null {
  if (existsSync(run)) return null;
  const runId = runIdIn(run);
  if (runId !== null) return runId;
  if (isMeantAsInvitation(run)) {
    throw new RunReferenceError(
      'an invitation takes the place of --run and --bootstrap: `starlings join INVITATION --data PATH`',
    );
  }
  throw new RunReferenceError(
    idProblem(run) ??
      `${run} is neither a file nor a run id; give the manifest or the id that \`starlings run create\` printed`,
  );
}

/**
 * The manifest that `run` names, kept in the node's directory; the id alone where peers have to be asked for it.
 * A file goes before an id. @throws RunReferenceError, ManifestError, IdentityError, system errors
 */
export async function resolveRun(
  run: string,
  directory: string,
  crypto: Crypto,
): Promise<SignedManifest | string> {
  const manifest = await findRun(run, directory, crypto);
  if (typeof manifest === 'string' || checkRunReference(run) !== null) return manifest;
  await keepManifest(directory, manifest);
  await keepFilesBeside(directory, manifest, run);
  await keepSecretBeside(directory, manifest, { manifestPath: run, crypto });
  return manifest;
}

/** As `resolveRun`, and nothing is kept. @throws as it */
export async function findRun(
  run: string,
  directory: string,
  crypto: Crypto,
): Promise<SignedManifest | string> {
  const runId = checkRunReference(run);
  if (runId === null) return readManifestFile(run, crypto);
  return (await keptManifest(directory, runId, crypto)) ?? runId;
}

/** Right or mistyped: all others are meant as files. */
export function isMeantAsRunId(text: string): boolean {
  return /^baf[a-z0-9]{8,}$/i.test(text);
}

/** What looks like a run id and is none was mistyped. */
function idProblem(text: string): string | null {
  if (!isMeantAsRunId(text)) return null;
  const problem =
    text.length === runIdLength
      ? 'a character of it is wrong'
      : `it has ${text.length} characters, a run id has ${runIdLength}`;
  return `${text} looks like a run id and is none (${problem}); copy the whole id that \`starlings run create\` printed`;
}

function runIdIn(text: string): string | null {
  try {
    const cid = CID.parse(text);
    return cid.code === dagCbor.code && cid.multihash.code === SHA2_256 ? cid.toString() : null;
  } catch {
    return null;
  }
}
