/** What trains in a scenario: one learner with a training share for every peer. */

import { judgedExamplesOf } from '../src/learning/evaluation-set.ts';
import type { Learner } from '../src/learning/learner.ts';
import { createTfjsLearner } from '../src/learning/tfjs/tfjs-learner.ts';
import { startLearnerThread } from '../src/learning/thread/learner-proxy.ts';
import { rngFor } from '../src/math/rng.ts';
import { deltasOf } from '../src/methods/registry.ts';
import { mnistFolder } from '../src/tasks/data/idx-images/mnist-folder.ts';
import { loadTaskData } from '../src/tasks/data/registry.ts';
import { withValidation } from '../src/tasks/datasets/validation.ts';
import { outputsOf, parameterCount } from '../src/tasks/models/model-layout.ts';
import { attackOnTraining } from './adversaries/registry.ts';
import type { WorldPeers } from './population.ts';
import { quadraticLearner } from './quadratic-learner.ts';
import type { Scenario } from './scenario/scenario.ts';
import type { InstantLearner } from './training-line.ts';

/**
 * The learner of the scenario, or as many of it as there should be workers, each in a thread with its own copy of the data.
 * One worker is the thread that asks.
 */
export async function buildLearners(
  scenario: Scenario,
  world: Pick<WorldPeers, 'roles'>,
  workers: number,
): Promise<readonly (Learner | InstantLearner)[]> {
  if (workers <= 1 || scenario.learner.id === 'quadratic') return [await buildLearner(scenario, world)];
  // Run from source, the thread's file is TypeScript too.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const file = new URL(`./learner-thread.${extension}`, import.meta.url);
  const settings: LearnerThreadSettings = { scenario, roles: world.roles };
  return Promise.all(Array.from({ length: workers }, () => startLearnerThread(file, settings)));
}

/** Of the set that deltas are judged on, where they are. As the prototype's. */
const evaluationExamples = 2000;

/** What a learner's thread is given. */
export interface LearnerThreadSettings extends Pick<WorldPeers, 'roles'> {
  readonly scenario: Scenario;
}

/** Splits the data as the scenario says; those who flip labels get their share flipped. @throws the errors of the data */
export async function buildLearner(
  scenario: Scenario,
  { roles }: Pick<WorldPeers, 'roles'>,
): Promise<Learner | InstantLearner> {
  const { data, learner, peers, run, seed } = scenario;
  const poisoned = roles.map((role) => role && attackOnTraining(role.behaviour)).map((kind) => kind?.relabel);
  if (learner.id === 'quadratic') {
    const { learningRate } = run.training;
    const size = parameterCount(run.model);
    const isHonest = (peer: number): boolean => roles[peer] === null;
    return quadraticLearner({
      ...learner,
      size,
      peers,
      learningRate,
      seed: `sim/${seed}`,
      isHonest,
      isFlipped: (peer) => poisoned[peer] !== undefined,
    });
  }
  const path = data.dataset === 'mnist' ? mnistFolder() : data.dataset;
  const whole = await loadTaskData(run.task, run.model, path);
  const { train, heldOut } = withValidation(whole, data.validationShare, data.evaluates);
  const classes = outputsOf(run.model);
  const shares = train.splitAmong({
    peers,
    alpha: data.dirichletAlpha,
    classes,
    rng: rngFor(`sim/${seed}/partition`),
  });
  return createTfjsLearner({
    model: run.model,
    training: run.training,
    rounds: run.rounds,
    shares: shares.map((own, peer) => {
      // What is audited is trained on examples that all have.
      const share = deltasOf(run.strategy)?.audits ? train : own;
      const relabel = poisoned[peer];
      return relabel ? share.relabelled((labels) => relabel(labels, classes)) : share;
    }),
    heldOut,
    validationShare: deltasOf(run.strategy)?.alliance?.validationShare,
    // Public: peers may have some of it among their own.
    evaluation: judgedExamplesOf(run) !== null ? train.sample(evaluationExamples) : null,
    // Of the backends only this one has the same bits on every machine.
    backend: 'wasm',
    privateChance: 'named',
  });
}
