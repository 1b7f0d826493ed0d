/** The contract that every topology keeps, and what the literature says of some. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  createTopology,
  type TopologyInput,
  type TopologySpec,
  topologies,
  topologyKind,
} from '../../src/methods/topologies/registry.ts';
import { consensusDistance, secondEigenvalue, spectralNorm } from '../../src/methods/topologies/spectrum.ts';
import {
  columnOf,
  denseMatrix,
  meansOfGroups,
  mixOnce,
  TopologyError,
} from '../../src/methods/topologies/topology.ts';
import { farthest, normals, spread } from './random-vectors.ts';

const weights = 'metropolis-hastings';
const all: readonly TopologySpec[] = [
  ...topologies.flatMap(({ schema, examples }) =>
    examples.map((example): TopologySpec => schema.parse(example)),
  ),
  { id: 'torus', weights: 'uniform' },
  { id: 'random-regular', degree: 15, weights: 'uniform' },
  { id: 'small-world', degree: 4, rewiring: 0.3, weights },
];
/** Squares, powers, odd and even ones: a topology must be possible for some of them. */
const sizes = [9, 16, 18, 25, 27];
const fits = (spec: TopologySpec, n: number): boolean => {
  try {
    createTopology(spec, n, 'seed');
    return true;
  } catch (error) {
    assert.ok(error instanceof TopologyError);
    return false;
  }
};

for (const spec of all) {
  describe(`topology ${JSON.stringify(spec)}`, () => {
    const kind = topologyKind(spec);
    const possible = sizes.filter((size) => fits(spec, size));

    test('is possible for some number of peers', () => {
      assert.ok(possible.length > 0);
    });

    for (const n of possible) {
      const topology = createTopology(spec, n, 'seed');
      const rounds = [0, 1, 2, 7, 40];

      test(`${n} peers: weights are not negative, columns sum to one, rows too where it says so`, () => {
        for (const round of rounds) {
          const matrix = denseMatrix(topology.matrix(round));
          assert.equal(matrix.length, n);
          for (let i = 0; i < n; i++) {
            assert.ok(matrix[i]!.every((weight) => weight >= -1e-15));
            const column = matrix.reduce((sum, row) => sum + row[i]!, 0);
            assert.ok(Math.abs(column - 1) < 1e-12, `column ${i} sums to ${column}`);
            const row = matrix[i]!.reduce((sum, weight) => sum + weight, 0);
            if (kind.stochastic === 'doubly') assert.ok(Math.abs(row - 1) < 1e-12, `row ${i}: ${row}`);
          }
        }
      });

      test(`${n} peers: symmetric where it says so, repeats with its period, the same for all who know the seed`, () => {
        const again = createTopology(spec, n, 'seed');
        for (const round of rounds) {
          const rows = topology.matrix(round);
          assert.deepEqual(again.matrix(round), rows);
          if (kind.isStatic) assert.equal(topology.period, 1);
          if (topology.period !== null) assert.deepEqual(topology.matrix(round + topology.period), rows);
          if (!kind.isSymmetric) continue;
          for (const [i, row] of rows.entries()) {
            for (const [j, weight] of row) assert.ok(Math.abs(rows[j]!.get(i)! - weight) < 1e-15);
          }
        }
      });

      test(`${n} peers: a column names those who take from a peer`, () => {
        const rows = topology.matrix(3);
        for (let peer = 0; peer < n; peer++) {
          for (const [to, weight] of columnOf(rows, peer)) assert.equal(rows[to]!.get(peer), weight);
        }
      });

      test(`${n} peers: each sends to no more than it says, on average`, () => {
        for (const round of rounds) {
          const edges = topology
            .matrix(round)
            .reduce((sum, row, i) => sum + row.size - (row.has(i) ? 1 : 0), 0);
          assert.ok(edges / n <= kind.degree(spec, n), `${edges} edges of ${n} peers`);
        }
      });

      test(`${n} peers: everybody hears of everybody in the end`, () => {
        let heard: Float64Array[] = Array.from({ length: n }, (_, i) =>
          Float64Array.from({ length: n }, (_, j) => Number(i === j)),
        );
        for (let round = 0; round < 4 * n; round++) heard = mixOnce(topology.matrix(round), heard);
        assert.ok(heard.every((row) => row.every((weight) => weight > 0)));
      });
    }
  });
}

