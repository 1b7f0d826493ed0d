import * as z from 'zod';
import { defineMixingMethod } from '../mixing/define-mixing-method.ts';
import { aggregator, codec } from '../mixing/fields.ts';
import { modelAveraging } from '../mixing/model-averaging.ts';

export const moshpit = defineMixingMethod({
  id: 'moshpit',
  schema: z.strictObject({
    id: z.literal('moshpit').describe('groups along the axes of a grid (Ryabinin 2021)'),
    dimensions: z
      .int()
      .min(1)
      .max(16)
      .default(2)
      .describe('axes of the grid (D); D rounds average exactly where it is full'),
    aggregator,
    codec,
  }),
  examples: [{ id: 'moshpit' }],
  topology: ({ dimensions }) => ({ id: 'moshpit-grid', dimensions }),
  topologyField: 'dimensions',
  bearsColumnStochastic: false,
  compresses: false,
  sendsModels: true,
  createPeer: (_spec, parts) => modelAveraging(parts.initial, parts.aggregator),
});
