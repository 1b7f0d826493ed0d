/** The board of an arena from an archive alone, and with the files of its submissions and shards every score again. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Board, boardOf, inSubmissionOrder } from '../entries/arena/board.ts';
import type { RevealState } from '../entries/arena/holder-kinds.ts';
import { notHad, sameScores } from '../entries/arena/scores.ts';
import { recordState } from '../entries/record-kind.ts';
import { type SubmissionFile, scoreSubmissions } from '../learning/tfjs/submission-scores.ts';
import { NodeError } from '../node/node-error.ts';
import { blobIdOf } from '../platform/node/blob-file.ts';
import { createCrypto } from '../platform/node/crypto.ts';
import { type ArchiveSummary, readLog } from './log-archive.ts';

export interface CheckedHolder {
  readonly holder: string;
  /** Null where its shard or all submissions are not among the files, or nothing was revealed. */
  readonly isRight: boolean | null;
  /** Submissions whose files are here and of which it revealed that it could not have them: a slow line, or a lie. */
  readonly notHad: number;
  /** Submissions whose files are there: what is said of others cannot be held against anything. */
  readonly counted: number;
}

interface MissingFile {
  readonly what: string;
  readonly root: string;
  /** A file of that name is there, and its content is not of this root. */
  readonly isOther: boolean;
}

export interface CheckedArena {
  readonly summary: ArchiveSummary;
  readonly board: Board;
  readonly checked: readonly CheckedHolder[];
  readonly missing: readonly MissingFile[];
}

/** `files`: folder of files named by their roots; null: no score is counted again. @throws as `readLog`; NodeError for a log that is no arena's */
export async function checkArena(
  place: string,
  run: string,
  files: string | null,
  signal?: AbortSignal,
): Promise<CheckedArena> {
  if (files !== null) await checkFolder(files);
  let stateOf: (kind: string) => unknown = () => undefined;
  let ids: readonly string[] = [];
  const take = (state: { readonly kinds: readonly unknown[] }): void => {
    const states = [...state.kinds];
    stateOf = (kind) => states[ids.indexOf(kind)];
  };
  const summary = await readLog(place, run, {
    signal,
    opened: async (_signed, { kinds }) => {
      ids = kinds.map(({ id }) => id);
    },
    // An archive may begin where all is over already.
    onStart: take,
    onRound: take,
  });
  const board = boardOf(stateOf);
  if (board === null) throw new NodeError('NO_BLOBS', `run ${summary.runId} is no arena`);
  const reveals = recordState<RevealState>(stateOf('reveal'))?.reveals ?? [];
  if (files === null) return { summary, board, checked: [], missing: [] };
  const missing: MissingFile[] = [];
  const found = async (what: string, root: string, bytes: number): Promise<string | null> => {
    const { file, isOther } = await fileOf(files, root, bytes);
    if (file === null) missing.push({ what, root, isOther });
    return file;
  };
  const submissions: SubmissionFile[] = [];
  for (const { entry, name, root, bytes } of inSubmissionOrder(board))
    submissions.push({ entry, file: await found(`submission ${name}`, root, bytes) });
  const counted = submissions.filter(({ file }) => file !== null).length;
  const checked: CheckedHolder[] = [];
  for (const { holder, root, bytes, examples, hasRevealed } of board.holders) {
    const shard = hasRevealed ? await found(`the shard of ${holder}`, root, bytes) : null;
    if (shard === null || counted === 0) {
      checked.push({ holder, isRight: null, notHad: 0, counted: 0 });
      continue;
    }
    const again = await scoreSubmissions(
      { bytes: await readFile(shard), examples },
      submissions,
      board.limits,
    );
    const { rows } = reveals.find((one) => one.holder === holder)!;
    checked.push({ holder, isRight: sameScores(again, rows), notHad: notHad(again, rows), counted });
  }
  return { summary, board, checked, missing };
}

async function checkFolder(files: string): Promise<void> {
  if ((await stat(files)).isDirectory()) return;
  throw Object.assign(new Error(files), { code: 'ENOTDIR', path: files });
}

/** Null where it is not there, or another one. */
async function fileOf(
  folder: string,
  root: string,
  bytes: number,
): Promise<{ readonly file: string | null; readonly isOther: boolean }> {
  const path = join(folder, root);
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) return { file: null, isOther: false };
  const isRight = found.size === bytes && (await blobIdOf(path, createCrypto())).root === root;
  return { file: isRight ? path : null, isOther: !isRight };
}
