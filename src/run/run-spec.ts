/**
 * What a run is made of: the one place where its constants, defaults, units, ranges and their provenance
 * live. The YAML files of `starlings run create`, the signed manifest and docs/CONFIG.md all come from here.
 */
import * as z from 'zod';
import { membershipSchema } from '../core/membership.ts';
import { logOf, methodOf, methodSchema, needsRoster } from '../methods/registry.ts';
import { type Impossible, within } from '../registry/impossible.ts';
import { parameterCount } from '../tasks/models/model-layout.ts';

const count = (min: number, max: number) => z.int().min(min).max(max);

const imageShape = {
  height: count(16, 1024).describe('pixels; at least 16'),
  width: count(16, 1024).describe('pixels; at least 16'),
  channels: count(1, 16).default(1).describe('1 for grey, 3 for colour'),
  outputs: count(2, 1 << 16).describe('classes'),
};

export const modelSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('mlp'),
    inputs: count(1, 1 << 20).describe('features per example'),
    hidden: z
      .array(count(1, 1 << 16))
      .min(1)
      .max(16)
      .describe('units of each hidden layer, ReLU after each'),
    outputs: count(2, 1 << 16).describe('classes'),
  }),
  z.strictObject({
    kind: z.literal('logistic-regression'),
    inputs: count(1, 1 << 20).describe('features per example'),
    outputs: count(2, 1 << 16).describe('classes'),
  }),
  z.strictObject({
    kind: z.literal('lenet').describe('LeNet-5 with ReLU and max pooling (LeCun et al. 1998)'),
    ...imageShape,
  }),
  z.strictObject({
    kind: z
      .literal('gn-lenet')
      .describe('three 5x5 convolutions of 32, 32, 64 channels with group normalisation, one dense layer'),
    ...imageShape,
  }),
  z.strictObject({
    kind: z.literal('resnet-8').describe('three residual blocks of 16, 32, 64 channels, group normalisation'),
    ...imageShape,
  }),
  z.strictObject({
    kind: z.literal('gpt').describe('byte-level transformer as GPT-2, embedding tied to the logits'),
    context: count(8, 4096).default(128).describe('bytes that a prediction looks back on'),
    layers: count(1, 48).default(4).describe('transformer blocks'),
    heads: count(1, 64).default(4).describe('attention heads; must divide width'),
    width: count(8, 4096).default(128).describe('of the residual stream'),
  }),
]);
export type ModelSpec = z.infer<typeof modelSchema>;
export type ImageModelSpec = Extract<ModelSpec, { readonly height: number }>;

export const taskSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('idx-images').describe('IDX files as of MNIST; pixels divided by 255'),
  }),
  z.strictObject({
    kind: z
      .literal('cifar-images')
      .describe('the binary files of CIFAR-10, 32 x 32 colour pixels divided by 255'),
  }),
  z.strictObject({
    kind: z.literal('text').describe('the bytes of .txt files'),
    heldOutFraction: z
      .number()
      .min(0.001)
      .max(0.5)
      .default(0.1)
      .describe('the end of each file that is held out for evaluation'),
  }),
  z.strictObject({
    kind: z
      .literal('csv')
      .describe('numbers without header; NaN or empty is missing and becomes the mean given'),
    features: z.array(count(0, 4095)).min(1).describe('columns of the features, from 0'),
    label: count(0, 4095).describe('column of the label'),
    positiveAbove: z.number().optional().describe('two classes: 1 where the label is above this'),
    mean: z.array(z.number()).describe('per feature, subtracted; public knowledge, the same at every peer'),
    scale: z.array(z.number().positive()).describe('per feature, divided by'),
    heldOutEvery: count(2, 1000).default(5).describe('every n-th row is held out for evaluation'),
  }),
]);
export type TaskSpec = z.infer<typeof taskSchema>;

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
});
export type TrainingSpec = z.infer<typeof trainingSchema>;

export const runSpecSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes'),
  model: modelSchema,
  task: taskSchema,
  training: trainingSchema.prefault({}),
  strategy: methodSchema.prefault({ id: 'delta-log' }),
  seed: count(0, 0xffff_ffff).default(1).describe('of the start vector and every batch'),
  rounds: count(1, 0x7fff_ffff).describe('the run ends after this many rounds that count'),
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
});
export type RunSpec = z.infer<typeof runSpecSchema>;

/**
 * Checks what no single field shows. Returns the first combination that cannot work, with the path of the
 * field to change, or null. `peersExpected`: how many will take part, where the run does not list them.
 */
export function impossibleCombination(spec: RunSpec, peersExpected: number | null = null): Impossible | null {
  const { strategy, membership, model } = spec;
  const peers = membership.kind === 'allow-list' ? membership.members.length : peersExpected;
  return (
    impossibleTask(spec) ??
    impossiblePace(spec) ??
    within(['strategy'], methodOf(strategy).impossible(strategy, peers, parameterCount(model)))
  );
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

/** Why nobody can take part in a run as it stands, or null: over a fixed topology everybody must know who does. */
export function missingRoster({ strategy, membership }: RunSpec): string | null {
  if (!needsRoster(strategy) || membership.kind === 'allow-list') return null;
  return (
    `strategy ${strategy.id} over a fixed topology needs membership of kind allow-list with the key of every node ` +
    '(`starlings node id`); testnet and start make that list themselves'
  );
}

/** What a task's examples are made of must be what the model takes. */
function impossibleTask({ task, model }: RunSpec): Impossible | null {
  if ((task.kind === 'text') !== (model.kind === 'gpt')) {
    return { path: ['model', 'kind'], message: 'must be gpt where the task is text, and only there' };
  }
  if (model.kind === 'gpt' && model.width % model.heads !== 0) {
    return { path: ['model', 'heads'], message: `must divide model.width (${model.width})` };
  }
  const isImageModel = 'height' in model;
  if (task.kind === 'cifar-images') {
    const values = isImageModel
      ? model.height * model.width * model.channels
      : 'inputs' in model && model.inputs;
    if (values !== 3072 || (isImageModel && model.channels !== 3)) {
      return { path: ['model'], message: 'must take 32 x 32 pixels of 3 channels (3072 values)' };
    }
  }
  if (task.kind === 'idx-images' && isImageModel && model.channels !== 1) {
    return { path: ['model', 'channels'], message: 'must be 1: IDX images are grey' };
  }
  if (task.kind !== 'csv') {
    return null;
  }
  for (const field of ['mean', 'scale'] as const) {
    if (task[field].length !== task.features.length) {
      return {
        path: ['task', field],
        message: `must have one number per feature (${task.features.length})`,
      };
    }
  }
  if (isImageModel || model.kind === 'gpt') {
    return { path: ['model', 'kind'], message: 'must be mlp or logistic-regression where the task is csv' };
  }
  if (model.inputs !== task.features.length) {
    return {
      path: ['model', 'inputs'],
      message: `must equal the number of features (${task.features.length})`,
    };
  }
  if (task.positiveAbove !== undefined && model.outputs !== 2) {
    return { path: ['model', 'outputs'], message: 'must be 2 where the task has positiveAbove' };
  }
  return null;
}
