import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampledShapley } from '../../src/ledger/shapley.ts';
import { rngFor } from '../../src/math/rng.ts';
import { exactShapley } from './exact-shapley.ts';

test('where the whole is the sum of its parts, any order gives the parts, harm among them', async () => {
  const parts = [1, 2, -2, 0];
  const value = async (members: readonly number[]) => members.reduce((sum, m) => sum + parts[m]!, 0);
  const values = await sampledShapley(4, 3, value, rngFor('additive'));
  assert.deepEqual(values, parts);
  assert.deepEqual(await exactShapley(4, value), parts);
});

test('the glove game, whose Shapley values are known: two left gloves and a right one', async () => {
  const value = async (members: readonly number[]) => (members.includes(2) && members.length > 1 ? 1 : 0);
  const exact = await exactShapley(3, value);
  const known = [1 / 6, 1 / 6, 2 / 3];
  for (const [player, share] of known.entries()) assert.ok(Math.abs(exact[player]! - share) < 1e-12);
  const values = await sampledShapley(3, 3000, value, rngFor('gloves'));
  for (const [player, share] of known.entries()) assert.ok(Math.abs(values[player]! - share) < 0.03);
});
