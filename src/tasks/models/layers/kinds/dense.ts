import * as z from 'zod';
import { withDeviation } from '../../parts/layout-builder.ts';
import { activation, bias, common, defineLayer, deviation, length, oneOf } from '../layer-kind.ts';

export const dense = defineLayer({
  kind: 'dense',
  schema: z.strictObject({
    kind: z.literal('dense').describe('a product with a matrix, over the last dimension'),
    ...common,
    units: length,
    activation,
    bias,
    deviation,
  }),
  shape(layer, inputs) {
    const input = oneOf(inputs);
    return typeof input === 'string' ? input : [...input.slice(0, -1), layer.units];
  },
  layout(layer, [input], layout) {
    layout.add(`${layer.name}/kernel`, [input!.at(-1)!, layer.units], withDeviation(layer.deviation));
    if (layer.bias) layout.add(`${layer.name}/bias`, [layer.units], { kind: 'zeros' });
  },
  isCausal: () => true,
  read: {
    Dense(config, [input]) {
      const units = config.count('units');
      return {
        units,
        activation: config.activation(),
        bias: config.flag('use_bias', true),
        deviation: config.deviation('kernel_initializer', { fanIn: input?.at(-1) ?? 1, fanOut: units }),
      };
    },
  },
  keras: ({ units, activation: name, bias: use_bias }) => ({
    className: 'Dense',
    config: { units, activation: name, use_bias },
  }),
});
