import * as z from 'zod';
import { defineMixingMethod } from '../mixing/define-mixing-method.ts';
import { aggregator, codec, topology } from '../mixing/fields.ts';
import { dPsgd as createPeer } from './d-psgd.ts';

export const dPsgd = defineMixingMethod({
  id: 'd-psgd',
  schema: z.strictObject({
    id: z.literal('d-psgd').describe('X <- X W - lr G (Lian 2017)'),
    topology,
    aggregator,
    codec,
  }),
  examples: [{ id: 'd-psgd' }],
  topology: (spec) => spec.topology,
  topologyField: 'topology',
  bearsColumnStochastic: false,
  compresses: false,
  sendsModels: true,
  createPeer: (_spec, parts) => createPeer(parts.initial, parts.aggregator),
});
