import * as z from 'zod';
import { meanOfVectors } from '../../math/vector.ts';
import { byId, schemaOfAll } from '../../registry/registry.ts';
import {
  type Aggregation,
  type Aggregator,
  type AggregatorKind,
  allOf,
  dishonest,
  type Quorum,
  ranked,
  squaredDistances,
  withQuorum,
} from './aggregator.ts';

type Spec = { readonly f: number; readonly rule: { readonly id: string; readonly [field: string]: unknown } };

/**
 * NNM: every vector becomes the mean of its n - f nearest, itself among them; then another of `rules` (Allouah et al. 2023, "Fixing
 * by Mixing").
 */
export function nearestNeighbourMixing<const Rules extends readonly [AggregatorKind, ...AggregatorKind[]]>(
  rules: Rules,
) {
  const kindOf = ({ rule }: Spec): AggregatorKind => byId<AggregatorKind>(rules, rule.id);
  return {
    id: 'nnm',
    schema: z.strictObject({
      id: z.literal('nnm').describe('means of nearest neighbours, then another rule; Allouah 2023'),
      f: dishonest,
      rule: schemaOfAll(rules).describe('what follows'),
    }),
    examples: [
      { id: 'nnm', f: 2, rule: { id: 'median' } },
      { id: 'nnm', f: 2, rule: { id: 'trimmed-mean', f: 2 } },
    ],
    needsDense: true,
    needsScores: (spec: Spec): boolean => kindOf(spec).needsScores?.(spec.rule) ?? false,
    quorum(spec: Spec): Quorum {
      const own = { vectors: 2 * spec.f + 1, why: `2f + 1 with f = ${spec.f}` };
      const next = kindOf(spec).quorum?.(spec.rule);
      return next && next.vectors > own.vectors ? next : own;
    },
    create(spec: Spec, rounds: number): Aggregator {
      const rule = withQuorum(kindOf(spec), spec.rule, rounds);
      return {
        aggregate(input: Aggregation) {
          const vectors = allOf(input);
          const [own, ...others] = squaredDistances(vectors).map((row) =>
            meanOfVectors(
              ranked(row)
                .slice(0, vectors.length - spec.f)
                .map((j) => vectors[j]!),
            ),
          );
          return rule.aggregate({ ...input, own: own!, others });
        },
      };
    },
  };
}
