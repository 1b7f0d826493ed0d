/** A model in two parts: what is cut is joined again, and what is a peer's own trains and stays. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { initialVector } from '../../src/learning/initial.ts';
import { PersonalLearner } from '../../src/learning/personal-learner.ts';
import { createTfjsLearner } from '../../src/learning/tfjs/tfjs-learner.ts';
import { modelLayout } from '../../src/tasks/models/model-layout.ts';
import { impossibleShare, ModelParts } from '../../src/tasks/models/personal-layers.ts';
import { isNoModel, type ModelSpec, modelKinds } from '../../src/tasks/models/registry.ts';
import { smallDataset, smallModel, smallTraining } from './small-data.ts';

describe('the parts of a model', () => {
  const models = modelKinds
    .flatMap(({ examples }): readonly ModelSpec[] => examples)
    .filter((model) => !isNoModel(model));
  const cut = fc.constantFrom(...models).chain((model) =>
    fc.record({
      model: fc.constant(model),
      names: fc.subarray(modelLayout(model).map(({ name }) => name)),
    }),
  );

  test('are every number once, whatever is shared, and join to what they were', () => {
    fc.assert(
      fc.property(cut, ({ model, names }) => {
        const parts = new ModelParts(model, names);
        const last = modelLayout(model).at(-1)!;
        const vector = Float32Array.from({ length: last.at + last.length }, (_, at) => at);
        const { shared, personal } = parts.split(vector);
        assert.deepEqual([shared.length, personal.length], [parts.shared, parts.personal]);
        assert.deepEqual(new Set([...shared, ...personal]).size, vector.length);
        assert.deepEqual(parts.join(shared, personal), vector);
        for (const { name, at, length } of modelLayout(model)) {
          const own = vector.subarray(at, at + length);
          const part = names.includes(name) ? shared : personal;
          const place = part.indexOf(own[0]!);
          assert.deepEqual(part.subarray(place, place + length), own, name);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('go by names with stars', () => {
    const parts = (...names: string[]) => new ModelParts(smallModel, names).personalNames;
    assert.deepEqual(parts('dense_0/*', '*_1/kernel'), ['dense_1/bias', 'dense_2/kernel', 'dense_2/bias']);
    assert.deepEqual(parts('*'), []);
    assert.deepEqual(parts('*kernel*'), ['dense_0/bias', 'dense_1/bias', 'dense_2/bias']);
    assert.deepEqual(parts('d*0*s'), [
      'dense_0/kernel',
      ...['dense_1/kernel', 'dense_1/bias', 'dense_2/kernel', 'dense_2/bias'],
    ]);
  });

  test('a name of many stars takes no time', () => {
    const began = performance.now();
    new ModelParts({ ...smallModel }, ['*a'.repeat(99), `${'*'.repeat(199)}x`]);
    assert.ok(performance.now() - began < 200);
  });

  test('are refused where a name means nothing, and where nothing is left', () => {
    assert.deepEqual(impossibleShare(smallModel, ['dense_0/*', 'dense_7/*']), {
      path: ['shared', '1'],
      message:
        'no tensor is called so: there are dense_0/kernel, dense_0/bias, dense_1/kernel, dense_1/bias, dense_2/kernel, dense_2/bias',
    });
    assert.match(impossibleShare(smallModel, ['*'])!.message, /must leave a tensor that is not shared/);
    assert.equal(impossibleShare(smallModel, ['dense_0/*']), null);
    assert.equal(impossibleShare(smallModel, undefined), null);
  });
});

test('a learner of shared tensors trains the others with them, and keeps them before it answers', async () => {
  const whole = await createTfjsLearner({
    model: smallModel,
    training: smallTraining,
    rounds: 10,
    shares: [smallDataset('share-0', 200)],
    heldOut: smallDataset('held-out', 300),
    backend: 'wasm',
  });
  const parts = new ModelParts(smallModel, ['dense_0/*', 'dense_1/*']);
  const start = initialVector(smallModel, 1);
  const { shared, personal } = parts.split(start);
  const kept: Float32Array[] = [];
  const learner = new PersonalLearner(whole, {
    parts,
    personal,
    keep: async (vector) => void kept.push(vector),
  });
  assert.equal(learner.size, shared.length);
  const request = { parameters: shared, steps: 20, round: 0, streamKey: 'a', share: 0 };
  const expected = await whole.train({ ...request, parameters: start });
  const first = await learner.train(request);
  assert.deepEqual(parts.join(first.parameters, kept[0]!), expected.parameters);
  assert.equal(first.loss, expected.loss);
  // The second goes on with what the first has made of them.
  const second = await learner.train({ ...request, parameters: first.parameters });
  const on = await whole.train({ ...request, parameters: expected.parameters });
  assert.deepEqual(parts.join(second.parameters, kept[1]!), on.parameters);
  assert.deepEqual(learner.whole(second.parameters), on.parameters);
  assert.deepEqual(await learner.evaluate(second.parameters), await whole.evaluate(on.parameters));
  assert.deepEqual(
    await learner.score([first.parameters, second.parameters], 0),
    await whole.score([parts.join(first.parameters, kept[1]!), on.parameters], 0),
  );
  // What cannot be kept, or was not trained to its end, is as if it had not been.
  const aborted = AbortSignal.abort(new Error('no more'));
  await assert.rejects(learner.train({ ...request, parameters: shared }, aborted), /no more/);
  const forgetful = new PersonalLearner(whole, {
    parts,
    personal,
    keep: async () => assert.fail('the disk is full'),
  });
  await assert.rejects(forgetful.train(request), /the disk is full/);
  assert.deepEqual(forgetful.whole(shared), start);
  assert.deepEqual(learner.whole(second.parameters), on.parameters);
  await assert.rejects(learner.train({ ...request, parameters: start }), RangeError);
  await learner.close();
});
