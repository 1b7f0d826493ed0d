/** The contract that every attack on training keeps. What harm they do is in test/sim/adversaries.test.ts. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Vector } from '../../src/math/vector.ts';
import type { AttackInput, AttackKind } from '../../src/methods/attacks/attack.ts';
import { dormant } from '../../src/methods/attacks/dormant.ts';
import { type AttackSpec, attacks, createAttack } from '../../src/methods/attacks/registry.ts';
import { byId } from '../../src/registry/registry.ts';
import { normals } from './random-vectors.ts';

const all: readonly AttackSpec[] = attacks.flatMap(({ schema, examples }) =>
  examples.map((example): AttackSpec => schema.parse(example)),
);

/** What an attacker who sees everything is given; the same numbers at every call. */
function given(round: number, knows = true): AttackInput {
  const [own, model, updateMean, modelMean, newest] = normals(5, 12, `attack/${round}`) as Vector[];
  const updateVariance = updateMean!.map((value) => value * value);
  const honest = { updateMean: updateMean!, updateVariance, modelMean: modelMean!, newest: newest! };
  return { round, own: own!, model: model!, honest: knows ? honest : null };
}

for (const spec of all) {
  describe(`attack ${JSON.stringify(spec)}`, () => {
    const kind = byId<AttackKind>(attacks, spec.id);

    test('claims a fresh, finite vector that is not its own, or trains on other labels', () => {
      const input = given(4);
      const attacker = createAttack(spec);
      attacker.claim(given(3));
      const claim = attacker.claim(input);
      assert.deepEqual(input, given(4), 'what it was given is as it was');
      if (kind.relabel) {
        const labels = Uint8Array.of(0, 1, 2, 2);
        const relabelled = kind.relabel(labels, 3);
        assert.deepEqual(labels, Uint8Array.of(0, 1, 2, 2));
        assert.equal(relabelled.length, labels.length);
        assert.ok(relabelled.every((label) => label < 3));
        assert.notDeepEqual(relabelled, labels);
        return;
      }
      assert.ok(claim && claim.length === input.own.length && claim.every(Number.isFinite));
      assert.notDeepEqual(claim, input.own);
      const known = [input.own, input.model, ...Object.values(input.honest!)] as Vector[];
      assert.ok(!known.includes(claim), 'a vector of somebody else');
    });

    test('says whether it must know of the others: without, it is honest where it must', () => {
      if (kind.relabel) return assert.equal(kind.needsHonest, false);
      assert.equal(createAttack(spec).claim(given(3, false)) === null, kind.needsHonest);
    });

    test('is honest before its round', () => {
      const late = dormant(5, createAttack(spec));
      assert.equal(late.claim(given(4)), null);
      assert.deepEqual(late.claim(given(5)), createAttack(spec).claim(given(5)));
    });
  });
}