describe('facts about topologies', () => {
  test('second eigenvalues of a ring with 1/3 and of a torus with 1/5, to 1e-6', () => {
    for (const n of [5, 12, 32, 1000]) {
      const value = secondEigenvalue(createTopology({ id: 'ring', weights: 'uniform' }, n, '').matrix(0));
      assert.ok(Math.abs(value - (1 / 3 + (2 / 3) * Math.cos((2 * Math.PI) / n))) < 1e-6, `${n}: ${value}`);
    }
    for (const side of [3, 4, 6]) {
      const rows = createTopology({ id: 'torus', weights: 'uniform' }, side * side, '').matrix(0);
      const value = secondEigenvalue(rows);
      assert.ok(Math.abs(value - (3 + 2 * Math.cos((2 * Math.PI) / side)) / 5) < 1e-6, `${side}: ${value}`);
    }
  });

  test('the spectral norm of what has directions: 1 - 2 / (1 + ceil(log2 n)) for even n (Ying 2021), and what one round leaves', () => {
    for (const n of [6, 16, 34, 64]) {
      const norm = spectralNorm(createTopology({ id: 'static-exponential' }, n, '').matrix(0));
      assert.ok(Math.abs(norm - (1 - 2 / (1 + Math.ceil(Math.log2(n))))) < 1e-9, `${n}: ${norm}`);
    }
    const rows = createTopology({ id: 'static-exponential' }, 25, '').matrix(0);
    const norm = spectralNorm(rows);
    const x = normals(25, 300, 'norm');
    const left = consensusDistance(mixOnce(rows, x)) / consensusDistance(x);
    assert.ok(left <= norm ** 2 && left > 0.1 * norm ** 2, `${left}, at most ${norm ** 2}`);
    const [first] = [createTopology({ id: 'one-peer-exponential' }, 8, '').matrix(0)];
    assert.ok(Math.abs(spectralNorm(first!) - Math.cos(Math.PI / 8)) < 1e-9, String(spectralNorm(first!)));
    assert.equal(consensusDistance([Float64Array.of(0, 1), Float64Array.of(2, 1)]), 1);
  });

  test('a figure that has no meaning, or was not found, is an error', () => {
    const matrix = (spec: TopologyInput, n: number) => createTopology(spec, n, 'seed').matrix(0);
    const exponential = matrix({ id: 'static-exponential' }, 8);
    assert.throws(() => secondEigenvalue(exponential), {
      code: 'BAD_TOPOLOGY',
      message: /not symmetric.*spectralNorm/,
    });
    const pushed = matrix({ id: 'epidemic-local', fanout: 2 }, 8);
    assert.throws(() => spectralNorm(pushed), { code: 'BAD_TOPOLOGY', message: /weights of \d+ sum to/ });
    const ring = matrix({ id: 'ring' }, 1000);
    assert.throws(() => secondEigenvalue(ring, 50), {
      code: 'BAD_TOPOLOGY',
      message: /was not found in \d+ steps/,
    });
    assert.ok(Math.abs(secondEigenvalue(meansOfGroups(2, [])) - 1) < 1e-9, 'nobody mixes');
    assert.ok(secondEigenvalue(matrix({ id: 'complete' }, 9)) < 1e-9);
    assert.equal(secondEigenvalue(meansOfGroups(1, [])), 0);
  });

  test('the one-peer exponential graph averages exactly after log2 n rounds', () => {
    for (const n of [8, 16, 32, 64]) {
      const topology = createTopology({ id: 'one-peer-exponential' }, n, '');
      let x = normals(n, 5, `fact 2/${n}`);
      for (let round = 0; round < Math.log2(n) - 1; round++) x = mixOnce(topology.matrix(round), x);
      assert.ok(farthest(x) > 1e-3, 'not earlier');
      x = mixOnce(topology.matrix(Math.log2(n) - 1), x);
      assert.ok(farthest(x) < 1e-12);
    }
  });

  test('the base-(k+1) graph averages exactly for n from 2 to 64 and k from 1 to 4', () => {
    for (let n = 2; n <= 64; n++) {
      for (let k = 1; k <= 4; k++) {
        const { period, matrix } = createTopology({ id: 'base-graph', degree: k }, n, '');
        assert.ok(period! <= 2 * (Math.log(n) / Math.log(k + 1)) + 2 + 1e-9, `${n}, ${k}: ${period} rounds`);
        let x: Float64Array[] = Array.from({ length: n }, (_, i) =>
          Float64Array.from({ length: n }, (_, j) => Number(i === j)),
        );
        for (let round = 0; round < period!; round++) {
          const rows = matrix(round);
          for (const row of rows) {
            assert.ok(row.size - 1 <= k);
            assert.ok(Math.abs([...row.values()].reduce((sum, weight) => sum + weight, 0) - 1) < 1e-12);
          }
          x = mixOnce(rows, x);
        }
        assert.ok(
          x.every((row) => row.every((weight) => Math.abs(weight - 1 / n) < 1e-9)),
          `${n}, ${k}`,
        );
      }
    }
  });

  // Rounds of the authors' implementation (github.com/yukiTakezawa/BaseGraph) for n from 2 to 33.
  const lengths: readonly (readonly number[])[] = [
    [1, 3, 2, 5, 4, 5, 3, 7, 6, 7, 5, 7, 6, 7, 4, 9, 8, 9, 7, 9, 8, 9, 6, 9, 8, 9, 7, 9, 8, 9, 5, 11],
    [1, 1, 2, 3, 2, 4, 3, 2, 4, 5, 3, 5, 5, 4, 4, 5, 3, 6, 5, 5, 6, 6, 4, 6, 6, 3, 6, 7, 5, 7, 5, 6],
    [1, 1, 1, 3, 2, 3, 2, 2, 4, 4, 2, 4, 4, 4, 2, 5, 3, 5, 4, 4, 5, 5, 3, 5, 5, 3, 4, 5, 5, 5, 3, 5],
    [1, 1, 1, 1, 2, 3, 2, 2, 2, 4, 2, 4, 4, 2, 2, 4, 3, 4, 2, 4, 4, 4, 3, 2, 5, 3, 4, 5, 3, 5, 3, 5],
  ];
  for (const [at, expected] of lengths.entries()) {
    test(`the base-(k+1) graph of k = ${at + 1} is as long as that of its authors`, () => {
      const ours = expected.map(
        (_, i) => createTopology({ id: 'base-graph', degree: at + 1 }, i + 2, '').period,
      );
      assert.deepEqual(ours, expected);
    });
  }

  test('random pairs shrink variance by (n-2)/(2(n-1)) a round, one pair by 1 - 1/(n-1), within 1 %', () => {
    const n = 16;
    const topology = createTopology({ id: 'random-matching' }, n, 'fact 4');
    const x = normals(n, 400, 'fact 4');
    const before = spread(x);
    let matched = 0;
    let paired = 0;
    const rounds = 3000;
    for (let round = 0; round < rounds; round++) {
      const rows = topology.matrix(round);
      matched +=
        spread(
          mixOnce(
            rows,
            x.map((vector) => vector.subarray(0, 8)),
          ),
        ) / spread(x.map((vector) => vector.subarray(0, 8)));
      const pair = [...rows[round % n]!.keys()];
      const one = x.map((vector, i) =>
        pair.includes(i) ? vector.map((_, k) => (x[pair[0]!]![k]! + x[pair[1]!]![k]!) / 2) : vector,
      );
      paired += spread(one) / before;
    }
    const expected = (n - 2) / (2 * (n - 1));
    assert.ok(Math.abs(matched / rounds / expected - 1) < 0.01, `${matched / rounds} against ${expected}`);
    assert.ok(Math.abs(paired / rounds / (1 - 1 / (n - 1)) - 1) < 0.01, String(paired / rounds));
  });
});

