/**
 * What a run is made of: its constants, defaults, units, ranges and their provenance; those of models and tasks stand with their
 * kinds. The YAML files of `starlings run create`, the signed manifest and docs/CONFIG.md all come from here.
 */
import * as z from 'zod';
import { asksForCredential } from '../core/credentials.ts';
import { membershipSchema, wrongName } from '../core/membership.ts';
import { evaluationExamplesOf } from '../entries/judging-registry.ts';
import { deltasOf, logOf, methodOf, methodSchema, needsRoster, trains } from '../methods/registry.ts';
import { type Impossible, within } from '../registry/impossible.ts';
import { taskSchema } from '../tasks/data/registry.ts';
import { impossibleTask } from '../tasks/impossible-task.ts';
import { impossibleShare, ModelParts } from '../tasks/models/personal-layers.ts';
import { externalFactsOf, isNoModel, modelSchema } from '../tasks/models/registry.ts';
import { privacySchema } from './privacy-spec.ts';

const count = (min: number, max: number) => z.int().min(min).max(max);

const momentum = z
  .number()
  .min(0)
  .max(0.999)
  .default(0)
  .describe('fraction of the last change that is kept; 0 measured on MNIST');
const adamConstants = {
  beta1: z.number().min(0).max(0.9999).default(0.9).describe('decay of the mean of gradients'),
  beta2: z.number().min(0).max(0.99999).default(0.999).describe('decay of the mean of their squares'),
  epsilon: z.number().positive().max(1).default(1e-8).describe('added to the root of the mean square'),
};

/** State is forgotten after every round: a node that trains keeps its vector and nothing else. */
export const optimiserSchema = z.discriminatedUnion('id', [
  z.strictObject({ id: z.literal('sgd'), momentum }),
  z.strictObject({ id: z.literal('adam').describe('Kingma and Ba 2015'), ...adamConstants }),
  z.strictObject({
    id: z.literal('adamw').describe('Loshchilov and Hutter 2019'),
    ...adamConstants,
    weightDecay: z.number().min(0).max(1).default(0.01).describe('per step, times the learning rate'),
  }),
]);
export type OptimiserSpec = z.infer<typeof optimiserSchema>;

const warmUpSteps = count(0, 1_000_000_000)
  .default(0)
  .describe('steps in which the rate rises linearly from 0');
const finalFraction = z.number().min(0).max(1).default(0).describe('of the rate, left at the end of the run');

/** Steps are counted over the whole run: round times localSteps, plus the step of the round. */
export const scheduleSchema = z.discriminatedUnion('id', [
  z.strictObject({ id: z.literal('constant'), warmUpSteps }),
  z.strictObject({ id: z.literal('linear'), warmUpSteps, finalFraction }),
  z.strictObject({ id: z.literal('cosine'), warmUpSteps, finalFraction }),
  z.strictObject({
    id: z.literal('steps').describe('the rate falls by a factor every so many steps'),
    everySteps: count(1, 1_000_000_000).describe('steps between two falls'),
    factor: z.number().positive().max(1).default(0.1).describe('the rate is multiplied by this'),
  }),
]);
export type ScheduleSpec = z.infer<typeof scheduleSchema>;

export const trainingSchema = z.strictObject({
  localSteps: count(1, 1_000_000).default(30).describe('optimiser steps per round (H); 30 measured on MNIST'),
  slotShare: z
    .number()
    .min(0.05)
    .max(0.99)
    .default(0.7)
    .describe(
      'part of a slot that local training may take, the rest is for gossip; slower machines do fewer steps; guess',
    ),
  batchSize: count(1, 65536).default(32).describe('examples per step; 32 measured on MNIST'),
  learningRate: z
    .number()
    .positive()
    .max(10)
    .default(0.1)
    .describe('peak of the schedule; 0.1 measured with SGD on MNIST'),
  optimiser: optimiserSchema.prefault({ id: 'sgd' }),
  schedule: scheduleSchema.prefault({ id: 'constant' }),
  clipNorm: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('gradients of a larger norm are scaled down to it; null: never'),
  privacy: privacySchema
    .optional()
    .describe(
      'what every node must protect its examples by at least (docs/PRIVACY.md); nodes may ask for more; left out: each by its own settings',
    ),
});
export type TrainingSpec = z.infer<typeof trainingSchema>;

