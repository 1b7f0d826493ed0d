/** The secret of a hidden run in a node's directory, in a file as that of a key: who has it finds the run and reads along. */
import { join } from 'node:path';
import { bytesToHex } from '../core/bytes.ts';
import type { Crypto } from '../core/crypto.ts';
import { IdentityError } from '../network/errors.ts';
import { keepSecret, readKeyFile } from '../network/identity.ts';
import { besideManifest } from '../node/files/manifest-file.ts';
import type { SignedManifest } from '../run/manifest.ts';
import { secretHash } from '../run/secret-hash.ts';
import { RUNS_FOLDER, runFolder } from './directory.ts';

const secretFile = 'secret';

/** Where `run create --hidden` puts it. */
export function secretBeside(manifestPath: string): string {
  return besideManifest(manifestPath, secretFile);
}

/** Null where the run is not hidden, as far as is known here. @throws IdentityError where others may read it, or the file holds something else */
export function runSecret(directory: string, runId: string): Promise<Uint8Array | null> {
  return readKeyFile(join(directory, RUNS_FOLDER, runId, secretFile));
}

/** @param secret 64 hexadecimal digits. @throws IdentityError where another one is kept already */
export async function keepRunSecret(directory: string, runId: string, secret: string): Promise<void> {
  await keepSecret(join(runFolder(directory, runId), secretFile), secret);
}

/** Takes over the secret that lies beside the manifest of a hidden run. @throws IdentityError where it is that of another one */
export async function keepSecretBeside(
  directory: string,
  { runId, manifest }: SignedManifest,
  { manifestPath, crypto }: { readonly manifestPath: string; readonly crypto: Crypto },
): Promise<void> {
  if (manifest.secretHash === undefined) return;
  const secret = await readKeyFile(secretBeside(manifestPath));
  if (secret === null) return;
  if (secretHash(secret, crypto) !== manifest.secretHash) {
    throw new IdentityError(`${secretBeside(manifestPath)} is the secret of another run than ${runId}`);
  }
  await keepRunSecret(directory, runId, bytesToHex(secret));
}
