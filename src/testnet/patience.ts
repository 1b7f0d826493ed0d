/** For how long a launcher waits for its nodes: while anything gets on, however slowly. A busy machine is no reason to give up. */

import type { Observation } from './observe.ts';
import type { Testnet } from './up-testnet.ts';

/** So long nothing may happen, whatever else: a few slots of it, time for evaluation and saving (guesses). */
const stuckPatienceMs = 60_000;
const stuckPatienceSlots = 30;
/** A node that talks to as many others, or to all where there are fewer, has found them. */
const peersEnough = 3;

const monotonicMs = (): number => performance.now();

/** Says whether what it is told has been the same for too long. */
class Standstill {
  readonly #nowMs: () => number;
  #progress = '';
  #sinceMs: number;

  constructor(sinceMs: number, nowMs: () => number) {
    this.#sinceMs = sinceMs;
    this.#nowMs = nowMs;
  }

  isLongerThan(patienceMs: number, progress: string): boolean {
    if (progress !== this.#progress) {
      this.#progress = progress;
      this.#sinceMs = Math.max(this.#sinceMs, this.#nowMs());
    }
    return this.#nowMs() - this.#sinceMs > patienceMs;
  }
}

/** Nodes find each other. Links come and go where processors are short: who had enough of them once has found the others. */
export class Joining {
  /** The most peers that each node was seen with, up to what is enough. */
  readonly #peers = new Map<string, number>();
  readonly #standstill: Standstill;
  #enough = peersEnough;

  /** `nowMs` is of another clock in tests. */
  constructor(nowMs = monotonicMs) {
    this.#standstill = new Standstill(nowMs(), nowMs);
  }

  /** How many nodes have found the others so far. */
  get count(): number {
    return [...this.#peers.values()].filter((peers) => peers >= this.#enough).length;
  }

  /** Every node lives, holds the run and has found others. */
  readonly isOver = ({ nodes }: Observation): boolean => {
    this.#enough = Math.min(peersEnough, nodes.length - 1);
    for (const { name, view } of nodes) {
      if (view === null) continue;
      this.#peers.set(name, Math.max(this.#peers.get(name) ?? 0, Math.min(view.peers, this.#enough)));
    }
    return this.count === nodes.length && nodes.every(({ alive }) => alive);
  };

  /** A node that has ended finds nobody any more, and nobody starts it again. */
  readonly isStuck = ({ nodes }: Observation): boolean =>
    nodes.some(({ alive }) => !alive) ||
    this.#standstill.isLongerThan(stuckPatienceMs, nodes.map(({ name }) => this.#peers.get(name)).join());

  /** Why there is nothing to wait for. */
  whyNot({ nodes }: Observation): string {
    const ended = nodes.filter(({ alive }) => !alive).map(({ name }) => name);
    if (ended.length > 0) return `${ended.join(', ')} ended before all nodes had found the others`;
    return `not all nodes found the others, ${this.count} of ${nodes.length} did, and no more for ${stuckPatienceMs / 1000} s`;
  }
}

/** Rounds last as long as the nodes need: only where no node gets on for long is there nothing to wait for. */
export function stuckTest({ state, spec }: Pick<Testnet, 'state' | 'spec'>): (last: Observation) => boolean {
  const beginsInMs = Math.max(0, (state.startAtMs ?? Date.now()) - Date.now());
  const standstill = new Standstill(monotonicMs() + beginsInMs, monotonicMs);
  return ({ nodes }) => {
    const views = nodes.map(({ view }) => view);
    // Rounds that nobody publishes in pass for ever: only those that count are progress.
    const progress = views.map((view) => `${view?.phase} ${view?.countedRounds} ${view?.accuracyRound}`);
    const slotMs = Math.max(spec.slotMs, ...views.map((view) => view?.slotMs ?? 0));
    return standstill.isLongerThan(stuckPatienceMs + stuckPatienceSlots * slotMs, progress.join());
  };
}
