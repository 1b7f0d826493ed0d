import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { EventQueue, EventQueueFullError, EventTimeError } from '../../sim/event-queue.ts';

type Step = { readonly push: number } | 'pop';

/** The slow twin: an array kept sorted by (time, sequence). */
class SortedArray {
  readonly #events: { timeUs: number; sequence: number; payload: string }[] = [];
  #pushed = 0;

  push(timeUs: number, payload: string): number {
    const sequence = this.#pushed++;
    this.#events.push({ timeUs, sequence, payload });
    this.#events.sort((a, b) => a.timeUs - b.timeUs || a.sequence - b.sequence);
    return sequence;
  }

  pop() {
    return this.#events.shift() ?? null;
  }

  get size(): number {
    return this.#events.length;
  }
}

describe('EventQueue', () => {
  it('agrees with a sorted array for any order of pushes and pops', () => {
    const step: fc.Arbitrary<Step> = fc.oneof(
      { weight: 3, arbitrary: fc.record({ push: fc.integer({ min: 0, max: 20 }) }) },
      { weight: 2, arbitrary: fc.constant('pop' as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const queue = new EventQueue<string>({ eventsMax: 1000, capacity: 2 });
        const oracle = new SortedArray();
        for (const [i, next] of steps.entries()) {
          if (next === 'pop') assert.deepEqual(queue.pop(), oracle.pop());
          else assert.equal(queue.push(next.push, `e${i}`), oracle.push(next.push, `e${i}`));
          assert.equal(queue.size, oracle.size);
        }
        while (oracle.size > 0) assert.deepEqual(queue.pop(), oracle.pop());
        assert.equal(queue.pop(), null);
        assert.equal(queue.nextTimeUs, Number.POSITIVE_INFINITY);
      }),
    );
  });

  it('refuses more than eventsMax pending events, and takes the next once one has left', () => {
    const queue = new EventQueue<number>({ eventsMax: 3, capacity: 1 });
    for (let i = 0; i < 3; i++) queue.push(i, i);
    assert.throws(() => queue.push(3, 3), EventQueueFullError);
    assert.equal(queue.pop()?.payload, 0);
    queue.push(0, 4);
    assert.equal(queue.pop()?.payload, 4);
  });

  it('keeps microseconds apart where floats of seconds would not', () => {
    const queue = new EventQueue<string>({ eventsMax: 2 });
    const year = 365 * 24 * 3600 * 1e6 * 100;
    queue.push(year + 1, 'later');
    queue.push(year, 'sooner');
    assert.equal(queue.pop()?.payload, 'sooner');
  });

  it('refuses times that are no whole microseconds', () => {
    const queue = new EventQueue<number>({ eventsMax: 2 });
    for (const time of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      assert.throws(() => queue.push(time, 0), EventTimeError);
    }
  });
});