describe('impossible topologies', () => {
  const refused: readonly (readonly [TopologySpec, number, RegExp])[] = [
    [{ id: 'ring', weights }, 2, /at least 3 peers, not 2/],
    [{ id: 'torus', weights }, 12, /s x s peers.*not 12/],
    [{ id: 'random-regular', degree: 3, weights }, 5, /an odd number/],
    [{ id: 'random-regular', degree: 8, weights }, 8, /at most 7 neighbours, not 8/],
    [{ id: 'epidemic-local', fanout: 4 }, 4, /at most 3 others/],
    [{ id: 'moshpit-grid', dimensions: 5 }, 16, /1 to 4 axes.*not 5/],
    [{ id: 'small-world', degree: 3, rewiring: 0.1, weights }, 10, /must be even/],
    [{ id: 'moshpit-grid', dimensions: 2, side: 3 }, 10, /2 axes of 3 are 9 places, fewer than 10/],
    [{ id: 'ring', weights }, 2.5, /no 2.5 peers/],
  ];
  for (const [spec, peers, message] of refused) {
    test(`${JSON.stringify(spec)} of ${peers}`, () => {
      assert.throws(() => createTopology(spec, peers, ''), { code: 'BAD_TOPOLOGY', message });
    });
  }

  test('what no manifest could say, and rounds that there are not', () => {
    const made = (spec: unknown) => () => createTopology(spec as TopologyInput, 9, '');
    assert.throws(made({ id: 'rng' }), {
      code: 'BAD_SPEC',
      message: /topology "rng" is not registered; there are ring, /,
    });
    assert.throws(made({ id: 'base-graph', degree: 0 }), { code: 'BAD_SPEC', message: /degree/ });
    assert.throws(made({ id: 'base-graph' }), { code: 'BAD_SPEC', message: /degree/ });
    assert.throws(made({}), { code: 'BAD_SPEC', message: /without an id/ });
    const ring = createTopology({ id: 'ring' }, 9, '');
    assert.equal(ring.matrix(0)[0]!.get(1), 1 / 3, 'the default weights');
    for (const round of [-1, 0.5, Number.NaN]) {
      assert.throws(() => ring.matrix(round), { code: 'BAD_TOPOLOGY', message: /no round/ });
    }
  });
});
