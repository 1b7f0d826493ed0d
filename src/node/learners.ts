/** Where the learners of a node's runs come from. */

import { judgedExamplesOf } from '../learning/evaluation-set.ts';
import { initialVector, vectorHash } from '../learning/initial.ts';
import type { Learner } from '../learning/learner.ts';
import { LearnerBrokenError } from '../learning/learning-error.ts';
import { withLoneTwin } from '../learning/lone-twin.ts';
import { createProcessLearner } from '../learning/process/process-learner.ts';
import { TrainerAnswerError, TrainerCrashedError } from '../learning/process/trainer-error.ts';
import type { TrainerCommand } from '../learning/process/trainer-process.ts';
import { createThreadLearner } from '../learning/thread/learner-proxy.ts';
import { deltasOf } from '../methods/registry.ts';
import type { SignedManifest } from '../run/manifest.ts';
import { TrainerNeededError } from '../tasks/models/external/trainer-needed-error.ts';
import { externalFactsOf } from '../tasks/models/registry.ts';
import type { BackendChoice } from '../tensor/backend-choices.ts';
import { NodeError } from './node-error.ts';

export interface LearnerRequest {
  readonly run: SignedManifest;
  /** This node's own examples: a file or a folder, as the task of the run has it. */
  readonly data: string;
  readonly backend: BackendChoice;
  /** What training begins at. */
  readonly startOf: StartOf;
  /** What the model adds to, where it does. */
  readonly base?: Float32Array | undefined;
  /** What deltas are judged on, where members judge them. */
  readonly evaluation?: Float32Array | undefined;
  /** What all members train on, where deltas are audited. */
  readonly training?: Float32Array | undefined;
  /** Train a twin beside that hears of nobody, and evaluate it too. */
  readonly compareAlone?: boolean;
  /** Ends it while it gets ready, which may take minutes. */
  readonly signal?: AbortSignal;
}

/** The vector that all peers of the run start from, not to be modified; it is made once. @throws as `startVector` */
export type StartOf = (learner: Learner) => Promise<Float32Array>;

/** `given`, `signal`: as for `startVector`. */
export function startOnce(
  run: SignedManifest,
  given: Float32Array | undefined,
  signal?: AbortSignal,
): StartOf {
  let made: Promise<Float32Array> | null = null;
  return (learner) => {
    made ??= startVector(run, learner, given, signal);
    return made;
  };
}

/** Resolves when the learner can train at full speed. The session that asked closes it. */
export type LearnerFactory = (request: LearnerRequest) => Promise<Learner>;

/** Local steps before a learner counts as ready. Guess. */
const warmUpSteps = 20;

/** TensorFlow.js in a thread of its own for each run. @throws what `createThreadLearner` throws, TrainerNeededError */
export function createWarmLearner(request: LearnerRequest): Promise<Learner> {
  const { run, data, backend, base = null, evaluation = null, training: common = null } = request;
  const { model, task, training, rounds } = run.manifest;
  if (externalFactsOf(model) !== null) {
    return Promise.reject(new TrainerNeededError(`the model of run ${run.runId} is trained`));
  }
  if (judgedExamplesOf(run.manifest) !== null && evaluation === null) {
    const message = `members of run ${run.runId} judge deltas, and its manifest names no file of examples to judge them on`;
    return Promise.reject(new NodeError('NO_EVALUATION_SET', message));
  }
  if (deltasOf(run.manifest.strategy)?.audits && common === null) {
    const message = `members of run ${run.runId} train each other's deltas again, and its manifest names no file of examples that all train on`;
    return Promise.reject(new NodeError('NO_COMMON_DATA', message));
  }
  const validationShare = deltasOf(run.manifest.strategy)?.alliance?.validationShare;
  const made = createThreadLearner(
    {
      ...{ model, task, training, rounds, dataPath: data, base, evaluation, common, validationShare },
      backend,
    },
    request.signal,
  );
  return warmedUp(made, request, warmUpSteps);
}

/** A trainer that the owner of the node names, as a process of its own for each run; `onPrinted` hears what it prints. */
export function trainerLearners(
  command: TrainerCommand,
  onPrinted: (runId: string, line: string) => void,
): LearnerFactory {
  return (request) => {
    const { run, data, signal } = request;
    const { model, task, training, rounds, seed } = run.manifest;
    const made = createProcessLearner({
      ...{ command, model, task, training, rounds, seed, dataPath: data },
      ...(signal && { signal }),
      onPrinted: (line) => onPrinted(run.runId, line),
    });
    // It may take long for a step, and one shows whether it can.
    return warmedUp(made, request, 1);
  };
}

/** A trainer that cannot do one step would lose every round: better told at the start. */
function refuseBroken(error: unknown): never {
  if (!(error instanceof TrainerCrashedError || error instanceof TrainerAnswerError)) throw error;
  throw new LearnerBrokenError(
    `the trainer cannot do its first step: ${error.message}. The error is its own: mend it, try it with ` +
      '`starlings trainer check`, and start the node again',
    { cause: error },
  );
}

/** The vector that all peers of the run start from; `given` where a file of the run is it. @throws NodeError where ours is another one; what the learner throws */
async function startVector(
  { manifest, runId }: SignedManifest,
  learner: Learner,
  given: Float32Array | undefined,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const { model, seed, initHash } = manifest;
  if (given !== undefined)
    return checked(given, initHash, `the file of run ${runId} is no start vector of it`);
  const isOurs = externalFactsOf(model) === null || !learner.initial;
  const initial = isOurs ? initialVector(model, seed) : await learner.initial!(signal);
  const [who, whose] = isOurs
    ? ['this version of starlings', "the creator's version"]
    : ['the trainer of this node', 'the same version of the same one as the creator'];
  return checked(
    initial,
    initHash,
    `${who} builds another start vector than run ${runId} asks for; use ${whose}`,
  );
}

function checked(vector: Float32Array, initHash: string, otherwise: string): Float32Array {
  if (vectorHash(vector) === initHash) return vector;
  throw new NodeError('OTHER_START_VECTOR', otherwise);
}

/** The first steps pay for compilation; better now than in round 0. */
async function warmedUp(made: Promise<Learner>, request: LearnerRequest, steps: number): Promise<Learner> {
  const { startOf, compareAlone = false, signal } = request;
  const learner = await made;
  try {
    const parameters = await startOf(learner);
    const warmUp = { parameters, steps, round: 0, streamKey: 'warm-up', share: 0 };
    await learner.train(warmUp, signal).catch(refuseBroken);
    return compareAlone ? withLoneTwin(learner, parameters) : learner;
  } catch (error) {
    await learner.close();
    throw error;
  }
}
