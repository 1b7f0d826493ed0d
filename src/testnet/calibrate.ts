/** How long a round and a start take on this machine, so that a testnet suits slow ones too. */

import { initialVector } from '../learning/initial.ts';
import type { Learner } from '../learning/learner.ts';
import { createProcessLearner } from '../learning/process/process-learner.ts';
import { createThreadLearner } from '../learning/thread/learner-proxy.ts';
import type { RunVectors } from '../run/run-files.ts';
import type { RunSpec } from '../run/run-spec.ts';
import { externalFactsOf } from '../tasks/models/registry.ts';
import type { BackendChoice } from '../tensor/backend-choices.ts';

export interface TrainingSpeed {
  /** From asking for a learner to having one: thread, backend, data. */
  readonly bootMs: number;
  /** Local training of one round by one node alone; the faster of two, the first one warms up. */
  readonly roundMs: number;
}

export interface MeasureOptions {
  readonly spec: RunSpec;
  /** The examples of one node. */
  readonly dataPath: string;
  readonly vectors: RunVectors;
  readonly backend: BackendChoice;
  /** What trains in place of TensorFlow.js; null: nothing does. */
  readonly trainer: string | null;
  readonly signal: AbortSignal;
}

/** Trains two rounds and throws them away. */
export async function measureTraining(options: MeasureOptions): Promise<TrainingSpeed> {
  const { spec, signal } = options;
  const { model, training } = spec;
  const began = performance.now();
  const learner = await learnerOf(options);
  try {
    const isOurs = externalFactsOf(model) === null || !learner.initial;
    const parameters =
      options.vectors.start ?? (isOurs ? initialVector(model, spec.seed) : await learner.initial!(signal));
    const bootMs = performance.now() - began;
    let roundMs = Number.POSITIVE_INFINITY;
    for (let turn = 0; turn < 2; turn++) {
      const from = performance.now();
      await learner.train(
        { parameters, steps: training.localSteps, round: 0, streamKey: `calibrate/${turn}`, share: 0 },
        signal,
      );
      roundMs = Math.min(roundMs, performance.now() - from);
    }
    return { bootMs, roundMs };
  } finally {
    await learner.close();
  }
}

function learnerOf({ spec, dataPath, vectors, backend, trainer, signal }: MeasureOptions): Promise<Learner> {
  const { model, task, training, rounds, seed } = spec;
  const work = { model, task, training, rounds, dataPath };
  if (trainer === null) return createThreadLearner({ ...work, base: vectors.base ?? null, backend });
  return createProcessLearner({ ...work, seed, command: { line: trainer }, signal, onPrinted: () => {} });
}

const slotStepMs = 50;

/** What a run says of its slots: how long they are, and the share of one that training may take. */
interface Slots {
  readonly slotMs: number;
  readonly training: { readonly slotShare: number };
}

/**
 * What a node does in a round beside its training (others' deltas, gossip, folding, evaluating) grows with their number: of what starting a
 * process takes so much, and so much more for each node. Measured: 116, 160 and 360 ms of processor time with 8, 16 and 32 nodes (docs/LOG.md).
 */
const protocolParts = { alone: 0.05, perNode: 0.009 };

export interface Machine {
  readonly cores: number;
  /** From the start of one process to its readiness. */
  readonly processMs: number;
}

/** A slot that holds what all nodes do, who share the cores; never below the run's own. `roundMs`: local training of one node. */
export function chooseSlotMs(
  { slotMs, training }: Slots,
  roundMs: number,
  nodes: number,
  { cores, processMs }: Machine,
): number {
  const atOnce = Math.max(1, nodes / cores);
  const protocolMs = processMs * (protocolParts.alone + protocolParts.perNode * nodes);
  const neededMs = Math.max((roundMs * atOnce) / training.slotShare, (roundMs + protocolMs) * atOnce);
  return Math.max(slotMs, Math.ceil(neededMs / slotStepMs) * slotStepMs);
}

/** Time for the nodes to find each other once they run: DHT walks and dials (guess). */
const discoveryMs = 4000;
export const startDelayMinMs = 8000;
export const startDelayMaxMs = 40_000;

/**
 * How long before round 0 the nodes are started. `processMs`: from the start of one process to its readiness,
 * measured with as many at once as there are cores; half as much again for what a busy machine adds (guess).
 */
export function chooseStartDelayMs(
  processMs: number,
  learnerMs: number,
  nodes: number,
  cores: number,
): number {
  const bootMs = (processMs + learnerMs) * Math.max(1, nodes / cores);
  const delayMs = Math.round(1.5 * bootMs + discoveryMs);
  return Math.min(startDelayMaxMs, Math.max(startDelayMinMs, delayMs));
}
