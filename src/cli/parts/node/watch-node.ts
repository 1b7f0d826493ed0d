/** Watches the runs of a node that runs in this process: shows them, and stops it where it is to end with them. */
import { type Outcome, worstOutcome } from '../../../node/view/outcome.ts';
import { isDone, type RunView } from '../../../node/view/run-view.ts';
import type { LiveView } from '../../view/live-view.ts';
import type { NodeNarrator } from '../../view/node-lines.ts';
import type { NodeState } from '../../view/node-view.ts';

const lookEveryMs = 500;
/** Once nothing is to come any more, which may be for months. */
const lookAtRestEveryMs = 5_000;
/** Whoever has not yet heard that we hold the same waits for us so long, at most. Guess. */
const lingerMsMax = 30_000;

export interface NodeWatchOptions {
  readonly views: () => readonly RunView[];
  readonly view: LiveView<NodeState>;
  readonly narrator: NodeNarrator;
  /** To be called once no run is left to wait for; null: the node goes on. */
  readonly onFinished: (() => void) | null;
}

export class NodeWatch {
  readonly #options: NodeWatchOptions;
  #timer: NodeJS.Timeout;
  #doneAtMs: number | null = null;

  constructor(options: NodeWatchOptions) {
    this.#options = options;
    this.#timer = this.#lookIn(lookEveryMs);
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #lookIn(waitMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#look(Date.now()), waitMs);
  }

  #look(atMs: number): void {
    const { views, view, narrator, onFinished } = this.#options;
    const runs = views();
    const isAtRest = onFinished === null && runs.length > 0 && runs.every(isOver);
    this.#timer = this.#lookIn(isAtRest ? lookAtRestEveryMs : lookEveryMs);
    for (const line of narrator.tick(atMs)) view.note(line);
    view.show({ views: runs, atMs });
    if (onFinished === null || runs.length === 0) return;
    if (!runs.every(isOver)) this.#doneAtMs = null;
    else this.#doneAtMs ??= atMs;
    if (this.#doneAtMs === null || !runs.every(mayLeave(atMs - this.#doneAtMs))) return;
    this.end();
    onFinished();
  }
}

/** Nothing more is to come of it here. */
function isOver(view: RunView): boolean {
  return (
    isUnmet(view) ||
    view.state === 'ended' ||
    isDone(view) ||
    (view.phase === 'finished' && view.trouble !== null)
  );
}

/** Came after the planned end, and nobody is there from whom to have the model. */
function isUnmet({ phase, outcome }: RunView): boolean {
  return phase !== 'finished' && outcome !== null;
}

/** Peers that have not heard of our end yet still need what we have. */
function mayLeave(sinceMs: number): (view: RunView) => boolean {
  return (view) => {
    const { state, agreement, peers, run, slotMs } = view;
    const slot = slotMs ?? run?.slotMs ?? 0;
    const windowMs = slot * Math.max(1, run?.windowRounds ?? 0);
    if (state === 'ended' || isUnmet(view) || sinceMs >= Math.min(windowMs, lingerMsMax)) return true;
    const heard = agreement === null ? 0 : agreement.same + agreement.other;
    return heard >= peers && sinceMs >= Math.min(slot, lingerMsMax);
  };
}

/** What came of all runs that ended here; null where one of them failed or has not come to its end. */
export function outcomeOfRuns(views: readonly RunView[]): Outcome | null {
  const isWhole = views.every(({ failure, outcome }) => failure === null && outcome !== null);
  return isWhole ? worstOutcome(views.map(({ outcome }) => outcome)) : null;
}
