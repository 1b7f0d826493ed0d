import type * as z from 'zod';
import { smallRequestBytesMax } from '../method.ts';
import { topologyKind } from '../topologies/registry.ts';
import { impossibleMixing } from './constraints.ts';
import { Mixing } from './mixing.ts';
import type { MixingMethod, MixingSpec, MixingTraits } from './mixing-method.ts';

/** A whole method from what its folder says: what does not go together, and the state machine, are the same for all. */
export function defineMixingMethod<Schema extends z.ZodObject & z.ZodType<MixingSpec>>(
  traits: MixingTraits<Schema>,
): MixingMethod<Schema> {
  const method: MixingMethod<Schema> = {
    ...traits,
    log: () => null,
    needsRoster: (spec) => topologyKind(traits.topology(spec)).needsRoster,
    // Parcels hold whole models, some of them two.
    requestBytesMax: (size) => smallRequestBytesMax + 8 * size,
    impossible: (spec, peers, size) => impossibleMixing(traits, spec, peers, size),
    create: (spec, frame, runId, deps) => new Mixing(frame, method, spec, runId, deps),
  };
  return method;
}
