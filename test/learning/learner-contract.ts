/** What every learner promises, whatever trains behind it: one suite for all implementations of the port. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Learner, TrainRequest } from '../../src/learning/learner.ts';
import { measureSchema } from '../../src/tasks/measure-schema.ts';

export interface LearnerCase {
  readonly name: string;
  /** A learner of its own for each call, with at least two shares unless it serves one. */
  make(): Promise<Learner>;
  /** A vector that a few steps of training make better. */
  start(size: number): Float32Array;
  readonly shares: number;
  /** Whether a call that runs can be stopped; else only one that has not begun. */
  readonly stopsWhileRunning: boolean;
  /** Whether a training ends with fewer steps where those are enough; else it goes on. */
  readonly endsEarly: boolean;
  /** Makes one that has nothing to learn from, where it learns from data. */
  makeEmpty?(): Promise<Learner>;
}

/** No learner gets to the end of it. */
const endlessSteps = 1_000_000_000;

export function testLearner(one: LearnerCase): void {
  describe(one.name, () => {
    let learner: Learner;
    let start: Float32Array;
    let request: TrainRequest;
    before(async () => {
      learner = await one.make();
      start = one.start(learner.size);
      request = { parameters: start, steps: 6, round: 0, streamKey: 'run/peer/4', share: one.shares - 1 };
    });
    after(() => learner?.close());

    test('says its size and what it computes on', () => {
      assert.ok(Number.isSafeInteger(learner.size) && learner.size > 0);
      assert.ok(learner.backend.length > 10);
    });

    test('the same request gives the same bits, alone or beside others; another stream key gives others', async () => {
      const first = await learner.train(request);
      const [second, other] = await Promise.all([
        learner.train(request),
        learner.train({ ...request, streamKey: 'run/peer/5' }),
      ]);
      assert.deepEqual(second, first);
      assert.notDeepEqual(other!.parameters, first.parameters);
      const again = await one.make();
      assert.deepEqual(await again.train(request), first, 'a second learner of the same kind');
      await again.close();
    });

    test('takes as many steps as it is told', async () => {
      const lossSums: number[] = [];
      const ends: Float32Array[] = [];
      for (const steps of [1, 2, 3, 6]) {
        const { parameters, loss } = await learner.train({ ...request, steps });
        lossSums.push(loss * steps);
        ends.push(parameters);
      }
      for (let index = 1; index < ends.length; index++) {
        assert.notDeepEqual(ends[index], ends[index - 1]);
        assert.ok(lossSums[index]! > lossSums[index - 1]!, 'each step adds its loss to those before');
      }
      for (const steps of [0, -1, 1.5, Number.NaN]) {
        await assert.rejects(learner.train({ ...request, steps }), RangeError);
      }
    });

    test('gives a new vector of finite numbers and leaves those it is given alone', async () => {
      const kept = start.slice();
      const { parameters, loss } = await learner.train(request);
      await learner.score([start, parameters], request.share);
      await learner.evaluate(start);
      assert.deepEqual(start, kept);
      assert.equal(parameters.length, learner.size);
      assert.notEqual(parameters.buffer, start.buffer);
      assert.ok(parameters.every(Number.isFinite) && Number.isFinite(loss) && loss >= 0);
    });

    test('learns: what was trained scores better on the share it was trained on', async () => {
      const { parameters } = await learner.train({ ...request, steps: 60 });
      const [untrained, trained] = await learner.score([start, parameters], request.share);
      assert.ok(trained! < untrained!, `from ${untrained} to ${trained}`);
    });

    test('scores one loss for each vector, in their order', async () => {
      const { parameters } = await learner.train(request);
      const [a, b, c] = await learner.score([start, parameters, start], request.share);
      assert.equal(c, a);
      assert.notEqual(b, a);
      assert.deepEqual(await learner.score([parameters], request.share), [b]);
      assert.deepEqual(await learner.score([], request.share), []);
    });

    test('evaluates to metrics, always the same ones', async () => {
      const metrics = await learner.evaluate(start);
      const { alone: _, assessment, measures, ...own } = metrics;
      if (assessment) {
        const right = assessment.confusion.reduce((sum, row, label) => sum + row[label]!, 0);
        assert.equal(right / assessment.examples, metrics.accuracy);
      }
      assert.deepEqual(Object.keys(own).sort(), ['accuracy', 'examples', 'loss']);
      const { accuracy } = metrics;
      if (measures === undefined) assert.ok(accuracy !== null && accuracy >= 0 && accuracy <= 1);
      else assert.ok(measures.length > 0 && measures.every((one) => measureSchema.safeParse(one).success));
      assert.ok(Number.isFinite(metrics.loss) && metrics.loss >= 0);
      assert.ok(Number.isSafeInteger(metrics.examples) && metrics.examples > 0);
      assert.deepEqual(await learner.evaluate(start), metrics);
    });

    test('refuses vectors of another size and shares that are not there', async () => {
      const short = start.subarray(1);
      const sizes = {
        name: 'RangeError',
        message: new RegExp(`${start.length} parameters.* ${short.length}`),
      };
      await assert.rejects(learner.train({ ...request, parameters: short }), sizes);
      await assert.rejects(learner.score([start, short], request.share), sizes);
      await assert.rejects(learner.evaluate(short), sizes);
      for (const share of [one.shares, -1, 0.5]) {
        const absent = { name: 'RangeError', message: /no training share/ };
        await assert.rejects(learner.train({ ...request, share }), absent);
        await assert.rejects(learner.score([start], share), absent);
      }
    });

    test('an aborted call rejects with its reason, and the learner goes on', async () => {
      const abort = new AbortController();
      const reason = new Error('enough');
      if (one.stopsWhileRunning) {
        const running = learner.train({ ...request, steps: endlessSteps }, abort.signal);
        setImmediate(() => abort.abort(reason));
        await assert.rejects(running, reason);
      } else {
        abort.abort(reason);
      }
      await assert.rejects(learner.train(request, abort.signal), reason);
      await assert.rejects(learner.score([start], request.share, abort.signal), reason);
      await assert.rejects(learner.evaluate(start, abort.signal), reason);
      assert.ok((await learner.evaluate(start)).examples > 0);
    });

    test('told that it is enough, it ends with what so many steps come to, to the bit', async () => {
      const early = new AbortController();
      const steps = one.endsEarly ? endlessSteps : 6;
      const running = learner.train({ ...request, steps }, undefined, early.signal);
      setTimeout(() => early.abort(), 20);
      const { steps: made = 6, ...result } = await running;
      assert.equal(made < steps, one.endsEarly, `${made} steps`);
      assert.deepEqual(result, await learner.train({ ...request, steps: made }));
      // Where it is enough from the start, one step is what is least.
      const { steps: least = 6 } = await learner.train(request, undefined, early.signal);
      assert.equal(least, one.endsEarly ? 1 : 6);
    });

    test('closed, it rejects what is under way and everything after', async () => {
      const closing = await one.make();
      const closed = { code: 'LEARNER_CLOSED' };
      const running = one.stopsWhileRunning
        ? assert.rejects(closing.train({ ...request, steps: endlessSteps }), closed)
        : null;
      await closing.close();
      await running;
      await assert.rejects(closing.train(request), closed);
      await assert.rejects(closing.score([start], request.share), closed);
      await assert.rejects(closing.evaluate(start), closed);
      await closing.close();
    });

    const { makeEmpty } = one;
    if (!makeEmpty) return;
    test('that has nothing to learn from is not made', async () => {
      await assert.rejects(makeEmpty(), (error: NodeJS.ErrnoException) => {
        assert.ok(['DATA_SHAPE', 'BAD_DATA_FILE'].includes(error.code!), `${error.code}: ${error.message}`);
        assert.ok(error.message.length > 10);
        return true;
      });
    });
  });
}
