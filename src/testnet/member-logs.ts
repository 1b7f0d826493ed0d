/** Reads the logs of members, the latest lines first time and then what is added. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { parseJson } from '../core/parse-json.ts';
import { LOG_FILE } from '../daemon/directory.ts';
import type { Member } from './testnet-state.ts';

/** Of one look at one file; what is further back is in the file. */
const readBytesMax = 1 << 20;

const lineSchema = z.looseObject({ level: z.number(), time: z.string(), msg: z.string().default('') });

/** Follows the log of one member. */
export class MemberLog {
  readonly #file: string;
  readonly #name: string;
  #offset = 0;
  /** A line that is not whole yet. */
  #rest = '';

  constructor({ name, directory }: Pick<Member, 'name' | 'directory'>) {
    this.#name = name;
    this.#file = join(directory, LOG_FILE);
  }

  /** What came since the last call, at most `linesMax` of it, a line each. A log that was begun anew is read from its start. */
  async read(linesMax: number): Promise<string[]> {
    const file = await open(this.#file, 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (file === null) return [];
    try {
      const { size } = await file.stat();
      if (size < this.#offset) {
        this.#offset = 0;
        this.#rest = '';
      }
      const from = Math.max(this.#offset, size - readBytesMax);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
      this.#offset = from + bytesRead;
      const lines = (this.#rest + buffer.toString('utf8', 0, bytesRead)).split('\n');
      this.#rest = lines.pop() ?? '';
      return lines.slice(-linesMax).flatMap((line) => this.#text(line) ?? []);
    } finally {
      await file.close();
    }
  }

  #text(line: string): string | null {
    const parsed = lineSchema.safeParse(parseJson(line));
    if (!parsed.success) return null;
    const { level, time, msg, ...fields } = parsed.data;
    const what = Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields)}`;
    return `${this.#name.padEnd(13)}${time} ${level >= 40 ? '! ' : ''}${msg}${what}`;
  }
}
