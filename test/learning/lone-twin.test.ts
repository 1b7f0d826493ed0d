import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { initialVector } from '../../src/learning/initial.ts';
import type { Learner } from '../../src/learning/learner.ts';
import { withLoneTwin } from '../../src/learning/lone-twin.ts';
import { createTfjsLearner } from '../../src/learning/tfjs/tfjs-learner.ts';
import { testLearner } from './learner-contract.ts';
import { smallDataset, smallModel, smallTraining } from './small-data.ts';

const make = (examples = 200): Promise<Learner> =>
  createTfjsLearner({
    model: smallModel,
    training: smallTraining,
    rounds: 10,
    shares: [smallDataset('twin', 200), smallDataset('twin-other', examples)],
    heldOut: smallDataset('twin-held-out', 300),
    backend: 'wasm',
  });
const start = initialVector(smallModel, 1);

testLearner({
  name: 'with a twin that trains alone beside',
  make: async () => withLoneTwin(await make(3), start),
  makeEmpty: async () => withLoneTwin(await make(0), start),
  start: () => start.slice(),
  shares: 2,
  stopsWhileRunning: true,
  endsEarly: true,
});

describe('a twin that trains alone', () => {
  const request = (round: number, parameters: Float32Array) => ({
    parameters,
    steps: 10 + round,
    round,
    streamKey: `twin/${round}`,
    share: 0,
  });

  test('does the same steps on the same batches from its own parameters, whatever the others bring', async () => {
    const plain = await make();
    const twinned = withLoneTwin(await make(), start);
    assert.deepEqual(await twinned.evaluate(start), await plain.evaluate(start), 'nothing to say yet');
    let alone: Float32Array = start;
    let together: Float32Array = start;
    for (let round = 0; round < 4; round++) {
      // What the others bring moves the model before each round.
      together = together.map((value, index) => value + 0.05 * Math.sin(index + round));
      const result = await twinned.train(request(round, together));
      assert.deepEqual(result, await plain.train(request(round, together)), 'the node itself is not touched');
      together = result.parameters;
      alone = (await plain.train(request(round, alone))).parameters;
    }
    const { alone: told, ...metrics } = await twinned.evaluate(together);
    assert.deepEqual(metrics, await plain.evaluate(together));
    const { accuracy, loss } = await plain.evaluate(alone);
    assert.deepEqual(told, { accuracy, loss, steps: 10 + 11 + 12 + 13 });
    assert.notEqual(loss, metrics.loss);
    await Promise.all([plain.close(), twinned.close()]);
  });

  test('is given up where it fails, and the node goes on', async () => {
    const learner = await make();
    const spoiled = start.map(() => Number.POSITIVE_INFINITY);
    const twinned = withLoneTwin(learner, spoiled);
    const result = await twinned.train(request(0, start));
    assert.ok(result.parameters.every(Number.isFinite));
    assert.equal((await twinned.evaluate(result.parameters)).alone, undefined);
    await twinned.close();
  });
});
