/** The runs that a node was told to join while it ran, in `node.json`: it takes them up again whenever it starts. */

import { join } from 'node:path';
import * as z from 'zod';
import { parseJson } from '../core/parse-json.ts';
import { checkpointSchema } from '../node/commands/checkpoint-schema.ts';
import type { JoinRequest } from '../node/commands/node-command.ts';
import { writeFileAtomically } from '../platform/node/atomic-file.ts';
import { readAtMostIfAny } from '../platform/node/read-at-most.ts';
import { BACKEND_CHOICES } from '../tensor/backend-choices.ts';
import { JOINED_FILE } from './directory.ts';

const fileBytesMax = 1 << 20;
const runsMax = 1024;

const fileSchema = z.object({
  version: z.literal(1),
  runs: z
    .array(
      z.object({
        ...{ run: z.string(), data: z.string(), backend: z.enum(BACKEND_CHOICES) },
        paused: z.boolean().optional(),
        checkpoint: checkpointSchema.optional(),
      }),
    )
    .max(runsMax),
});

/** Of `JoinRequest` what outlives a restart. */
export interface JoinedRun extends Pick<JoinRequest, 'run' | 'data' | 'backend' | 'checkpoint'> {
  /** Not to be begun before it is resumed. */
  readonly paused?: boolean | undefined;
}

class NodeStateError extends Error {
  override readonly name = 'NodeStateError';
  readonly code = 'BAD_NODE_STATE';
}

export class JoinedRuns {
  readonly #file: string;
  /** By run id. */
  readonly #runs: Map<string, JoinedRun>;
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: string, runs: readonly JoinedRun[]) {
    this.#file = file;
    this.#runs = new Map(runs.map((request) => [request.run, request]));
  }

  /** @throws NodeStateError where the file holds something else; system errors where it cannot be read */
  static async read(directory: string): Promise<JoinedRuns> {
    const file = join(directory, JOINED_FILE);
    const bytes = await readAtMostIfAny(file, fileBytesMax);
    if (bytes === undefined) return new JoinedRuns(file, []);
    const parsed = bytes && fileSchema.safeParse(parseJson(bytes.toString('utf8')));
    if (!parsed?.success) {
      throw new NodeStateError(
        `${file} does not say which runs this node joined; move it away and join them again`,
      );
    }
    return new JoinedRuns(file, parsed.data.runs);
  }

  all(): readonly JoinedRun[] {
    return [...this.#runs.values()];
  }

  /** `request.run` is a run id. Resolves when it would survive `kill -9`. */
  remember(request: JoinedRun): Promise<void> {
    this.#runs.set(request.run, request);
    return this.#write();
  }

  /** Resolves to whether it was remembered. */
  async forget(runId: string): Promise<boolean> {
    if (!this.#runs.delete(runId)) return false;
    await this.#write();
    return true;
  }

  /** One write after another, each with what is to be remembered then. */
  #write(): Promise<void> {
    const write = async (): Promise<void> => {
      const state: z.infer<typeof fileSchema> = { version: 1, runs: [...this.#runs.values()] };
      await writeFileAtomically(this.#file, [`${JSON.stringify(state, null, 2)}\n`]);
    };
    const written = this.#writing.then(write);
    this.#writing = written.catch(() => {});
    return written;
  }
}
