/** The losses of nodes over their rounds, as far as whoever watches them has seen them. */
import { type HistoryData, RunHistory } from '../../node/view/run-history.ts';
import type { NodeObservation } from '../../testnet/observe.ts';

export class LossTrails {
  readonly #nodes = new Map<string, RunHistory>();

  /** What a node itself remembers. */
  take(name: string, { points }: Pick<HistoryData, 'points'>): void {
    for (const { round, loss } of points) this.#of(name).note(round, { loss });
  }

  note(nodes: readonly Pick<NodeObservation, 'name' | 'view'>[]): void {
    for (const { name, view } of nodes) {
      if (view !== null && view.loss !== null && Number.isFinite(view.loss)) {
        this.#of(name).note(view.roundsDone, { loss: view.loss });
      }
    }
  }

  /** Oldest first; bounded as histories are. */
  of(name: string): readonly number[] {
    const points = this.#nodes.get(name)?.data().points ?? [];
    return points.flatMap(({ loss }) => loss ?? []);
  }

  #of(name: string): RunHistory {
    const history = this.#nodes.get(name) ?? new RunHistory();
    this.#nodes.set(name, history);
    return history;
  }
}
