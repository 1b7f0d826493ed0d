import * as z from 'zod';
import { defineMixingMethod } from '../mixing/define-mixing-method.ts';
import { codec, linked } from '../mixing/fields.ts';
import { adPsgd as createPeer } from './ad-psgd.ts';

export const adPsgd = defineMixingMethod({
  id: 'ad-psgd',
  schema: z.strictObject({
    id: z.literal('ad-psgd').describe('pairs average whenever one is ready (Lian 2018)'),
    topology: linked,
    codec,
  }),
  examples: [{ id: 'ad-psgd' }, { id: 'ad-psgd', topology: { id: 'small-world', degree: 4 } }],
  topology: (spec) => spec.topology,
  topologyField: 'topology',
  bearsColumnStochastic: true,
  compresses: false,
  sendsModels: true,
  createPeer: (_spec, parts) => createPeer(parts.initial, parts.random),
});
