/** How a run stood when its node was last heard of, beside its model: for whoever asks once the node is down. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseJson } from '../core/parse-json.ts';
import type { StarlingsNode } from '../node/create-node.ts';
import type { NodeEvent } from '../node/events.ts';
import type { RunSession } from '../node/run-session.ts';
import { type RunView, runViewSchema } from '../node/view/run-view.ts';
import { writeFileAtomically } from '../platform/node/atomic-file.ts';
import { RUNS_FOLDER, runFolder } from './directory.ts';

const VIEW_FILE = 'status.json';

/** Every few rounds, and whenever the end is told: `kill -9` costs no more than that. */
const worthKeeping: ReadonlySet<NodeEvent['event']['kind']> = new Set(['evaluated', 'saved']);

export interface LastViewsOptions {
  readonly directory: string;
  readonly onNotKept: (runId: string, error: unknown) => void;
}

export class LastViews {
  readonly #options: LastViewsOptions;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: LastViewsOptions) {
    this.#options = options;
  }

  /** From now on, to the end of the session. */
  follow(session: RunSession, node: StarlingsNode): void {
    const unsubscribe = node.subscribe(({ runId, event }) => {
      if (runId === session.runId && worthKeeping.has(event.kind)) this.#keep(session.view());
    });
    void session.ended.then(() => {
      unsubscribe();
      this.#keep(session.view());
    });
  }

  /** Resolves when everything is written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  #keep(view: RunView): void {
    const { directory, onNotKept } = this.#options;
    this.#writing = this.#writing
      .then(() =>
        writeFileAtomically(join(runFolder(directory, view.runId), VIEW_FILE), [`${JSON.stringify(view)}\n`]),
      )
      .catch((error: unknown) => onNotKept(view.runId, error));
  }
}

/** Null where none was kept. */
export function readLastView(directory: string, runId: string): RunView | null {
  try {
    const text = readFileSync(join(directory, RUNS_FOLDER, runId, VIEW_FILE), 'utf8');
    return runViewSchema.safeParse(parseJson(text)).data ?? null;
  } catch {
    return null;
  }
}
