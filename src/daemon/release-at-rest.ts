/** A node that waits for a run to begin, or whose run is over, needs little of the memory that it took to get there. */
import type { NodeEvent } from '../node/events.ts';

/**
 * After what set the node to work: by then it has opened its store, met its peers, saved its model. Who waits for less is better off without,
 * for it takes a third of a second of the processor. Guess.
 */
const restMs = 20_000;

const milestones: ReadonlySet<NodeEvent['event']['kind']> = new Set(['running', 'phase', 'saved', 'ended']);

export class ReleaseAtRest {
  readonly #release: () => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(release: () => void) {
    this.#release = release;
  }

  note({ event }: NodeEvent): void {
    if (!milestones.has(event.kind)) return;
    this.stop();
    if (event.kind === 'phase' && event.phase === 'training') return;
    this.#timer = setTimeout(this.#release, restMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
