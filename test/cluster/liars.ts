/** Members of a cluster that lie: about what they trained, with what the honest ones do in sight, and about what deltas are worth. */
import { Observatory } from '../../sim/adversaries/observatory.ts';
import { attackOnTraining, type BehaviourSpec } from '../../sim/adversaries/registry.ts';
import type { Learner } from '../../src/learning/learner.ts';
import { difference } from '../../src/math/vector.ts';
import type { ClusterOptions } from './cluster.ts';

export interface Lies {
  /** Numbers of the nodes. */
  readonly liars: ReadonlySet<number>;
  /** What they do to their updates, or labels; null: they are silent. */
  readonly behaviour: BehaviourSpec | null;
  /** Asked to score deltas they say the opposite of what they find. */
  readonly falseScores: boolean;
}

const silent = (learner: Learner): Learner => ({
  ...learner,
  train: () => Promise.reject(new Error('it keeps silent')),
});

/** As the simulator has it, on real nodes. */
export function lying({ liars, behaviour, falseScores }: Lies): Pick<ClusterOptions, 'disguise' | 'relabel'> {
  let shared: Observatory | null = null;
  const kind = behaviour && attackOnTraining(behaviour);
  const disguise = (index: number, learner: Learner): Learner => {
    shared ??= new Observatory(learner.size);
    const observatory = shared;
    if (!liars.has(index)) return watched(learner, observatory);
    if (!behaviour) return silent(learner);
    const attack = kind!.create(behaviour);
    return {
      ...learner,
      async train(request, ...signals) {
        const result = await learner.train(request, ...signals);
        const { parameters: start, round } = request;
        const own = difference(result.parameters, start);
        const update = attack.claim({ round, own, model: result.parameters, honest: observatory.latest() });
        return update ? { ...result, parameters: start.map((value, i) => value + update[i]!) } : result;
      },
      judge: async (question, signal) => {
        const scores = await learner.judge!(question, signal);
        return falseScores ? scores.map((score) => 0 - score) : scores;
      },
    };
  };
  const relabel = kind?.relabel;
  return { disguise, relabel: (index) => (liars.has(index) && relabel ? relabel : null) };
}

function watched(learner: Learner, observatory: Observatory): Learner {
  return {
    ...learner,
    async train(request, ...signals) {
      const result = await learner.train(request, ...signals);
      observatory.note(request.round, request.parameters, result);
      return result;
    },
  };
}
