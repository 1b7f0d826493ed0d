import { rngFor } from '../../src/math/rng.ts';

/** `count` vectors of standard normal float64. */
export function normals(count: number, size: number, seed: string): Float64Array[] {
  return Array.from({ length: count }, (_, i) => {
    const rng = rngFor(`${seed}/${i}`);
    return Float64Array.from({ length: size }, () => rng.normal());
  });
}

/** Sum over peers of the squared distance to their mean. */
export function spread(vectors: readonly ArrayLike<number>[]): number {
  let total = 0;
  for (let k = 0; k < vectors[0]!.length; k++) {
    const mean = vectors.reduce((sum, vector) => sum + vector[k]!, 0) / vectors.length;
    total += vectors.reduce((sum, vector) => sum + (vector[k]! - mean) ** 2, 0);
  }
  return total;
}

/** Largest distance of a coordinate from the mean of all peers. */
export function farthest(vectors: readonly ArrayLike<number>[]): number {
  let most = 0;
  for (let k = 0; k < vectors[0]!.length; k++) {
    const mean = vectors.reduce((sum, vector) => sum + vector[k]!, 0) / vectors.length;
    for (const vector of vectors) most = Math.max(most, Math.abs(vector[k]! - mean));
  }
  return most;
}
