import * as z from 'zod';
import { compressorSchema } from '../../codec/compressors/registry.ts';
import { defineMixingMethod } from '../mixing/define-mixing-method.ts';
import { topology } from '../mixing/fields.ts';
import { topologyKind } from '../topologies/registry.ts';
import { choco as createPeer } from './choco.ts';

export const choco = defineMixingMethod({
  id: 'choco',
  schema: z.strictObject({
    id: z.literal('choco').describe('compressed differences to public copies (Koloskova 2019)'),
    topology,
    codec: compressorSchema.prefault({ id: 'sparse-sign' }).describe('of the differences'),
    gamma: z
      .number()
      .positive()
      .max(1)
      .default(0.05)
      .describe('consensus step; smaller for sparser codecs and worse connected graphs; guess'),
  }),
  examples: [
    { id: 'choco', gamma: 0.2, codec: { id: 'top-k', chunk: null, perChunk: 12, values: 'float32' } },
    { id: 'choco', gamma: 0.2, codec: { id: 'qsgd', levels: 64 } },
  ],
  topology: (spec) => spec.topology,
  topologyField: 'topology',
  bearsColumnStochastic: false,
  compresses: true,
  sendsModels: false,
  impossible({ topology: spec }, built) {
    const path = ['topology', 'id'];
    const { isStatic, isSymmetric } = topologyKind(spec);
    if (!isStatic && built?.period !== 1) {
      const message = `choco keeps a copy of each neighbour and needs fixed ones; ${spec.id} has others in every round`;
      return { path, message };
    }
    return isSymmetric
      ? null
      : { path, message: `choco needs a symmetric topology; ${spec.id} has directions` };
  },
  createPeer: ({ gamma }, { initial, compressor, random }) =>
    createPeer(initial, { gamma, compressor, random }),
});