export const runSpecSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes'),
  model: modelSchema,
  task: taskSchema,
  training: trainingSchema.prefault({}),
  strategy: methodSchema.prefault({ id: 'delta-log' }),
  seed: count(0, 0xffff_ffff).default(1).describe('of the start vector and every batch'),
  rounds: count(1, 0x7fff_ffff).describe(
    'the run ends after this many rounds that count; of a log, rounds in which something of its first kind was written: 2147483647 for one without end',
  ),
  slotMs: count(50, 86_400_000).describe(
    'milliseconds per round; must hold local training and one hop of gossip',
  ),
  slotMsMax: count(50, 86_400_000)
    .nullable()
    .default(null)
    .describe(
      'rounds of delta-log last longer, up to this, while peers do not keep up; null: 16 times slotMs; equal to it: never',
    ),
  publishersMin: count(1, 512)
    .default(1)
    .describe('a round of delta-log counts with so many deltas; others pass and are not spent'),
  timeMaxMs: count(1, 0x7fff_ffff)
    .nullable()
    .default(null)
    .describe(
      'a run of delta-log ends so many milliseconds after its start, however many rounds counted; null: never',
    ),
  membership: membershipSchema.prefault({ kind: 'open' }),
  shared: z
    .array(z.string().min(1).max(200))
    .min(1)
    .max(256)
    .optional()
    .describe(
      'names of the tensors that peers share, `*` for any text, such as `dense_0/*`; the others stay and train at each node (FedPer, ' +
        'Arivazhagan et al. 2019; FedBN, Li et al. 2021); left out: all are shared',
    ),
});
export type RunSpec = z.infer<typeof runSpecSchema>;

/** What the file of a run may say beside. */
export const runYamlSchema = runSpecSchema.extend({
  startFrom: z
    .string()
    .min(1)
    .optional()
    .describe(
      'file of weights that the run begins at, in place of those that its seed gives: safetensors with the tensors of the model, the ' +
        '`model.json` of TensorFlow.js with its weights beside it, or a `.keras` file; they travel as a file of the run',
    ),
  base: z
    .string()
    .min(1)
    .optional()
    .describe(
      'safetensors file of the trained model that one of kind gpt-lora adds to; it travels as a file of the run',
    ),
  evaluation: z
    .string()
    .min(1)
    .optional()
    .describe(
      'data as the task has it: what of it is held out, 8 times `judging.examples` at most, is what deltas are judged on, and travels as a ' +
        'file of the run; left out: where deltas are scored, data that came with the program',
    ),
  commonData: z
    .string()
    .min(1)
    .optional()
    .describe(
      'data as the task has it: with `audits`, what all members train on in place of data of their own, as much of its training part as 64 MiB ' +
        'hold; it travels as a file of the run; left out: data that came with the program',
    ),
});

/**
 * Checks what no single field shows. Returns the first combination that cannot work, with the path of the
 * field to change, or null. `peersExpected`: how many will take part, where the run does not list them.
 */
export function impossibleCombination(spec: RunSpec, peersExpected: number | null = null): Impossible | null {
  const { strategy, membership, model, shared } = spec;
  const peers = membership.kind === 'allow-list' ? membership.members.length : peersExpected;
  const name = wrongName(membership);
  return (
    impossibleTask(spec.task, spec.model) ??
    impossibleTraining(spec) ??
    impossiblePace(spec) ??
    (name === null ? null : { path: ['membership', 'names'], message: name }) ??
    impossibleShare(model, shared) ??
    within(['strategy'], methodOf(strategy).impossible(strategy, peers, sharedSize(spec))) ??
    impossibleJudging(spec) ??
    impossiblePrivacy(spec) ??
    impossibleAlliance(spec) ??
    impossibleMembership(spec)
  );
}

