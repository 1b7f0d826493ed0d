import * as z from 'zod';
import { defineMixingMethod } from '../mixing/define-mixing-method.ts';
import { aggregator, codec } from '../mixing/fields.ts';
import { ModelAveraging } from '../mixing/model-averaging.ts';
import { fanout } from '../topologies/fanout.ts';

export const epidemic = defineMixingMethod({
  id: 'epidemic',
  schema: z.strictObject({
    id: z.literal('epidemic').describe('train, send to random peers, average what came (de Vos 2023)'),
    fanout,
    sampling: z
      .enum(['local', 'oracle'])
      .default('local')
      .describe('local: everybody picks; oracle: another regular graph each round, from a list of peers'),
    aggregator,
    codec,
  }),
  examples: [{ id: 'epidemic' }, { id: 'epidemic', sampling: 'oracle' }],
  topology: (spec) => ({ id: `epidemic-${spec.sampling}`, fanout: spec.fanout }),
  topologyField: 'fanout',
  bearsColumnStochastic: true,
  compresses: false,
  sendsModels: true,
  createPeer: (_spec, parts) => new ModelAveraging(parts.initial, parts.aggregator),
});
