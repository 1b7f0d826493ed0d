/** Progress of a simulation: one line, in place on a terminal, every few seconds elsewhere. */
import { createLogUpdate } from 'log-update';
import type { SimulationProgress } from '../../../sim/simulation.ts';
import { formatDuration, formatLoss } from './format.ts';
import { plainLineEveryMs } from './plain-lines.ts';

export interface SimView {
  readonly show: (progress: SimulationProgress) => void;
  readonly end: () => void;
}

export function createSimView(stream: NodeJS.WriteStream, peers: number): SimView {
  const line = (progress: SimulationProgress): string => simLine(progress, peers);
  if (stream.isTTY) {
    const update = createLogUpdate(stream);
    return { show: (progress) => update(line(progress)), end: () => update.done() };
  }
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    show: (progress) => {
      const now = performance.now();
      if (now - shownAt < plainLineEveryMs) return;
      shownAt = now;
      stream.write(`${line(progress)}\n`);
    },
    end: () => {},
  };
}

/** `round 12/50, 32 of 32 peers, loss 0.312, 8.4 s of virtual time, about 31 s left` */
export function simLine(progress: SimulationProgress, peers: number): string {
  const { round, rounds, living, lossMean, virtualSeconds, etaSeconds } = progress;
  const left = etaSeconds === null ? '' : `, about ${formatDuration(1000 * etaSeconds)} left`;
  return (
    `round ${round}/${rounds}, ${living} of ${peers} peers, loss ${formatLoss(lossMean)}, ` +
    `${virtualSeconds.toFixed(1)} s of virtual time${left}`
  );
}
