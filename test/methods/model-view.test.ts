import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initialVector, vectorHash } from '../../src/learning/initial.ts';
import type { Vector } from '../../src/math/vector.ts';
import { ModelView } from '../../src/methods/mixing/model-view.ts';
import { crypto } from '../log/small-run.ts';

test('a model is one object until it changes, and hashed once', () => {
  let hashed = 0;
  const counting = {
    ...crypto,
    sha256: (...parts: readonly Uint8Array[]) => {
      hashed += 1;
      return crypto.sha256(...parts);
    },
  };
  const start = initialVector({ kind: 'logistic-regression', inputs: 5, outputs: 3 }, 7);
  const peer: { model: Vector } = { model: Float64Array.from(start) };
  const view = new ModelView(peer, counting);
  assert.equal(view.current, view.current);
  assert.deepEqual(view.current, start);
  assert.equal(view.hash, vectorHash(start));
  assert.equal(view.hash, view.hash);
  assert.equal(hashed, 1);

  const next = start.map((value) => value + 1);
  peer.model = next;
  view.changed();
  assert.equal(view.current, next);
  assert.equal(view.hash, vectorHash(next));
  assert.equal(hashed, 2);
});
