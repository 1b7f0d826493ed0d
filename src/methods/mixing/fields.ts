/** Fields that several mixing methods have in common. */
import * as z from 'zod';
import { compressorSchema } from '../../codec/compressors/registry.ts';
import { aggregatorSchema } from '../aggregators/registry.ts';
import { topologySchema } from '../topologies/registry.ts';

export const aggregator = aggregatorSchema
  .prefault({ id: 'mean' })
  .describe('what becomes of those that arrive');
export const codec = compressorSchema.prefault({ id: 'identity' }).describe('how vectors travel');
/** For methods that need fixed numbers of all peers. */
export const topology = topologySchema.prefault({ id: 'ring' }).describe('who mixes with whom');
/** For methods that also do with whoever is linked. */
export const linked = topologySchema
  .prefault({ id: 'epidemic-local', fanout: 3 })
  .describe('who mixes with whom; epidemic-local needs no list of peers');

export function momentum(value: number, source: string) {
  return z.number().min(0).max(0.999).default(value).describe(`of the outer step (mu); ${source}`);
}

export function outerRate(value: number, source: string) {
  return z.number().positive().max(4).default(value).describe(`outer rate (a); ${source}`);
}
