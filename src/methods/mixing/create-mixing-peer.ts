import type * as z from 'zod';
import { createCompressor, createContraction } from '../../codec/compressors/registry.ts';
import { byId, readSpec, schemaOfAll } from '../../registry/registry.ts';
import { createAggregator } from '../aggregators/registry.ts';
import { mixingMethods } from '../registry.ts';
import type { MixingMethod, PeerParts } from './mixing-method.ts';
import type { MixingPeer } from './mixing-peer.ts';

const mixingMethodSchema = schemaOfAll(mixingMethods);
/** A mixing method as a manifest names it; what is left out has its default. */
export type MixingMethodInput = z.input<typeof mixingMethodSchema>;

export interface MixingPeerOptions extends Pick<PeerParts, 'initial' | 'random' | 'asSent'> {
  /** Length of the run, for aggregators that tighten towards its end. */
  readonly rounds: number;
}

/**
 * One peer of a mixing method, to be stepped by hand (`stepNetwork`). The topology that the spec names is that of the run: by hand
 * whoever steps it brings one.
 * @throws SpecError for what no manifest could say, RangeError for what does not go together
 */
export function createMixingPeer(input: MixingMethodInput, options: MixingPeerOptions): MixingPeer {
  const { rounds, ...parts } = options;
  const spec = readSpec('method', mixingMethods, mixingMethodSchema, input);
  const method = byId<MixingMethod>(mixingMethods, spec.id);
  return method.createPeer(spec, {
    ...parts,
    aggregator: createAggregator('aggregator' in spec ? spec.aggregator : { id: 'mean' }, rounds),
    compressor: (method.compresses ? createContraction : createCompressor)(spec.codec, parts.initial.length),
  });
}
