/** What the peers hold in the end. Replicas with one hash are one model: it is read and evaluated once. */
import type { Learner } from '../src/learning/learner.ts';
import { headlineOf, type Measure, pooledMeasure, worstFirst } from '../src/tasks/measures.ts';
import type { VirtualNode } from './virtual-node.ts';

export interface FinalModels {
  /** The figure to look at on the held-out set, mean and worst over the living peers; null where none lives. */
  readonly mean: Measure | null;
  readonly worst: Measure | null;
  /** Of tasks that have accuracy: what both are, in numbers; else NaN, as where none lives. */
  readonly accuracyMean: number;
  readonly accuracyMin: number;
  /** Mean loss per example on the same data (natural logarithm), mean over the living peers. */
  readonly heldOutLoss: number;
  /** Number of different models, and the first `hashesMax` of their hashes in order. */
  readonly models: number;
  readonly modelHashes: readonly string[];
  /** Mean over peers of the squared Euclidean distance to the mean model. */
  readonly consensusDistance: number;
}

interface Replicas {
  readonly model: Float32Array;
  count: number;
}

/** More hashes than this tell nobody anything. */
const hashesMax = 16;

/** Reads the models of all living peers and evaluates each distinct one, or at most `evaluatedMax` of them. */
export async function measureModels(
  nodes: readonly VirtualNode[],
  nowMs: number,
  learner: Learner,
  evaluatedMax = Number.POSITIVE_INFINITY,
): Promise<FinalModels> {
  const groups = new Map<string, Replicas>();
  for (const { core } of nodes) {
    if (!core) continue;
    const { modelHash } = core.status(nowMs);
    const group = groups.get(modelHash);
    if (group) group.count++;
    else groups.set(modelHash, { model: core.model(), count: 1 });
  }
  const measured: { measure: Measure; examples: number }[] = [];
  let losses = 0;
  let living = 0;
  for (const { model, count } of [...groups.values()].slice(0, evaluatedMax)) {
    const metrics = await learner.evaluate(model);
    const { loss } = metrics;
    const measure = headlineOf(metrics);
    if (measure) measured.push({ measure, examples: count });
    losses += loss * count;
    living += count;
  }
  const mean = pooledMeasure(measured);
  const worst = worstFirst(measured.map(({ measure }) => measure))[0] ?? null;
  return {
    mean,
    worst,
    accuracyMean: asAccuracy(mean),
    accuracyMin: asAccuracy(worst),
    heldOutLoss: losses / living,
    models: groups.size,
    modelHashes: [...groups.keys()].sort().slice(0, hashesMax),
    consensusDistance: distanceToMean([...groups.values()]),
  };
}

function asAccuracy(measure: Measure | null): number {
  return measure?.id === 'accuracy' ? measure.value : Number.NaN;
}

/** "Consensus distance" as in Kong et al., "Consensus Control for Decentralized Deep Learning" (2021), squared. */
export function distanceToMean(groups: readonly Replicas[]): number {
  if (groups.length <= 1) return 0;
  const living = groups.reduce((sum, { count }) => sum + count, 0);
  let total = 0;
  for (let i = 0; i < groups[0]!.model.length; i++) {
    const mean = groups.reduce((sum, { model, count }) => sum + count * model[i]!, 0) / living;
    for (const { model, count } of groups) total += count * (model[i]! - mean) ** 2;
  }
  return total / living;
}
