/** The holder of a hidden shard, through the phases of an arena: it asks its node how far things are, and does what is due. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as passed } from 'node:timers/promises';
import { reasonOf } from '../../../core/as-error.ts';
import { commandNode, type NodeTarget } from '../../../daemon/connect.ts';
import type { Shard } from '../../../entries/arena/arena-rules.ts';
import { type Board, type HolderWords, inSubmissionOrder } from '../../../entries/arena/board.ts';
import {
  commitmentOf,
  notHad,
  type RevealBody,
  type ScoreRow,
  sameScores,
} from '../../../entries/arena/scores.ts';
import {
  examplesOfShard,
  type HeldShard,
  type SubmissionFile,
  scoreSubmissions,
} from '../../../learning/tfjs/submission-scores.ts';
import { amount } from '../../../node/words/amount.ts';
import { blobIdOf } from '../../../platform/node/blob-file.ts';
import { createCrypto } from '../../../platform/node/crypto.ts';
import { DataShapeError } from '../../../tasks/datasets/data-error.ts';
import { lackingText } from '../../view/arena-lines.ts';
import { whenItCan } from '../in-turn.ts';
import { throughFile } from '../written-entry.ts';
import { KeptReveal } from './kept-reveal.ts';

export interface ArenaHolderOptions {
  readonly target: NodeTarget;
  /** The arena, where the node has several runs. */
  readonly run: string | undefined;
  /** File of the shard. */
  readonly shard: string;
  /** For a file of another; what is not there by then is not had. */
  readonly fetchSeconds: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

interface Seen extends Board {
  readonly runId: string;
  readonly round: number;
  readonly finalisedRound: number;
  /** What the node has said, final or not; null where it holds no shard. */
  readonly own: HolderWords | null;
}

export interface Judged {
  /** Holders that have revealed something else than what is counted on their shards. */
  readonly disagrees: readonly string[];
  readonly hasRevealed: boolean;
}

const lookEveryMs = 250;
/** Files that are asked for at a time. */
const fetchesMax = 8;

export class ArenaHolder {
  readonly #options: ArenaHolderOptions;
  /** By root: what was not to be had is not looked for again on each shard. */
  readonly #files = new Map<string, Promise<string | null>>();

  constructor(options: ArenaHolderOptions) {
    this.#options = options;
  }

