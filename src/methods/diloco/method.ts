import * as z from 'zod';
import { compressorKind, compressorSchema } from '../../codec/compressors/registry.ts';
import { defineMixingMethod } from '../mixing/define-mixing-method.ts';
import { aggregator, momentum, outerRate } from '../mixing/fields.ts';
import { compressedDeltas, wholeDeltas } from './delta-parcels.ts';
import { diloco as createPeer } from './diloco.ts';

export const diloco = defineMixingMethod({
  id: 'diloco',
  schema: z.strictObject({
    id: z.literal('diloco').describe('all average their deltas, Nesterov on top (Douillard 2023)'),
    aggregator,
    codec: compressorSchema
      .prefault({ id: 'identity' })
      .describe('of the deltas; all but identity with error feedback, as SparseLoCo'),
    outerRate: outerRate(0.7, 'Douillard 2023'),
    momentum: momentum(0.9, 'Douillard 2023'),
    residualDecay: z
      .number()
      .min(0)
      .max(1)
      .default(0.95)
      .describe('of error feedback per round; 0.95 as SparseLoCo'),
  }),
  examples: [
    { id: 'diloco' },
    { id: 'diloco', outerRate: 1, momentum: 0, codec: { id: 'sparse-sign', chunk: 64, perChunk: 16 } },
  ],
  topology: () => ({ id: 'complete' }),
  topologyField: 'id',
  bearsColumnStochastic: false,
  compresses: true,
  sendsModels: false,
  createPeer(spec, { initial, aggregator: rule, compressor, random }) {
    const deltas = compressorKind(spec.codec).isLossless
      ? wholeDeltas(initial.length)
      : compressedDeltas(compressor, spec.residualDecay, random);
    return createPeer(initial, { ...spec, aggregator: rule, deltas });
  },
});
