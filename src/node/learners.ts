/** Where the learners of a node's runs come from. */
import { initialVector } from '../learning/initial.ts';
import type { Learner } from '../learning/learner.ts';
import { withLoneTwin } from '../learning/lone-twin.ts';
import { createThreadLearner } from '../learning/thread/learner-proxy.ts';
import type { SignedManifest } from '../run/manifest.ts';
import type { BackendChoice } from '../tensor/backend-choices.ts';

export interface LearnerRequest {
  readonly run: SignedManifest;
  /** This node's own examples: a file or a folder, as the task of the run has it. */
  readonly data: string;
  readonly backend: BackendChoice;
  /** What training begins at, where a file of the run says so and not its seed. */
  readonly start?: Float32Array | null;
  /** Train a twin beside that hears of nobody, and evaluate it too. */
  readonly compareAlone?: boolean;
}

/** Resolves when the learner can train at full speed. The session that asked closes it. */
export type LearnerFactory = (request: LearnerRequest) => Promise<Learner>;

/** Local steps before a learner counts as ready. Guess. */
const warmUpSteps = 20;

/** TensorFlow.js in a thread of its own for each run. @throws what `createThreadLearner` throws */
export async function createWarmLearner(request: LearnerRequest): Promise<Learner> {
  const { run, data, backend, compareAlone = false } = request;
  const { model, task, training, rounds, seed } = run.manifest;
  const learner = await createThreadLearner({ model, task, training, rounds, dataPath: data, backend });
  try {
    // The first steps pay for compilation; better now than in round 0.
    const parameters = request.start ?? initialVector(model, seed);
    await learner.train({ parameters, steps: warmUpSteps, round: 0, streamKey: 'warm-up', share: 0 });
    return compareAlone ? withLoneTwin(learner, parameters) : learner;
  } catch (error) {
    await learner.close();
    throw error;
  }
}
