/** What is where in a testnet's directory, and the file by which another terminal finds its processes. */

import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { parseJson } from '../core/parse-json.ts';
import { MODEL_FILE, RUNS_FOLDER } from '../daemon/directory.ts';
import { readLastView } from '../daemon/last-view.ts';
import { LOG_LEVELS } from '../daemon/options.ts';
import { writeFileAtomically } from '../platform/node/atomic-file.ts';
import { makeDirectory } from '../platform/node/make-directory.ts';
import { isRunning } from '../platform/node/process-identity.ts';
import { readAtMostIfAny } from '../platform/node/read-at-most.ts';
import { shellWord } from '../platform/node/shell-word.ts';
import { BACKEND_CHOICES } from '../tensor/backend-choices.ts';
import { removeLines, shapeSchema } from './lines.ts';
import { TestnetError } from './testnet-error.ts';

/** More processes than this on one machine are a typing error. */
const processesMax = 512;

const memberSchema = z.object({
  name: z.string().regex(/^(node|bootstrap)-\d+$/),
  role: z.enum(['node', 'bootstrap']),
  directory: z.string(),
  /** 0: never started. */
  pid: z.int().min(0),
  startTime: z.string().nullable(),
  /** Of a node: what it trains on. Left out by older versions. */
  data: z.string().optional(),
  /** Of a node that `testnet init` wrote: its file of settings. */
  config: z.string().optional(),
  /** Of such a bootstrap: where it listens, which its nodes know. */
  listen: z.string().optional(),
});
/** One process of the testnet. */
export type Member = z.infer<typeof memberSchema>;

/** The process of a member that was written and not started yet. */
export const notStarted = { pid: 0, startTime: null } as const;

/** Written by `testnet init`, and nothing of it was ever started. */
export function isUntouched({ members }: Pick<TestnetState, 'members'>): boolean {
  return members.length > 0 && members.every(({ pid }) => pid === notStarted.pid);
}

const stateSchema = z.object({
  version: z.literal(1),
  runId: z.string().nullable(),
  name: z.string(),
  createdAtMs: z.number(),
  startAtMs: z.number().nullable(),
  rounds: z.int(),
  slotMs: z.int(),
  /** Rounds the log stays open after the last one. */
  windowRounds: z.int(),
  /** With which nodes are started again; left out by older versions. */
  backend: z.enum(BACKEND_CHOICES).optional(),
  logLevel: z.enum(LOG_LEVELS).optional(),
  /** Whether a trainer trains at its nodes. Which one is not here: a folder that somebody hands over must not name a command. */
  hasTrainer: z.boolean().optional(),
  /** Of the lines of its members, each in a namespace of its own; left out: they share this machine. */
  shape: shapeSchema.optional(),
  members: z.array(memberSchema).max(2 * processesMax),
});
export type TestnetState = z.infer<typeof stateSchema>;

export const STATE_FILE = 'testnet.json';
const stateBytesMax = 1 << 20;

export function memberIndex({ name }: Member): number {
  return Number(name.slice(name.indexOf('-') + 1));
}

export function manifestPath(directory: string): string {
  return join(directory, 'run.manifest');
}

export async function writeState(directory: string, state: TestnetState): Promise<void> {
  await writeFileAtomically(join(directory, STATE_FILE), [`${JSON.stringify(state, null, 2)}\n`]);
}

/** @throws TestnetError where the directory holds no testnet or its state cannot be understood. */
export async function readState(directory: string): Promise<TestnetState> {
  const state = await readStateIfAny(directory);
  if (state === null) {
    throw new TestnetError(
      'NO_TESTNET',
      `${directory} holds no testnet; start one with \`starlings testnet up\``,
    );
  }
  return state;
}

/**
 * Makes the directory ready for a new testnet: creates it, or empties it of an old one that no longer runs. What that one learned
 * goes only by `force`.
 * @throws TestnetError where a testnet still runs there, or has learned something, or the directory holds anything else.
 */
export async function claimDirectory(directory: string, { force }: { force: boolean }): Promise<void> {
  makeDirectory(directory);
  const old = await readStateIfAny(directory);
  if (old === null) return;
  const running = old.members.filter(isRunning);
  if (running.length > 0) {
    throw new TestnetError(
      'TESTNET_RUNNING',
      `${directory} holds a testnet with ${running.length} running processes; stop it with ` +
        `\`starlings testnet down --dir ${shellWord(directory)}\` or use another --dir`,
    );
  }
  const kept = force ? null : whatIsKept(directory, old);
  if (kept !== null) {
    throw new TestnetError(
      'TESTNET_KEPT',
      `${directory} holds ${kept}: --force replaces it, \`starlings testnet up --resume --dir ` +
        `${shellWord(directory)}\` starts it again; or use another --dir`,
    );
  }
  if (old.shape) await removeLines(old.shape);
  for (const { name } of old.members) await rm(join(directory, name), { recursive: true, force: true });
  await rm(manifestPath(directory), { force: true });
  await rm(join(directory, STATE_FILE), { force: true });
}

/** A model that a node saved or rounds that it counted, of whatever run, what has begun, or what was written for others to know; null where nothing is worth keeping. */
function whatIsKept(directory: string, state: TestnetState): string | null {
  const { name, runId, startAtMs, members } = state;
  if (isUntouched(state)) return `the keys of the testnet ${name}, which was not started yet`;
  const runs = members.flatMap((member) => {
    const home = join(directory, member.name);
    const folder = join(home, RUNS_FOLDER);
    return existsSync(folder)
      ? readdirSync(folder).map((run) => ({ run, home, folder: join(folder, run) }))
      : [];
  });
  const hasLearned = runs.some(
    ({ run, home, folder }) =>
      existsSync(join(folder, MODEL_FILE)) || (readLastView(home, run)?.countedRounds ?? 0) > 0,
  );
  if (hasLearned) return `what the testnet ${name} learned`;
  const hasBegun = startAtMs !== null && startAtMs <= Date.now() && runs.some(({ run }) => run === runId);
  if (hasBegun) return `the testnet ${name}, which has begun and was stopped before its end`;
  // Others may know its keys and its run already.
  const isWritten = members.some(({ config }) => config !== undefined);
  return isWritten ? `the keys of the testnet ${name}, which \`testnet init\` wrote` : null;
}

export async function readStateIfAny(directory: string): Promise<TestnetState | null> {
  const file = join(directory, STATE_FILE);
  const bytes = await readAtMostIfAny(file, stateBytesMax);
  if (bytes === undefined) return null;
  const parsed = bytes && stateSchema.safeParse(parseJson(bytes.toString('utf8')));
  if (!parsed?.success) {
    throw new TestnetError('BAD_TESTNET_STATE', `${file} is not the state of a testnet; use another --dir`);
  }
  return parsed.data;
}
