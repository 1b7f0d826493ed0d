/**
 * Before a node could take part in several runs, a directory belonged to one: its manifest and model lay at the
 * top and its keys in the store had no prefix. What such a directory holds is moved to where it is looked for now.
 */
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Crypto } from '../core/crypto.ts';
import type { StoreWrite } from '../core/io.ts';
import type { Store } from '../core/ports.ts';
import { readManifestFile } from '../node/files/manifest-file.ts';
import { runPrefix } from '../node/store-view.ts';
import { keepManifest, MANIFEST_FILE, MODEL_FILE, runFolder } from './directory.ts';

/** What a core kept before keys had prefixes. */
const ownPrefixes = ['base/', 'log/', 'self/'];

/** Returns the id of the run that was moved; null where the directory is new or moved already. @throws ManifestError */
export async function moveEarlierLayout(path: string, store: Store, crypto: Crypto): Promise<string | null> {
  const manifestFile = join(path, MANIFEST_FILE);
  if (!existsSync(manifestFile)) return null;
  const run = await readManifestFile(manifestFile, crypto);
  const writes: StoreWrite[] = [];
  for (const prefix of ownPrefixes) {
    for await (const [key, value] of store.entries(prefix)) {
      writes.push({ key: runPrefix(run.runId) + key, value }, { key, value: null });
    }
  }
  if (writes.length > 0) await store.commit(writes, { durable: true });
  await keepManifest(path, run);
  const modelFile = join(path, MODEL_FILE);
  if (existsSync(modelFile)) await rename(modelFile, join(runFolder(path, run.runId), MODEL_FILE));
  // Last: whatever ends us before this, the next start does the rest.
  await rm(manifestFile);
  return run.runId;
}
