/** Who refuses whom where a testnet is parted, and how that is told. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { partsOf, partsText, refusalsOf } from '../../src/testnet/parts.ts';

const nodes = ['a', 'b', 'c', 'd'];
const refusals = (...sides: string[][]) => Object.fromEntries(refusalsOf(sides, nodes));

describe('sides of a testnet', () => {
  test('two halves refuse each other', () => {
    const halves = { a: ['c', 'd'], b: ['c', 'd'], c: ['a', 'b'], d: ['a', 'b'] };
    assert.deepEqual(refusals(['a', 'b'], ['c', 'd']), halves);
    assert.deepEqual(refusals(['b', 'a']), halves, 'of one side the others are the other one');
  });

  test('who stands on two sides holds them together', () => {
    assert.deepEqual(refusals(['a', 'b'], ['b', 'c', 'd']), { a: ['c', 'd'], b: [], c: ['a'], d: ['a'] });
  });

  test('what parts nobody, leaves somebody out or names a stranger is refused', () => {
    assert.throws(() => refusals(['a', 'b'], ['c']), { code: 'BAD_PARTS', message: /^d: on no side/ });
    assert.throws(() => refusals(nodes), { code: 'BAD_PARTS', message: /nothing is parted/ });
    assert.throws(() => refusals(['a', 'bootstrap-00']), {
      code: 'BAD_PARTS',
      message: /has no node bootstrap-00; it has a, b, c, d/,
    });
  });
});

describe('what is told of it', () => {
  const seen = (name: string, refusing: string[], alive = true) => ({
    ...{ name, alive, view: { peerKey: name, refusing } },
  });
  const text = (...all: ReturnType<typeof seen>[]): string | null => partsText(all);

  test('the parts, though one side alone still knows of it', () => {
    assert.equal(text(seen('a', []), seen('b', [])), null);
    assert.equal(
      text(seen('a', ['c']), seen('b', ['c']), seen('c', [])),
      'parted: a b | c',
      'c was started again and has forgotten',
    );
    assert.deepEqual(partsOf([seen('a', ['c']), seen('b', []), seen('c', [])]), {
      ...{ parts: [['a', 'b', 'c']], pairs: 1 },
    });
    assert.equal(
      text(seen('a', ['c']), seen('b', []), seen('c', ['a'])),
      'parted: 1 pair of nodes, and others hold them together',
    );
  });

  test('who is down refuses nobody', () => {
    assert.equal(text(seen('a', ['b'], false), seen('b', [])), null);
  });
});
