/** Progress of a simulation: one line, in place on a terminal, every few seconds elsewhere. */
import { createLogUpdate } from 'log-update';
import type { SimulationProgress, SimulationResult } from '../../../sim/simulation.ts';
import { writeMeasure } from '../../tasks/measures.ts';
import { formatBytes, formatDuration, formatLoss, formatPercent } from './format.ts';
import { plainLineEveryMs } from './plain-lines.ts';

export interface ProgressLine {
  readonly show: (line: string) => void;
  readonly end: () => void;
}

/** One line, in place on a terminal, every few seconds elsewhere. */
export function createProgressLine(stream: NodeJS.WriteStream): ProgressLine {
  if (stream.isTTY) {
    const update = createLogUpdate(stream);
    return { show: (line) => update(line), end: () => update.clear() };
  }
  // What is over before then needs no progress.
  let shownAt = performance.now();
  return {
    show: (line) => {
      const now = performance.now();
      if (now - shownAt < plainLineEveryMs) return;
      shownAt = now;
      stream.write(`${line}\n`);
    },
    end: () => {},
  };
}

export interface SimView {
  readonly show: (progress: SimulationProgress) => void;
  readonly end: () => void;
}

export function createSimView(stream: NodeJS.WriteStream, peers: number): SimView {
  const line = createProgressLine(stream);
  return { show: (progress) => line.show(simLine(progress, peers)), end: line.end };
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

/** What is known in the end, line by line. */
export function simSummary(result: SimulationResult): string[] {
  const { models, modelHashes, end, stalenessMean } = result;
  const ends = {
    finished: [],
    aborted: [
      `stopped   in round ${result.roundsBegun - 1} of ${result.rounds}: what follows is what was known then`,
    ],
    idle: ['ended     early: nothing was left to do'],
    'time-limit': ['ended     at the time limit: not all peers finished'],
  };
  const late =
    stalenessMean === null
      ? ''
      : `; contributions taken in ${stalenessMean.toFixed(2)} rounds late on average`;
  return [
    ...ends[end],
    `trace     ${result.traceHash} (seed ${result.seed}, ${result.events} events)`,
    measuredLine(result),
    `model     ${models === 1 ? modelHashes[0] : `${models} different ones, consensus distance ${result.consensusDistance.toPrecision(3)}`}`,
    `sent      ${formatBytes(result.bytesPerPeer)} per peer; one float32 vector a round: ${formatBytes(result.denseBytesPerPeer)}`,
    `training  ${formatPercent(result.utilisation)} of the time${late}`,
    `took      ${formatDuration(1000 * result.wallSeconds)} for ${formatDuration(1000 * result.virtualSeconds)} of virtual time`,
  ];
}

function measuredLine({ mean, worst, peers }: SimulationResult): string {
  if (mean === null || worst === null) return `accuracy  - of ${peers} peers`;
  const end = worst.better === 'higher' ? 'lowest' : 'highest';
  return `${mean.id.padEnd(9)} mean ${writeMeasure(mean)}, ${end} ${writeMeasure(worst)} of ${peers} peers`;
}
