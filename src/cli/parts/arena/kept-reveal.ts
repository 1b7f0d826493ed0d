/** What the holder of a shard is going to reveal, with its salt: kept from before it commits until it is revealed, so that who was stopped goes on. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { parseJson } from '../../../core/parse-json.ts';
import type { NodeTarget } from '../../../daemon/connect.ts';
import { runFolder } from '../../../daemon/directory.ts';
import { type RevealBody, revealBody } from '../../../entries/arena/scores.ts';
import { writeFileOnce } from '../../../platform/node/atomic-file.ts';
import { DataFileError } from '../../../tasks/datasets/data-error.ts';

const keptSchema = z.strictObject({ shard: z.string(), reveal: revealBody });

export class KeptReveal {
  readonly file: string;
  /** Root of the shard. */
  readonly #shard: string;

  constructor(file: string, shard: string) {
    this.file = file;
    this.#shard = shard;
  }

  /** In the directory of the node; beside the shard where the node is on another machine. */
  static at(target: NodeTarget, runId: string, shard: { readonly file: string; readonly root: string }) {
    const file =
      typeof target === 'string'
        ? join(runFolder(target, runId), 'reveal.json')
        : `${shard.file}.${runId.slice(-16)}.reveal`;
    return new KeptReveal(file, shard.root);
  }

  /** Null where nothing is kept. @throws DataFileError for what is something else, system errors */
  async read(): Promise<RevealBody | null> {
    const text = await readFile(this.file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (text === null) return null;
    const { data } = keptSchema.safeParse(parseJson(text));
    if (data?.shard === this.#shard) return data.reveal;
    const why = data === undefined ? 'is not what a holder keeps' : 'was kept for another shard';
    throw new DataFileError(`${this.file} ${why}: move it away, or name the shard that it is of`);
  }

  /** Keeps it, or resolves to what is kept already: of two commands for one shard both go by the salt of the first. @throws as `read` */
  async keep(reveal: RevealBody): Promise<RevealBody> {
    const text = JSON.stringify({ shard: this.#shard, reveal });
    return (await writeFileOnce(this.file, [text], 0o600)) ? reveal : ((await this.read()) ?? reveal);
  }

  async remove(): Promise<void> {
    await rm(this.file, { force: true });
  }
}