  /**
   * Resolves when all that it has said is final. Who is stopped goes on where he was. @throws DataShapeError where the shard is none of the
   * node's; DataFileError where what it keeps is no reveal; CommandRefusedError with the node's own sentence; the signal's reason
   */
  async judge(): Promise<Judged> {
    const first = await this.#board();
    const shard = await this.#ownShard(first);
    const { runId, untilRounds } = first;
    const [submissions = 0, , reveals = 0, recounts = 0] = untilRounds;
    const kept = KeptReveal.at(this.#options.target, runId, { file: this.#options.shard, root: shard.root });
    const closed = await this.#when(
      `until round ${submissions} is final, the last for submissions`,
      ({ finalisedRound }) => finalisedRound >= submissions,
    );
    await this.#reveal(closed, shard, kept);
    const shown = await this.#when(
      `until round ${reveals} is final, the last for reveals`,
      ({ finalisedRound }) => finalisedRound >= reveals,
    );
    const isShown = (seen: Seen): boolean =>
      seen.holders.some(({ holder, hasRevealed }) => holder === shard.holder && hasRevealed);
    if (isShown(shown)) await kept.remove();
    const { disagrees, said } = await this.#countOthers(shown, shard.holder);
    await this.#when(
      'until what it said of the others is final',
      ({ finalisedRound, holders }) =>
        finalisedRound >= recounts ||
        holders.every(({ holder, countedBy }) => !said.includes(holder) || countedBy.includes(shard.holder)),
    );
    return { disagrees, hasRevealed: isShown(shown) };
  }

  /** What the manifest says of the file. @throws DataShapeError */
  async #ownShard({ holders, own, runId }: Seen): Promise<Board['holders'][number]> {
    const { shard: file } = this.#options;
    const { root, bytes } = await blobIdOf(file, createCrypto());
    if (own === null) {
      throw new DataShapeError(
        `this node holds no shard of arena ${runId}: name the one that does with --dir, or the arena with --run`,
      );
    }
    const found = holders.filter((one) => one.root === root);
    const mine = found.find(({ holder }) => holder === own.holder);
    const [other] = found;
    if (mine === undefined && other !== undefined) {
      throw new DataShapeError(
        `${file} is the shard of holder ${other.holder}, and this node is ${own.holder}: name its own shard, or the node that holds this one with --dir`,
      );
    }
    if (mine === undefined) {
      const { root: wanted } = holders.find(({ holder }) => holder === own.holder)!;
      throw new DataShapeError(
        `${file} is no shard of arena ${runId}: its Merkle root is ${root}, that of this node's shard ${wanted}`,
      );
    }
    if (bytes !== mine.bytes || examplesOfShard(await readFile(file), mine.examples) === null) {
      throw new DataShapeError(
        `${file} is no shard of ${mine.examples} examples in ${mine.bytes} bytes, as arena ${runId} has it`,
      );
    }
    return mine;
  }

  /** Commits and reveals, as far as that is not done and there is time. */
  async #reveal(closed: Seen, shard: Shard, kept: KeptReveal): Promise<void> {
    const { say, shard: file } = this.#options;
    const [, commits = 0] = closed.untilRounds;
    if (closed.own?.hasRevealed !== true) {
      const reveal = await this.#committed(closed, shard, kept);
      if (reveal === null) return;
      await this.#when(
        `until round ${commits} is over, the last for commitments`,
        ({ round }) => round > commits,
      );
      await this.#write('reveal', reveal, (own) => own.hasRevealed);
    }
    // Now everybody may have it.
    await this.#ask('offer', { file: resolve(file) });
    say('revealed');
  }

  /** What it has committed to; null where there is nothing that it could reveal. */
  async #committed(closed: Seen, shard: Shard, kept: KeptReveal): Promise<RevealBody | null> {
    const { say, shard: file } = this.#options;
    const crypto = createCrypto();
    const [, commits = 0] = closed.untilRounds;
    const earlier = await kept.read();
    const promised = closed.own?.commit ?? null;
    if (promised !== null) {
      if (earlier !== null && commitmentOf(crypto, shard.holder, earlier) === promised) {
        say(`goes on   with what it has committed to (${kept.file})`);
        return earlier;
      }
      say(
        `trouble   what this node has committed to is not in ${kept.file}: it cannot be revealed, and others are counted again all the same`,
      );
      return null;
    }
    if (closed.round > commits) {
      say('trouble   the rounds to commit are over: this shard does not count');
      return null;
    }
    // Kept before anybody hears of it: without its salt nothing can be revealed.
    const reveal =
      earlier ??
      (await kept.keep({
        salt: randomBytes(32).toString('hex'),
        rows: await this.#scores(closed, { bytes: await readFile(file), examples: shard.examples }),
      }));
    say(`scored    ${amount(reveal.rows.length, 'submission')}`);
    const hash = commitmentOf(crypto, shard.holder, reveal);
    await this.#write('commit', { hash }, ({ commit }) => commit === hash);
    say('committed');
    return reveal;
  }

  async #countOthers(
    shown: Seen,
    self: string,
  ): Promise<{ readonly disagrees: readonly string[]; readonly said: readonly string[] }> {
    const disagrees: string[] = [];
    const said: string[] = [];
    for (const { holder, ...shard } of shown.holders) {
      if (holder === self || !shard.hasRevealed) continue;
      const again = await this.#countAgain(shown, { holder, ...shard });
      if (again === null) continue;
      const { agrees, lacking } = again;
      if (!agrees) disagrees.push(holder);
      said.push(holder);
      await this.#write('recount', { holder, agrees }, ({ recounted }) => recounted.includes(holder));
      this.#options.say(
        `counted   ${holder.slice(0, 16)} again: ${agrees ? 'the same' : 'NOT THE SAME'}${lackingText(lacking)}`,
      );
    }
    return { disagrees, said };
  }

  /** Null where its shard is not to be had: then nothing can be said. */
  async #countAgain(board: Board, { holder, root, bytes, examples }: Shard) {
    const file = await this.#fetched(`the shard of ${holder.slice(0, 16)}`, root, bytes);
    if (file === null) return null;
    const again = await this.#scores(board, { bytes: await readFile(file), examples });
    const { rows } = await this.#ask('revealed', { holder });
    const revealed = rows as readonly ScoreRow[];
    return { agrees: sameScores(again, revealed), lacking: notHad(again, revealed) };
  }

  async #scores(board: Board, shard: HeldShard): Promise<ScoreRow[]> {
    const submitted = inSubmissionOrder(board);
    const submissions: SubmissionFile[] = [];
    while (submissions.length < submitted.length) {
      const next = submitted.slice(submissions.length, submissions.length + fetchesMax);
      const had = next.map(async ({ entry, name, root, bytes }) => {
        const file = this.#files.get(root) ?? this.#fetched(`submission ${name}`, root, bytes);
        this.#files.set(root, file);
        return { entry, file: await file };
      });
      submissions.push(...(await Promise.all(had)));
    }
    return scoreSubmissions(shard, submissions, board.limits, this.#options.signal);
  }

  async #fetched(what: string, root: string, bytes: number): Promise<string | null> {
    try {
      return String((await this.#ask('fetch', { root, bytes, seconds: this.#options.fetchSeconds }))['file']);
    } catch (error) {
      this.#options.signal.throwIfAborted();
      this.#options.say(`trouble   no file of ${what}: ${reasonOf(error)}`);
      return null;
    }
  }

  /** What it waits for is said, for it may take days. */
  async #when(until: string, isDue: (seen: Seen) => boolean): Promise<Seen> {
    for (let isFirst = true; ; isFirst = false) {
      const seen = await this.#board();
      if (isDue(seen)) return seen;
      if (isFirst) this.#options.say(`waits     ${until}; now it is round ${seen.round}`);
      await passed(lookEveryMs, undefined, { signal: this.#options.signal });
    }
  }

  async #board(): Promise<Seen> {
    return (await this.#ask('board', {})) as unknown as Seen;
  }

  /** What is said already, by this command before it was stopped or by another one, is not said twice. */
  async #write(kind: string, body: object, isSaid: (own: HolderWords) => boolean): Promise<void> {
    const isThere = async (): Promise<boolean> => {
      const { own } = await this.#board();
      return own !== null && isSaid(own);
    };
    await whenItCan(this.#options)(async () => {
      if (await isThere()) return;
      try {
        await throughFile(kind, body, (input) => this.#ask('write', input));
      } catch (error) {
        if (!(await isThere())) throw error;
      }
    });
  }

  #ask(id: string, input: Readonly<Record<string, unknown>>) {
    const { target, run, signal } = this.#options;
    return commandNode(target, id, { ...input, ...(run === undefined ? {} : { run }) }, signal);
  }
}
