/** What a node knows a hidden run by: its secret, and once the manifest is here, who its members are. */
import type { Crypto } from '../core/crypto.ts';
import { memberTest } from '../core/membership.ts';
import { HiddenRun } from '../network/hidden-run.ts';
import type { SignedManifest } from '../run/manifest.ts';
import { secretHash } from '../run/secret-hash.ts';
import { NodeError } from './node-error.ts';

/** Before there is a manifest: with a secret the run is looked for by it and by nothing else. */
export function hiddenById(runId: string, secret: Uint8Array | undefined): HiddenRun | undefined {
  return secret && new HiddenRun(runId, secret);
}

/** Undefined where everybody may see the run. @throws NodeError NO_SECRET where the secret is missing, or is that of another run */
export function hiddenByManifest(
  { runId, manifest }: SignedManifest,
  secret: Uint8Array | undefined,
  crypto: Crypto,
): HiddenRun | undefined {
  const wanted = manifest.secretHash;
  if (wanted === undefined) {
    if (secret === undefined) return undefined;
    throw new NodeError(
      'NO_SECRET',
      `run ${runId} is not hidden, and a secret of it was given: whoever told you so meant another run`,
    );
  }
  if (secret === undefined) {
    const how =
      'join it by an invitation, or put the file with its secret beside the manifest (MANIFEST.secret)';
    throw new NodeError('NO_SECRET', `run ${runId} is hidden, and its secret is not here: ${how}`);
  }
  if (secretHash(secret, crypto) !== wanted) {
    throw new NodeError(
      'NO_SECRET',
      `the secret that was given is not that of run ${runId}: ask for another invitation`,
    );
  }
  return new HiddenRun(runId, secret, memberTest(manifest.membership));
}
