import * as z from 'zod';
import {
  defineTopology,
  type Topology,
  TopologyError,
  type WeightRule,
  weighted,
  weights,
} from './topology.ts';

export const ring = defineTopology({
  id: 'ring',
  schema: z.strictObject({ id: z.literal('ring').describe('the two beside oneself'), weights }),
  examples: [{ id: 'ring' }],
  needsRoster: true,
  stochastic: 'doubly',
  isSymmetric: true,
  isStatic: true,
  degree: () => 2,
  create: (spec, peers) => ringOf(peers, spec.weights),
});

/** Each with the two beside it. With weights of 1/3 its second eigenvalue is 1/3 + 2/3 cos(2 pi / n). */
function ringOf(peers: number, rule: WeightRule): Topology {
  if (peers < 3) throw new TopologyError(`a ring has at least 3 peers, not ${peers}`);
  const rows = weighted(
    Array.from({ length: peers }, (_, i) => new Set([(i + 1) % peers, (i + peers - 1) % peers])),
    rule,
  );
  return { peers, period: 1, matrix: () => rows };
}
