/** What the peers hold in the end. Replicas with one hash are one model: it is read and evaluated once. */
import type { Learner } from '../src/training/learner.ts';
import type { VirtualNode } from './virtual-node.ts';

export interface Outcome {
  /** Fraction of right answers on the held-out set, mean and least over the living peers; NaN where none lives. */
  readonly accuracyMean: number;
  readonly accuracyMin: number;
  /** Distinct hashes of the living peers' models, sorted. */
  readonly modelHashes: readonly string[];
  /** Mean over peers of the squared Euclidean distance to the mean model. */
  readonly consensusDistance: number;
}

interface Replicas {
  readonly model: Float32Array;
  count: number;
}

/** Reads the models of all living peers and evaluates each distinct one. */
export async function measureOutcome(
  nodes: readonly VirtualNode[],
  nowMs: number,
  learner: Learner,
  signal?: AbortSignal,
): Promise<Outcome> {
  const groups = new Map<string, Replicas>();
  for (const { core } of nodes) {
    if (!core) continue;
    const { modelHash } = core.status(nowMs);
    const group = groups.get(modelHash);
    if (group) group.count++;
    else groups.set(modelHash, { model: core.model(), count: 1 });
  }
  let sum = 0;
  let living = 0;
  let accuracyMin = Number.NaN;
  for (const { model, count } of groups.values()) {
    const { accuracy } = await learner.evaluate(model, signal);
    sum += accuracy * count;
    living += count;
    accuracyMin = Number.isNaN(accuracyMin) ? accuracy : Math.min(accuracyMin, accuracy);
  }
  return {
    accuracyMean: sum / living,
    accuracyMin,
    modelHashes: [...groups.keys()].sort(),
    consensusDistance: consensusDistance([...groups.values()]),
  };
}

/** "Consensus distance" as in Kong et al., "Consensus Control for Decentralized Deep Learning" (2021), squared. */
function consensusDistance(groups: readonly Replicas[]): number {
  if (groups.length <= 1) return 0;
  const living = groups.reduce((sum, { count }) => sum + count, 0);
  let total = 0;
  for (let i = 0; i < groups[0]!.model.length; i++) {
    const mean = groups.reduce((sum, { model, count }) => sum + count * model[i]!, 0) / living;
    for (const { model, count } of groups) total += count * (model[i]! - mean) ** 2;
  }
  return total / living;
}
