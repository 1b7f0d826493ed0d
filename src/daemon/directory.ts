/** A node's directory: what is where in it. */
import { existsSync, lstatSync, readdirSync, rmSync, statSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pino, { type Logger } from 'pino';
import type { Crypto } from '../core/crypto.ts';
import { besideManifest, readManifestFile, writeManifestFile } from '../node/files/manifest-file.ts';
import { writeFileAtomically } from '../platform/node/atomic-file.ts';
import { linkOrCopy } from '../platform/node/link-or-copy.ts';
import { makeDirectory } from '../platform/node/make-directory.ts';
import type { SignedManifest } from '../run/manifest.ts';
import { DAEMON_INFO_FILE, type DaemonInfo } from './daemon-info.ts';
import { markStarting } from './daemon-start.ts';
import { openLogFile } from './log-file.ts';
import type { LogLevel } from './options.ts';

export const MODEL_FILE = 'model.safetensors';
export const MANIFEST_FILE = 'run.manifest';
/** Each run has a folder of its own below this one, named by its id. */
export const RUNS_FOLDER = 'runs';
/** The runs that a node has joined by command. */
export const JOINED_FILE = 'node.json';
/** Of a run's folder. */
const FILES_FOLDER = 'files';
export const LOG_FILE = 'log.jsonl';
export const OLDER_LOG_FILE = 'log.1.jsonl';
const KEY_FILE = 'key';
const STORE_FOLDER = 'store';
const CONTENT_FOLDER = 'content';
/** What is written through a link would land in files of others. */
const NEVER_LINKS = [KEY_FILE, LOG_FILE, STORE_FOLDER, CONTENT_FOLDER, RUNS_FOLDER];
/** Whoever may read it may command the node. */
export const TOKEN_FILE = 'control.token';

export interface NodeDirectory {
  readonly path: string;
  readonly storeDirectory: string;
  readonly contentDirectory: string;
  readonly log: Logger;
  announceReady(info: DaemonInfo): Promise<void>;
  /** Keeps the token where only this user can read it. */
  writeToken(token: string): Promise<void>;
  /** Takes away what says that a node runs here, if it is ours, and flushes the log. */
  close(): void;
  /** After `close`: leaves nothing of a node that never ran where there was nothing before, a key that nobody knows among it. */
  discardIfNew(): void;
}

class NodeDirectoryError extends Error {
  override readonly name = 'NodeDirectoryError';
  readonly code = 'LINK_IN_DIRECTORY';
}

/** @throws NodeDirectoryError where it is a link to a file or a folder, be there one or not; links to devices do no harm */
function refuseLink(path: string): void {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  const target = statSync(path, { throwIfNoEntry: false });
  if (target && !target.isFile() && !target.isDirectory()) return;
  throw new NodeDirectoryError(
    `${path} is a link, and a node follows none within its directory: put what it leads to in its place, or link the whole directory`,
  );
}

function isEmptyFolder(path: string): boolean {
  return statSync(path).isDirectory() && readdirSync(path).length === 0;
}

/** Where a node keeps its identity. */
export function keyFileOf(path: string): string {
  return join(path, KEY_FILE);
}

/** The folder of a run in a node's directory, made where it is missing. */
export function runFolder(path: string, runId: string): string {
  const folder = join(path, RUNS_FOLDER, runId);
  refuseLink(folder);
  makeDirectory(folder);
  return folder;
}

/** Where `starlings join` keeps the key of the private network that it was invited to. */
export function networkKeyOf(path: string): string {
  return join(path, 'network.key');
}

/** Whether a bootstrap ran there last, as far as it can be told: it has a store for its lock alone. */
export function isOfBootstrap(path: string): boolean {
  const isThere = (name: string): boolean => existsSync(join(path, name));
  return isThere(STORE_FOLDER) && ![RUNS_FOLDER, CONTENT_FOLDER, JOINED_FILE].some(isThere);
}

export async function keepManifest(path: string, run: SignedManifest): Promise<void> {
  await writeManifestFile(join(runFolder(path, run.runId), MANIFEST_FILE), run);
}

/** Where the files of a run are kept, each under its root. */
export function filesFolder(path: string, runId: string): string {
  return join(path, RUNS_FOLDER, runId, FILES_FOLDER);
}

/** Takes over the files of the run that lie beside its manifest. What they hold is checked when the run begins. */
export async function keepFilesBeside(
  path: string,
  run: SignedManifest,
  manifestPath: string,
): Promise<void> {
  const folder = filesFolder(path, run.runId);
  for (const { name, root, bytes } of run.manifest.files ?? []) {
    const beside = besideManifest(manifestPath, name);
    const [there, kept] = [beside, join(folder, root)].map((file) =>
      statSync(file, { throwIfNoEntry: false }),
    );
    if (!there?.isFile() || there.size !== bytes || kept?.size === bytes) continue;
    makeDirectory(folder);
    await linkOrCopy(beside, join(folder, root));
  }
}

/** What to name in place of the directory of a testnet; null where it has none of a node. */
export function nodesIn(path: string): string | null {
  const names = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(path).sort() : [];
  const node = names.find((name) => existsSync(join(path, name, RUNS_FOLDER)));
  return node === undefined ? null : `it holds directories of nodes: name one of them, ${join(path, node)}`;
}

/** The manifest of a run that this node took part in before; null where it did not. @throws ManifestError */
export async function keptManifest(
  path: string,
  runId: string,
  crypto: Crypto,
): Promise<SignedManifest | null> {
  const file = join(path, RUNS_FOLDER, runId, MANIFEST_FILE);
  return existsSync(file) ? readManifestFile(file, crypto, runId) : null;
}

/**
 * Creates what is missing. Where the log cannot be written any more, `tell` hears it once and the node does without.
 * @throws system errors with the path where it may not be written, NodeDirectoryError
 */
export function openNodeDirectory(
  path: string,
  logLevel: LogLevel,
  tell: (sentence: string) => void,
): NodeDirectory {
  const wasThere = existsSync(path);
  const wasEmpty = !wasThere || isEmptyFolder(path);
  // The log of a closed run and what is left of our own updates are nobody else's to read.
  makeDirectory(path, 0o700);
  for (const name of NEVER_LINKS) refuseLink(join(path, name));
  const takeMarkBack = markStarting(path);
  const file = join(path, LOG_FILE);
  const logFile = openLogFile({
    file,
    older: join(path, OLDER_LOG_FILE),
    onLost(error) {
      // Nobody reads what is not written: without this the lines would gather in memory.
      log.level = 'silent';
      tell(`${file} cannot be written (${error.message}): the node goes on without its log`);
    },
  });
  const log = pino(
    { level: logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    logFile.destination,
  );
  /** What a second node that is refused here must leave alone. */
  const ours = new Set<string>();
  return {
    path,
    storeDirectory: join(path, STORE_FOLDER),
    contentDirectory: join(path, CONTENT_FOLDER),
    log,
    async announceReady(info) {
      const file = join(path, DAEMON_INFO_FILE);
      await writeFileAtomically(file, [`${JSON.stringify(info, null, 2)}\n`]);
      ours.add(file);
      takeMarkBack();
    },
    async writeToken(token) {
      const file = join(path, TOKEN_FILE);
      rmSync(file, { force: true });
      await writeFile(file, `${token}\n`, { mode: 0o600, flag: 'wx' });
      // The umask only takes away.
      await chmod(file, 0o600);
      ours.add(file);
    },
    close() {
      takeMarkBack();
      for (const file of ours) rmSync(file, { force: true });
      logFile.close();
    },
    discardIfNew() {
      if (!wasEmpty) return;
      if (wasThere) for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true });
      else rmSync(path, { recursive: true, force: true });
    },
  };
}
