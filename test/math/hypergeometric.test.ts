/** Draws without replacement against counting, and figures by hand. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dishonestPulls, hypergeometricTail } from '../../src/math/hypergeometric.ts';

describe('draws without replacement', () => {
  test('the tail is what counting all draws gives', () => {
    const [population, marked, drawn] = [10, 4, 5];
    const counts = new Array<number>(drawn + 1).fill(0);
    let all = 0;
    for (let set = 0; set < 1 << population; set++) {
      const bits = [...set.toString(2)].filter((bit) => bit === '1').length;
      if (bits !== drawn) continue;
      all++;
      counts[[...(set & ((1 << marked) - 1)).toString(2)].filter((bit) => bit === '1').length]!++;
    }
    for (let most = -1; most <= drawn; most++) {
      const above = counts.reduce((sum, count, k) => (k > most ? sum + count : sum), 0) / all;
      const tail = hypergeometricTail(population, marked, drawn, most);
      assert.ok(Math.abs(tail - above) < 1e-12, `${most}: ${tail}, counted ${above}`);
    }
    assert.throws(() => hypergeometricTail(5, 6, 1, 0), RangeError);
    assert.throws(() => hypergeometricTail(5, 1.5, 1, 0), RangeError);
  });

  test('how many dishonest ones anybody ever hears: all of them where all are asked, none where there are none', () => {
    const world = { peers: 100, dishonest: 10, rounds: 200, chance: 0.01 };
    assert.equal(dishonestPulls({ ...world, pulls: 99 }), 10);
    assert.equal(dishonestPulls({ ...world, dishonest: 0, pulls: 15 }), 0);
    const few = dishonestPulls({ ...world, pulls: 15 });
    // The least that is enough: 18,000 draws.
    assert.ok(18_000 * hypergeometricTail(99, 10, 15, few) <= 0.01);
    assert.ok(18_000 * hypergeometricTail(99, 10, 15, few - 1) > 0.01);
    assert.ok(dishonestPulls({ ...world, pulls: 15, chance: 0.5 }) <= few);
  });
});
