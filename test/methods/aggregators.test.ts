/** The contract that every aggregator keeps, what each stands against, and points whose geometric median is known. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { difference, meanOfVectors, norm, squaredDistance, type Vector } from '../../src/math/vector.ts';
import { squaredDistances } from '../../src/methods/aggregators/aggregator.ts';
import { geometricMedian } from '../../src/methods/aggregators/geometric-median.ts';
import { krumScores } from '../../src/methods/aggregators/krum.ts';
import {
  type AggregatorInput,
  type AggregatorSpec,
  aggregatorKind,
  aggregators,
  createAggregator,
} from '../../src/methods/aggregators/registry.ts';
import { dissensusTo } from '../../src/methods/attacks/dissensus.ts';
import { type MixingRow, weighted } from '../../src/methods/topologies/topology.ts';
import { normals } from './random-vectors.ts';

const all: readonly AggregatorSpec[] = aggregators.flatMap(({ schema, examples }) =>
  examples.map((example): AggregatorSpec => schema.parse(example)),
);
/** How far liars a thousand times as long move it. */
const robust = [0, 2.5] as const;
const movedBy: Readonly<Record<string, readonly [number, number]>> = {
  mean: [100, Number.POSITIVE_INFINITY],
  // Each liar has the length of two honest vectors: 2/9 of 2 * 13.4.
  'norm-clip': [2, 8],
};
/** Of eight. */
const weights = new Array<number>(8).fill(1 / 9);
const centre = new Float64Array(20).fill(3);
const around = (count: number, seed: string) =>
  normals(count, 20, seed).map((noise) => noise.map((value, i) => centre[i]! + 0.3 * value));
const score = (vector: Vector) => squaredDistance(vector, centre.subarray(0, vector.length));

for (const spec of all) {
  describe(`aggregator ${JSON.stringify(spec)}`, () => {
    const rule = createAggregator(spec, 10);
    const aggregate = (own: Vector, others: readonly Vector[]) =>
      rule.aggregate({ own, others, weights: others.map((_, j) => weights[j]!), round: 1, score });

    test('equal vectors give that vector, in the precision given, and nothing is modified', () => {
      const values = [-1, -0.75, -0.5, -0.25, 0, 0.25];
      for (const like of [Float32Array, Float64Array]) {
        const own: Vector = like.from(values);
        const others = Array.from({ length: 8 }, () => own.slice());
        const result = aggregate(own, others);
        assert.ok(result instanceof like && result !== own);
        assert.ok(squaredDistance(result, own) < 1e-12);
        assert.deepEqual(others[7], own);
      }
    });

    test('without liars it ends near the honest mean', () => {
      const [own, ...others] = around(9, `honest/${spec.id}`);
      const gap = Math.sqrt(squaredDistance(aggregate(own!, others), meanOfVectors([own!, ...others])));
      assert.ok(gap < 1.6, `${gap}; the honest are 1.3 from their mean`);
    });

    test('the order of the others does not matter', () => {
      const [own, ...others] = around(9, `order/${spec.id}`);
      const one = aggregate(own!, others);
      const two = aggregate(own!, others.toReversed());
      assert.ok(squaredDistance(one, two) < 1e-20);
    });

    test('says what it needs: fewer vectors are refused, and without scores those that ask for them are', () => {
      const kind = aggregatorKind(spec);
      const least = kind.quorum?.(spec).vectors ?? 1;
      const [own, ...others] = around(9, `quorum/${spec.id}`);
      if (least > 1) {
        const few = others.slice(0, least - 2);
        assert.throws(() => aggregate(own!, few), { code: 'BAD_AGGREGATION', message: / needs at least / });
      }
      const enough = others.slice(0, Math.max(1, least - 1));
      assert.ok(aggregate(own!, enough).every(Number.isFinite));
      const blind = () =>
        rule.aggregate({ own: own!, others, weights: weights.slice(0, others.length), round: 1 });
      if (kind.needsScores?.(spec)) assert.throws(blind, /needs a score/);
      else assert.ok(blind().every(Number.isFinite));
    });

    test('vectors that are not finite are as if they had not come', () => {
      const [own, ...others] = around(9, `finite/${spec.id}`);
      const sound = others.slice(0, 6);
      const given = (vectors: readonly Vector[], shares: readonly number[]) =>
        rule.aggregate({ own: own!, others: vectors, weights: shares, round: 1, score });
      const without = given(sound, weights.slice(0, 6));
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
        const broken = others[7]!.slice();
        broken[3] = bad;
        assert.deepEqual(given([sound[0]!, broken, ...sound.slice(1)], weights.slice(0, 7)), without);
        assert.throws(
          () => rule.aggregate({ own: broken, others: sound, weights: weights.slice(0, 6), round: 1, score }),
          {
            code: 'BAD_AGGREGATION',
          },
        );
      }
      assert.throws(() => given(sound, []), { code: 'BAD_AGGREGATION', message: /0 weights/ });
      assert.throws(() => given([new Float64Array(3)], [0.1]), {
        code: 'BAD_AGGREGATION',
        message: /lengths/,
      });
    });

    test('two liars of nine move it as far as it lets them', () => {
      const liars = normals(2, 20, 'lie').map((x) => x.map((value) => 1000 * value));
      const [own, ...others] = [...around(7, `robust/${spec.id}`), ...liars];
      const gap = Math.sqrt(squaredDistance(aggregate(own!, others), centre));
      const [least, most] = movedBy[spec.id] ?? robust;
      assert.ok(gap >= least && gap < most, String(gap));
    });
  });
}

