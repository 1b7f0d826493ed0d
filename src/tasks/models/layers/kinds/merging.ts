/** Layers that take the values of several others. */
import * as z from 'zod';
import { common, defineLayer, type Shape, written } from '../layer-kind.ts';

function alike(inputs: readonly Shape[]): Shape | string {
  const [first, ...others] = inputs;
  if (first === undefined || others.length === 0) return 'takes two inputs or more';
  const other = others.find((one) => one.join() !== first.join());
  return other === undefined
    ? first
    : `takes inputs of one shape, not ${written(first)} and ${written(other)}`;
}

export const add = defineLayer({
  kind: 'add',
  schema: z.strictObject({ kind: z.literal('add').describe('the sum of values of one shape'), ...common }),
  shape: (_, inputs) => alike(inputs),
  isCausal: () => true,
  read: { Add: () => ({}) },
  keras: () => ({ className: 'Add', config: {} }),
});

export const multiply = defineLayer({
  kind: 'multiply',
  schema: z.strictObject({
    kind: z.literal('multiply').describe('the product of values of one shape'),
    ...common,
  }),
  shape: (_, inputs) => alike(inputs),
  isCausal: () => true,
  read: { Multiply: () => ({}) },
  keras: () => ({ className: 'Multiply', config: {} }),
});

export const concatenate = defineLayer({
  kind: 'concatenate',
  schema: z.strictObject({ kind: z.literal('concatenate').describe('along the last dimension'), ...common }),
  shape(_, inputs) {
    const outer = alike(inputs.map((shape) => shape.slice(0, -1)));
    if (typeof outer === 'string') return outer;
    return [...outer, inputs.reduce((sum, shape) => sum + shape.at(-1)!, 0)];
  },
  isCausal: () => true,
  read: {
    Concatenate(config, inputs) {
      const axis = config.get('axis') ?? -1;
      if (axis !== -1 && axis !== inputs[0]?.length) return config.fail('axis must be the last one (-1)');
      return {};
    },
  },
  keras: () => ({ className: 'Concatenate', config: { axis: -1 } }),
});
