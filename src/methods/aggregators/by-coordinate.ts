import { likeOf, type Vector } from '../../math/vector.ts';

/** Applies `rule` to the sorted values of every coordinate. */
export function byCoordinate(vectors: readonly Vector[], rule: (sorted: Float64Array) => number): Vector {
  const first = vectors[0]!;
  const column = new Float64Array(vectors.length);
  const result = new Float64Array(first.length);
  for (let i = 0; i < result.length; i++) {
    for (let v = 0; v < vectors.length; v++) column[v] = vectors[v]![i]!;
    result[i] = rule(column.sort());
  }
  return likeOf(first, result);
}
