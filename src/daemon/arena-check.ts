/** The board of an arena from an archive alone, and with the files of its submissions and shards every score again. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Board, boardOf } from '../entries/arena/board.ts';
import type { RevealState } from '../entries/arena/holder-kinds.ts';
import type { ScoreRow } from '../entries/arena/scores.ts';
import { recordState } from '../entries/record-kind.ts';
import { vectorOfFile } from '../learning/initial.ts';
import { scoreSubmissions } from '../learning/tfjs/submission-scores.ts';
import { NodeError } from '../node/node-error.ts';
import { blobIdOf } from '../platform/node/blob-file.ts';
import { createCrypto } from '../platform/node/crypto.ts';
import { type ArchiveSummary, readLog } from './log-archive.ts';

export interface CheckedHolder {
  readonly holder: string;
  /** Null where its shard is not among the files, or nothing was revealed. */
  readonly isRight: boolean | null;
}

export interface CheckedArena {
  readonly summary: ArchiveSummary;
  readonly board: Board;
  readonly checked: readonly CheckedHolder[];
}

/** `files`: folder of files named by their roots; null: no score is counted again. @throws as `readLog`; NodeError for a log that is no arena's */
export async function checkArena(place: string, run: string, files: string | null): Promise<CheckedArena> {
  let stateOf: (kind: string) => unknown = () => undefined;
  let ids: readonly string[] = [];
  const summary = await readLog(place, run, {
    opened: async (_signed, { kinds }) => {
      ids = kinds.map(({ id }) => id);
    },
    onRound(state) {
      const states = [...state.kinds];
      stateOf = (kind) => states[ids.indexOf(kind)];
    },
  });
  const board = boardOf(stateOf);
  if (board === null) throw new NodeError('NO_BLOBS', `run ${summary.runId} is no arena`);
  const reveals = recordState<RevealState>(stateOf('reveal'))?.reveals ?? [];
  const checked: CheckedHolder[] = [];
  for (const { holder, root, bytes, examples } of files === null ? [] : board.holders) {
    const revealed = reveals.find((one) => one.holder === holder);
    const shard = await fileOf(files!, root, bytes);
    if (revealed === undefined || shard === null) {
      checked.push({ holder, isRight: null });
      continue;
    }
    const again = await scoresOn(await readFile(shard), examples, board, files!);
    checked.push({ holder, isRight: sameScores(again, revealed.rows) });
  }
  return { summary, board, checked };
}

async function scoresOn(
  shard: Uint8Array,
  examples: number,
  board: Board,
  files: string,
): Promise<readonly ScoreRow[]> {
  const submissions = await Promise.all(
    inOrder(board).map(async ({ entry, root, bytes }) => ({ entry, file: await fileOf(files, root, bytes) })),
  );
  return scoreSubmissions(vectorOfFile(shard.slice()), examples, submissions);
}

/** Of submission: what is a near copy of what follows from it. */
export function inOrder({ rows }: Pick<Board, 'rows'>): Board['rows'] {
  return [...rows].sort((a, b) => a.order - b.order);
}

/** What cannot be had here says nothing about who had it. */
export function sameScores(again: readonly ScoreRow[], revealed: readonly ScoreRow[]): boolean {
  const said = new Map(revealed.map((row) => [row.submission, row]));
  return again.every((row) => {
    const other = said.get(row.submission);
    return row.verdict === 'not-had' || (other?.verdict === row.verdict && other.right === row.right);
  });
}

/** Null where it is not there, or another one. */
async function fileOf(folder: string, root: string, bytes: number): Promise<string | null> {
  const path = join(folder, root);
  const found = await stat(path).catch(() => null);
  if (!found?.isFile() || found.size !== bytes) return null;
  return (await blobIdOf(path, createCrypto())).root === root ? path : null;
}