/** A method that trains nothing goes with no model, and all others with one. */
function impossibleTraining({ strategy, model, shared }: RunSpec): Impossible | null {
  if (trains(strategy) === isNoModel(model)) {
    const message = isNoModel(model)
      ? `must be that of a model: ${strategy.id} trains one`
      : `must be nothing: ${strategy.id} trains nothing`;
    return { path: ['model', 'kind'], message };
  }
  if (!isNoModel(model) || shared === undefined) return null;
  return { path: ['shared'], message: 'is of a model, and there is none: leave it out' };
}

/** What is mixed without a log is chosen by examples, and nobody could tell how often a key has published. */
function impossiblePrivacy({ training, strategy }: RunSpec): Impossible | null {
  if (training.privacy === undefined) return null;
  const path = ['training', 'privacy'];
  if (!logOf(strategy)) return { path, message: `is for delta-log: ${strategy.id} keeps no log` };
  if (!deltasOf(strategy)?.audits) return null;
  return { path, message: 'does not go with audits: noise that nobody can know cannot be trained again' };
}

/** Deltas are judged and audited by a model that everybody can compute, whole. */
function impossibleJudging({ strategy, model, shared }: RunSpec): Impossible | null {
  const { judging, audits } = deltasOf(strategy) ?? {};
  const isScored = judging ? evaluationExamplesOf(judging) !== null : false;
  if (!isScored && !audits) return null;
  const path = ['strategy', isScored ? 'judging' : 'audits'];
  if (externalFactsOf(model) !== null) {
    return {
      path,
      message:
        'is for models of ours: the gradient of one that a trainer alone can compute is not told; votes need none',
    };
  }
  return shared === undefined
    ? null
    : {
        path,
        message: 'is for runs that share the whole model: leave `shared` out, or take votes',
      };
}

/** Who votes on others' work, by data of its own, is one who was let in; what is told of that data nothing protects. */
function impossibleAlliance({ strategy, membership, training, shared }: RunSpec): Impossible | null {
  if (!deltasOf(strategy)?.alliance) return null;
  const path = ['strategy', 'alliance'];
  if (membership.kind !== 'allow-list' && membership.kind !== 'invite') {
    return { path, message: 'is for runs of members: let membership be of kind allow-list or invite' };
  }
  if (training.privacy !== undefined) {
    const message =
      'does not go with training.privacy: voters tell losses on examples of their own, as they are';
    return { path, message };
  }
  if (shared === undefined) return null;
  return { path, message: 'is for runs that share the whole model: leave `shared` out' };
}

/** What a newcomer shows travels with the entries of a log. */
function impossibleMembership({ strategy, membership }: RunSpec): Impossible | null {
  if (!asksForCredential(membership) || deltasOf(strategy)) return null;
  const message = `${membership.kind} is for delta-log: in runs of ${strategy.id} anybody may take part, or whom the manifest names`;
  return { path: ['membership', 'kind'], message };
}

/** Parameters that peers share: what goes over the wire. */
export function sharedSize({ model, shared }: Pick<RunSpec, 'model' | 'shared'>): number {
  return new ModelParts(model, shared).shared;
}

/** Only where there is a log do peers agree on how long a round lasts and whether it counts. */
function impossiblePace(spec: RunSpec): Impossible | null {
  const { slotMs, slotMsMax, publishersMin, strategy } = spec;
  if (logOf(strategy)) {
    if (slotMsMax === null || slotMsMax >= slotMs) return null;
    return { path: ['slotMsMax'], message: `must not be below slotMs (${slotMs})` };
  }
  for (const field of ['slotMsMax', 'timeMaxMs'] as const) {
    if (spec[field] === null) continue;
    return { path: [field], message: `is for delta-log: rounds of ${strategy.id} are slots of one length` };
  }
  if (publishersMin === 1) return null;
  return { path: ['publishersMin'], message: `is for delta-log: all rounds of ${strategy.id} count` };
}

/** Why nobody can take part in a run as it stands, or null: over a fixed topology, or in a committee, everybody must know who does. */
export function missingRoster({ strategy, membership }: RunSpec): string | null {
  if (!needsRoster(strategy) || membership.kind === 'allow-list') return null;
  return (
    `strategy ${strategy.id}${logOf(strategy) ? '' : ' over a fixed topology'} needs membership of kind allow-list with the key of every node ` +
    '(`starlings node id`); testnet and start make that list themselves'
  );
}
