/** The holder of a hidden shard, through the phases of an arena: it asks its node how far things are, and does what is due. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as passed } from 'node:timers/promises';
import * as z from 'zod';
import { reasonOf } from '../../core/as-error.ts';
import { inOrder, sameScores } from '../../daemon/arena-check.ts';
import { commandNode, type NodeTarget } from '../../daemon/connect.ts';
import type { Board } from '../../entries/arena/board.ts';
import { commitmentOf, type RevealBody, type ScoreRow } from '../../entries/arena/scores.ts';
import { vectorOfFile } from '../../learning/initial.ts';
import { scoreSubmissions } from '../../learning/tfjs/submission-scores.ts';
import { blobIdOf } from '../../platform/node/blob-file.ts';
import { createCrypto } from '../../platform/node/crypto.ts';
import { DataShapeError } from '../../tasks/datasets/data-error.ts';

export interface ArenaHolderOptions {
  readonly target: NodeTarget;
  /** The arena, where the node has several runs. */
  readonly run: string | undefined;
  /** File of the shard. */
  readonly shard: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

interface Seen extends Board {
  readonly round: number;
  readonly finalisedRound: number;
}

const nodeSchema = z.object({ node: z.object({ peerKey: z.string() }) });

const lookEveryMs = 250;
/** For a file of another; what is not there by then is not had. */
const fetchSeconds = 20;

export class ArenaHolder {
  readonly #options: ArenaHolderOptions;

  constructor(options: ArenaHolderOptions) {
    this.#options = options;
  }

  /** Resolves when the others are counted again. @throws DataShapeError where the shard is none of the arena's; the signal's reason */
  async judge(): Promise<{ readonly disagrees: readonly string[] }> {
    const { say, shard: file } = this.#options;
    const { root } = await blobIdOf(file, createCrypto());
    const first = await this.#board();
    const own = first.holders.find((one) => one.root === root);
    if (own === undefined) throw new DataShapeError(`${file} is no shard of this arena`);
    const { node } = nodeSchema.parse(await this.#ask('status', {}));
    if (node.peerKey !== own.holder)
      throw new DataShapeError(`${file} is the shard of another holder, ${own.holder}`);
    const [submissions = 0, commits = 0, reveals = 0] = first.untilRounds;
    const closed = await this.#when(({ finalisedRound }) => finalisedRound >= submissions);
    const rows = await this.#scores(closed, await readFile(file), own.examples);
    const reveal: RevealBody = { salt: randomBytes(32).toString('hex'), rows };
    say(`scored    ${rows.length} submissions`);
    await this.#write('commit', { hash: commitmentOf(createCrypto(), own.holder, reveal) });
    say('committed');
    await this.#when(({ round }) => round > commits);
    await this.#write('reveal', reveal);
    // Now everybody may have it.
    await this.#ask('offer', { file });
    say('revealed');
    const shown = await this.#when(({ finalisedRound }) => finalisedRound >= reveals);
    const disagrees: string[] = [];
    for (const { holder, ...shard } of shown.holders) {
      if (holder === own.holder || !shard.hasRevealed) continue;
      const agrees = await this.#countAgain(shown, { holder, ...shard });
      if (agrees === null) continue;
      if (!agrees) disagrees.push(holder);
      await this.#write('recount', { holder, agrees });
      say(`counted   ${holder.slice(0, 16)} again: ${agrees ? 'the same' : 'NOT THE SAME'}`);
    }
    return { disagrees };
  }

  /** Null where its shard is not to be had: then nothing can be said. */
  async #countAgain(
    board: Board,
    { holder, root, bytes, examples }: Board['holders'][number],
  ): Promise<boolean | null> {
    const file = await this.#fetched(root, bytes);
    if (file === null) return null;
    const again = await this.#scores(board, await readFile(file), examples);
    const { rows } = await this.#ask('revealed', { holder });
    return sameScores(again, rows as readonly ScoreRow[]);
  }

  async #scores(board: Board, shard: Uint8Array, examples: number): Promise<ScoreRow[]> {
    const submissions = [];
    for (const { entry, root, bytes } of inOrder(board)) {
      submissions.push({ entry, file: await this.#fetched(root, bytes) });
    }
    return scoreSubmissions(
      vectorOfFile(Uint8Array.from(shard)),
      examples,
      submissions,
      this.#options.signal,
    );
  }

  async #fetched(root: string, bytes: number): Promise<string | null> {
    try {
      return String((await this.#ask('fetch', { root, bytes, seconds: fetchSeconds }))['file']);
    } catch (error) {
      this.#options.signal.throwIfAborted();
      this.#options.say(`trouble   ${reasonOf(error)}`);
      return null;
    }
  }

  async #when(isDue: (seen: Seen) => boolean): Promise<Seen> {
    for (;;) {
      const seen = await this.#board();
      if (isDue(seen)) return seen;
      await passed(lookEveryMs, undefined, { signal: this.#options.signal });
    }
  }

  async #board(): Promise<Seen> {
    return (await this.#ask('board', {})) as unknown as Seen;
  }

  /** Bodies go by a file: they may be larger than what a command takes. */
  async #write(kind: string, body: object): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'starlings-arena-'));
    try {
      const file = join(folder, `${kind}.json`);
      await writeFile(file, JSON.stringify(body), { mode: 0o600 });
      await this.#ask('write', { kind, file });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  #ask(id: string, input: Readonly<Record<string, unknown>>) {
    const { target, run, signal } = this.#options;
    return commandNode(target, id, { ...input, ...(run === undefined ? {} : { run }) }, signal);
  }
}
