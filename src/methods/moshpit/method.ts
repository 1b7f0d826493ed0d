import * as z from 'zod';
import { defineMixingMethod } from '../mixing/define-mixing-method.ts';
import { aggregator, codec } from '../mixing/fields.ts';
import { ModelAveraging } from '../mixing/model-averaging.ts';
import { side } from '../topologies/moshpit-grid.ts';

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
    side,
    aggregator,
    codec,
  }),
  examples: [{ id: 'moshpit' }],
  topology: ({ dimensions, side: places }) => ({ id: 'moshpit-grid', dimensions, side: places }),
  topologyField: 'dimensions',
  bearsColumnStochastic: false,
  compresses: false,
  sendsModels: true,
  createPeer: (_spec, parts) => new ModelAveraging(parts.initial, parts.aggregator),
});
