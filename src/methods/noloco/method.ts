import * as z from 'zod';
import { defineMixingMethod } from '../mixing/define-mixing-method.ts';
import { aggregator, codec, momentum, outerRate } from '../mixing/fields.ts';
import { topologySchema } from '../topologies/registry.ts';
import { noloco as createPeer } from './noloco.ts';

export const noloco = defineMixingMethod({
  id: 'noloco',
  schema: z.strictObject({
    id: z.literal('noloco').describe('Nesterov within small groups (Kolehmainen 2025)'),
    topology: topologySchema.prefault({ id: 'random-matching' }).describe('the groups of each round'),
    aggregator,
    codec,
    outerRate: outerRate(0.7, 'Kolehmainen 2025'),
    momentum: momentum(0.5, 'Kolehmainen 2025'),
    consensusRate: z
      .number()
      .min(0)
      .max(4)
      .default(0.7)
      .describe('pull towards the mean of the group; the outer rate, as measured on text'),
  }),
  examples: [{ id: 'noloco' }],
  topology: (spec) => spec.topology,
  topologyField: 'topology',
  bearsColumnStochastic: false,
  compresses: false,
  sendsModels: false,
  createPeer: (spec, { initial, aggregator: rule }) => createPeer(initial, { ...spec, aggregator: rule }),
});
