/** What the manifest of a run says before anything is started. */
import type { PeerKey } from '../../core/io.ts';
import { memberTest } from '../../core/membership.ts';
import { readManifestFile } from '../../node/files/manifest-file.ts';
import { createCrypto } from '../../platform/node/crypto.ts';
import { keptManifest } from '../directory.ts';
import { checkRunReference } from '../run-reference.ts';
import { secretBeside } from '../run-secret.ts';
import type { RunPlan } from './facts.ts';

/** The plan is null where only the id is known. `beside`: where the secret of a hidden run may lie. @throws RunReferenceError, ManifestError, system errors */
export async function planOf(
  run: string,
  { directory, key }: { readonly directory: string | null; readonly key: PeerKey | null },
): Promise<{ readonly runId: string; readonly plan: RunPlan | null; readonly beside: string | null }> {
  const runId = checkRunReference(run);
  const crypto = createCrypto();
  const found =
    runId === null
      ? await readManifestFile(run, crypto)
      : directory === null
        ? null
        : await keptManifest(directory, runId, crypto);
  if (found === null) return { runId: runId!, plan: null, beside: null };
  const { startAtMs, rounds, slotMs, membership, secretHash } = found.manifest;
  return {
    runId: found.runId,
    plan: {
      ...{ startAtMs, slotMs, endsAtMs: startAtMs + rounds * slotMs },
      isMember: key === null ? null : memberTest(membership)(key),
      isHidden: secretHash !== undefined,
    },
    beside: runId === null ? secretBeside(run) : null,
  };
}