describe('facts about aggregators', () => {
  test('geometric median of (0,0), (3,0), (0,4), and of five points of which three coincide', () => {
    const at = (x: number, y: number) => Float64Array.of(x, y);
    const [x, y] = geometricMedian([at(0, 0), at(3, 0), at(0, 4)]);
    // The point (.69579, .75118), with x and y exchanged, has the larger sum of distances: 6.76997 against 6.76643.
    assert.ok(Math.abs(x! - 0.75118) < 1e-5 && Math.abs(y! - 0.69579) < 1e-5, `${x}, ${y}`);
    const many = geometricMedian([at(1, 2), at(9, 9), at(1, 2), at(-5, 0), at(1, 2)]);
    assert.deepEqual([...many], [1, 2]);
  });

  test('the geometric median has no lower sum of distances near by (slow twin: a grid)', () => {
    const points = normals(7, 2, 'grid');
    const cost = (x: Vector) => points.reduce((sum, point) => sum + Math.sqrt(squaredDistance(x, point)), 0);
    const best = geometricMedian(points);
    for (let dx = -20; dx <= 20; dx++) {
      for (let dy = -20; dy <= 20; dy++) {
        assert.ok(cost(best) <= cost(Float64Array.of(best[0]! + dx / 50, best[1]! + dy / 50)) + 1e-9);
      }
    }
  });

  test('Krum squares distances once', () => {
    const points = [0, 1, 3, 7, 20].map((x) => Float64Array.of(x));
    // n - f - 2 = 2 nearest of each: by hand.
    assert.deepEqual(krumScores(squaredDistances(points), 1), [1 + 9, 1 + 4, 4 + 9, 16 + 36, 169 + 289]);
  });

  test('clipping bounds what one neighbour can do: weight times radius', () => {
    const own = Float64Array.of(0, 0);
    const far = Float64Array.of(3e6, 4e6);
    const rule = createAggregator({ id: 'self-centred-clip', radius: 2, delta: 0.3 }, 1);
    const moved = rule.aggregate({ own, others: [far], weights: [0.25], round: 0 });
    assert.ok(Math.abs(norm(moved) - 0.5) < 1e-12);
  });

  /** Two cliques of `m` joined by one link, Metropolis-Hastings weights: x of each peer after some rounds. */
  const dumbbell = (
    m: number,
    rounds: number,
    step: (i: number, x: readonly Vector[], row: MixingRow) => Vector,
  ) => {
    const graph = Array.from({ length: 2 * m }, (_, i) => {
      const first = i < m ? 0 : m;
      const clique = Array.from({ length: m }, (_, k) => first + k).filter((j) => j !== i);
      return new Set([...clique, ...(i === 0 ? [m] : i === m ? [0] : [])]);
    });
    const rows = weighted(graph, 'metropolis-hastings');
    let x: Vector[] = rows.map((_, i) => Float64Array.of(i < m ? 0 : 200, i % m));
    for (let round = 0; round < rounds; round++) x = x.map((_, i) => step(i, x, rows[i]!));
    return { x, rows };
  };
  const clipping = (spec: { radius?: number; delta?: number }, knows: boolean) => {
    const rule = createAggregator({ id: 'self-centred-clip', ...spec }, 1);
    return (i: number, x: readonly Vector[], row: MixingRow): Vector => {
      const others = [...row.keys()].filter((j) => j !== i);
      return rule.aggregate({
        own: x[i]!,
        others: others.map((j) => x[j]!),
        weights: others.map((j) => row.get(j)!),
        round: 0,
        ...(knows ? { honest: others.map(() => true) } : {}),
      });
    };
  };

  test('clipping and a link that alone joins two parts: with the paper’s radius, a fixed one, or a delta below its weight they meet', () => {
    const gapOf = (spec: { radius?: number; delta?: number }, knows = false) => {
      const { x } = dumbbell(5, 3000, clipping(spec, knows));
      return Math.abs(x[2]![0]! - x[7]![0]!);
    };
    assert.ok(gapOf({}, true) < 1, 'nobody is dishonest: nothing is clipped');
    assert.ok(gapOf({ radius: 1 }) < 1);
    assert.ok(gapOf({ delta: 0.1 }) < 1, 'the link weighs 1/6');
    assert.ok(gapOf({ delta: 0.25 }) > 190, 'it looks like a dishonest neighbour');
  });

  test('centred clipping ends where clipped differences add up to nothing, which is what BTARD checks, and nowhere else', () => {
    const radius = 2;
    const others = [
      ...Array.from({ length: 7 }, (_, i) => Float64Array.of(i % 3, i)),
      Float64Array.of(900, -900),
    ];
    const own = Float64Array.of(1, 3);
    const rule = createAggregator({ id: 'centred-clip', radius, iterations: 100 }, 1);
    const end = rule.aggregate({ own, others, weights: others.map(() => 1), round: 0 });
    const sumAt = (centre: Vector): number =>
      norm(
        [own, ...others].reduce(
          (sum: Vector, vector) => {
            const apart = difference(vector, centre);
            const factor = Math.min(1, radius / (norm(apart) || 1));
            return sum.map((value, at) => value + factor * apart[at]!);
          },
          Float64Array.of(0, 0),
        ),
      );
    assert.ok(sumAt(end) < 1e-6, String(sumAt(end)));
    // Who sums up a part and tells another value is found out by anybody, whatever was sent.
    for (const by of [0.1, -0.1]) assert.ok(sumAt(end.map((value) => value + by)) > 0.1);
  });

  test('the radius of who knows who is honest is that of the paper', () => {
    const own = Float64Array.of(0);
    const others = [1, -2, 50].map((value) => Float64Array.of(value));
    const given = { own, others, weights: [0.2, 0.3, 0.1], round: 0, honest: [true, true, false] };
    const [moved] = createAggregator({ id: 'self-centred-clip' }, 1).aggregate(given);
    const tau = Math.sqrt((0.2 * 1 + 0.3 * 4) / 0.1);
    assert.ok(tau > 2);
    assert.ok(Math.abs(moved! - (0.2 * 1 - 0.3 * 2 + 0.1 * tau)) < 1e-12, String(moved));
  });

  test('dissensus as in the paper: with epsilon 1 a weighted mean stays where it is, above it moves away; clipping bounds it', () => {
    const { x, rows } = dumbbell(3, 0, (_, all) => all[0]!);
    const row = new Map(rows[0]!);
    const honest = [...row].filter(([j]) => j !== 0).map(([j, weight]) => ({ model: x[j]!, weight }));
    const lieWeight = 0.1;
    const after = (epsilon: number, spec: AggregatorInput) => {
      const lie = dissensusTo(x[0]!, honest, lieWeight, epsilon);
      const others = [...honest.map(({ model }) => model), lie];
      const weights = [...honest.map(({ weight }) => weight), lieWeight];
      return createAggregator(spec, 1).aggregate({ own: x[0]!, others, weights, round: 0 });
    };
    const pull = honest.reduce((sum, { model, weight }) => sum + weight * (model[0]! - x[0]![0]!), 0);
    assert.ok(Math.abs(after(1, { id: 'mean' })[0]! - x[0]![0]!) < 1e-9);
    assert.ok(Math.abs(after(3, { id: 'mean' })[0]! - (x[0]![0]! - 2 * pull)) < 1e-9);
    const clip = { id: 'self-centred-clip', radius: 5 } as const;
    assert.ok(norm(difference(after(1000, clip), x[0]!)) <= 5 * (1 - row.get(0)! + lieWeight) + 1e-9);
    assert.throws(() => dissensusTo(x[0]!, honest, 0, 1), RangeError);
  });

  test('too few vectors, and scores that are missing, are named', () => {
    const own = Float64Array.of(1);
    const input = { own, others: [own, own], weights: [0.3, 0.3], round: 0 };
    const few = (spec: AggregatorSpec) => () => createAggregator(spec, 1).aggregate(input);
    assert.throws(few({ id: 'krum', f: 1 }), {
      code: 'BAD_AGGREGATION',
      message: /krum needs at least 5 vectors \(2f \+ 3/,
    });
    assert.throws(few({ id: 'trimmed-mean', f: 2 }), /at least 5 vectors \(2f \+ 1/);
    assert.throws(few({ id: 'loss-gate', factor: 1 }), /needs a score/);
  });
});
