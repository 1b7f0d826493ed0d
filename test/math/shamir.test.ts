/** A secret among many: any threshold of them puts it together, and fewer could have been given any other. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fieldBytes, fieldElement, secretOf, sharesOf } from '../../src/math/shamir.ts';

const fieldPrime = 2n ** 255n - 19n;
const element = fc.bigInt({ min: 0n, max: fieldPrime - 1n });

/** Coefficients, and which of the points come together. */
const shared = fc
  .record({ points: fc.integer({ min: 1, max: 24 }), secret: element, seed: fc.nat() })
  .chain(({ points, secret }) =>
    fc.integer({ min: 1, max: points }).chain((threshold) =>
      fc.record({
        secret: fc.constant(secret),
        points: fc.constant(points),
        threshold: fc.constant(threshold),
        coefficients: fc.array(element, { minLength: threshold - 1, maxLength: threshold - 1 }),
        chosen: fc.shuffledSubarray(
          Array.from({ length: points }, (_, index) => index),
          { minLength: threshold, maxLength: threshold },
        ),
      }),
    ),
  );

/** The value of the polynomial by powers, one after the other. */
function slowShare(secret: bigint, coefficients: readonly bigint[], x: bigint): bigint {
  return [secret, ...coefficients].reduce((sum, a, power) => (sum + a * x ** BigInt(power)) % fieldPrime, 0n);
}

describe("Shamir's sharing of secrets", () => {
  test('the prime is one: by Miller and Rabin, twenty bases', () => {
    const power = (base: bigint, exponent: bigint): bigint => {
      let [result, factor] = [1n, base];
      for (let rest = exponent; rest > 0n; rest >>= 1n) {
        if (rest & 1n) result = (result * factor) % fieldPrime;
        factor = (factor * factor) % fieldPrime;
      }
      return result;
    };
    // p - 1 = 4 d with d odd.
    const d = (fieldPrime - 1n) / 4n;
    assert.equal(d % 2n, 1n);
    for (let base = 2n; base < 22n; base++) {
      const x = power(base, d);
      assert.ok(x === 1n || x === fieldPrime - 1n || (x * x) % fieldPrime === fieldPrime - 1n);
    }
  });

  test('shares are values of the polynomial, and any threshold of them gives the secret back', () => {
    fc.assert(
      fc.property(shared, ({ secret, points, coefficients, chosen }) => {
        const shares = sharesOf(secret, coefficients, points);
        for (const [index, value] of shares.entries())
          assert.equal(value, slowShare(secret, coefficients, BigInt(index + 1)));
        const together = chosen.map((index) => ({ point: index + 1, value: shares[index]! }));
        assert.equal(secretOf(together), secret);
      }),
      { numRuns: 200 },
    );
  });

  test('fewer than the threshold go with every secret alike', () => {
    fc.assert(
      fc.property(shared, element, ({ secret, points, threshold, coefficients, chosen }, other) => {
        fc.pre(threshold > 1);
        const shares = sharesOf(secret, coefficients, points);
        const few = chosen.slice(1).map((index) => ({ point: index + 1, value: shares[index]! }));
        // The polynomial of the same degree through what they have and any other secret exists: its value at one more point.
        const missing = points + 1;
        const through = [{ point: 0, value: other }, ...few];
        const value = through.reduce((sum, { point, value: y }) => {
          const others = through.filter((one) => one.point !== point);
          const over = others.reduce((product, one) => product * BigInt(missing - one.point), 1n);
          const under = others.reduce((product, one) => product * BigInt(point - one.point), 1n);
          return sum + y * over * inverse(under);
        }, 0n);
        const positive = ((value % fieldPrime) + fieldPrime) % fieldPrime;
        assert.equal(secretOf([...few, { point: missing, value: positive }]), other);
      }),
      { numRuns: 50 },
    );
  });

  test('elements are 32 bytes, and bytes beyond the prime are none', () => {
    fc.assert(fc.property(element, (value) => fieldElement(fieldBytes(value)) === value));
    assert.equal(fieldElement(fieldBytes(fieldPrime)), null);
    assert.equal(fieldElement(new Uint8Array(32).fill(255)), null);
    assert.equal(fieldBytes(fieldPrime - 1n)[0], 0x7f);
  });
});

/** By Fermat: the slow twin of Euclid. */
function inverse(value: bigint): bigint {
  let [result, factor] = [1n, ((value % fieldPrime) + fieldPrime) % fieldPrime];
  for (let rest = fieldPrime - 2n; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * factor) % fieldPrime;
    factor = (factor * factor) % fieldPrime;
  }
  return result;
}
