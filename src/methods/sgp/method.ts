import * as z from 'zod';
import { defineMixingMethod } from '../mixing/define-mixing-method.ts';
import { codec, linked } from '../mixing/fields.ts';
import { sgp as createPeer } from './sgp.ts';

export const sgp = defineMixingMethod({
  id: 'sgp',
  schema: z.strictObject({
    id: z.literal('sgp').describe('push-sum, whose mass lossy lines cannot change (Assran 2019)'),
    topology: linked,
    codec,
  }),
  examples: [{ id: 'sgp' }, { id: 'sgp', topology: { id: 'static-exponential' } }],
  topology: (spec) => spec.topology,
  topologyField: 'topology',
  bearsColumnStochastic: true,
  compresses: false,
  sendsModels: false,
  // Mass must not be rounded away.
  createPeer: (_spec, parts) => createPeer(Float64Array.from(parts.initial), parts.asSent),
});
