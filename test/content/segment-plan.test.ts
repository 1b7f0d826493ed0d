import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeHeld, encodeHeld } from '../../src/content/held-segments.ts';
import { type SegmentAsk, SegmentPlan } from '../../src/content/segment-plan.ts';

const allOf = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Milliseconds for a segment, one after the other; null for one that never answers. */
type Pace = (given: number) => number | null;

interface Line {
  readonly pace: Pace;
  readonly queue: number[];
  given: number;
  /** Asked, whether it came of use or not. */
  asked: number;
  busyUntilMs: number | null;
}

/** Lines of donors in virtual time. */
class Lines {
  readonly lines = new Map<string, Line>();
  readonly plan: SegmentPlan;
  readonly held = new Set<number>();
  nowMs = 0;

  constructor(segments: number, paces: Readonly<Record<string, number | Pace>>) {
    this.plan = new SegmentPlan(allOf(segments));
    for (const [peer, pace] of Object.entries(paces)) this.add(peer, pace);
  }

  add(peer: string, pace: number | Pace): void {
    this.plan.addDonor(peer);
    this.lines.set(peer, {
      ...{ pace: typeof pace === 'number' ? () => pace : pace, queue: [], given: 0, asked: 0 },
      busyUntilMs: null,
    });
  }

  drop(peer: string): void {
    this.plan.dropDonor(peer);
    this.lines.delete(peer);
  }

  /** Until all is here, or `untilMs`; looks again each second. */
  run(untilMs = 1e9, onAsk: (ask: SegmentAsk) => void = () => {}): void {
    let lookMs = this.nowMs;
    while (this.plan.left > 0 && this.nowMs < untilMs) {
      for (const ask of this.plan.asks(this.nowMs)) {
        const line = this.lines.get(ask.peer)!;
        assert.ok(!line.queue.includes(ask.index), 'asked twice');
        line.queue.push(ask.index);
        line.asked += 1;
        onAsk(ask);
      }
      for (const line of this.lines.values()) {
        const paceMs = line.pace(line.given);
        if (line.busyUntilMs === null && line.queue.length > 0 && paceMs !== null)
          line.busyUntilMs = this.nowMs + paceMs;
      }
      const next = [...this.lines].filter(([, { busyUntilMs }]) => busyUntilMs !== null);
      const [peer, line] = next.reduce<readonly [string, Line] | [null, null]>(
        (first, other) => (first[1] && first[1].busyUntilMs! <= other[1].busyUntilMs! ? first : other),
        [null, null],
      );
      if (line === null || line.busyUntilMs! > lookMs + 1_000) {
        lookMs += 1_000;
        this.nowMs = lookMs;
        continue;
      }
      this.nowMs = Math.max(this.nowMs, line.busyUntilMs!);
      line.busyUntilMs = null;
      const index = line.queue.shift()!;
      if (!this.held.has(index)) line.given += 1;
      this.held.add(index);
      this.plan.came(peer!, index, this.nowMs);
    }
  }

  given(peer: string): number {
    return this.lines.get(peer)!.given;
  }
}

describe('segments of several donors', () => {
  test('are spread evenly over lines of one pace, in the time that all of them have', () => {
    const lines = new Lines(400, { a: 50, b: 50, c: 50, d: 50 });
    lines.run();
    assert.ok(lines.nowMs < 1.05 * ((400 * 50) / 4), `${lines.nowMs}`);
    for (const peer of lines.lines.keys()) assert.ok(lines.given(peer) <= 140, `${peer} gave too much`);
  });

  test('follow the pace of each, and nobody gives more than 35 of 100 where there are four', () => {
    const lines = new Lines(400, { fast: 25, b: 50, c: 50, slow: 100 });
    lines.run();
    assert.ok(lines.given('fast') <= 140);
    assert.ok(lines.given('slow') < 0.75 * lines.given('b'));
    // In all 95 segments take a second.
    assert.ok(lines.nowMs < 1.3 * (400 / 0.09), `${lines.nowMs}`);
  });

  test('come from one above its share where it is faster than all others together', () => {
    const lines = new Lines(400, { fast: 10, b: 100, c: 100, d: 100 });
    lines.run();
    assert.ok(lines.given('fast') > 250);
    assert.ok(lines.nowMs < 1.2 * (400 / 0.13), `${lines.nowMs}`);
  });

  test('are asked elsewhere where a donor falls silent, and nothing more of it', () => {
    const lines = new Lines(400, { silent: (given) => (given < 20 ? 50 : null), b: 50, c: 50 });
    lines.run(4_000);
    const { asked } = lines.lines.get('silent')!;
    lines.run();
    assert.equal(lines.plan.left, 0);
    assert.equal(lines.given('silent'), 20);
    assert.equal(lines.lines.get('silent')!.asked, asked);
    assert.ok(lines.nowMs < 12_000, `${lines.nowMs}`);
  });

  test('are asked of a quick donor too at the end, of two at a time at most', () => {
    const asked = new Map<number, number>();
    const lines = new Lines(24, { quick: 100, slow: 4_000 });
    lines.run(1e9, ({ index }) => void asked.set(index, (asked.get(index) ?? 0) + 1));
    assert.ok(lines.nowMs <= 4_000, `${lines.nowMs}`);
    assert.ok([...asked.values()].every((times) => times <= 2));
    assert.ok([...asked.values()].filter((times) => times > 1).length <= 2);
  });

  test('of a donor that goes are asked of those that stay, and of one that comes back', () => {
    const lines = new Lines(100, { a: 50, b: 50 });
    lines.run(1_000);
    lines.drop('a');
    lines.run(2_000);
    lines.add('a', 50);
    lines.run();
    assert.equal(lines.held.size, 100);
    assert.ok(lines.given('a') > 10);
  });

  test('stand still without donors', () => {
    const plan = new SegmentPlan(allOf(3));
    assert.deepEqual(plan.asks(0), []);
    plan.addDonor('a');
    assert.equal(plan.asks(0).length, 2);
    plan.dropDonor('a');
    assert.deepEqual(plan.asks(9), []);
    assert.equal(plan.left, 3);
  });

  test('are asked of who has a part for that part alone, and of who has all for what nobody else has', () => {
    const plan = new SegmentPlan(allOf(6));
    plan.addDonor('whole');
    plan.addDonor('part', new Set([0, 1]));
    const asks = plan.asks(0);
    const of = (peer: string): number[] => asks.flatMap((ask) => (ask.peer === peer ? [ask.index] : []));
    assert.deepEqual(of('part'), [0, 1]);
    assert.deepEqual(of('whole'), [2, 3]);
  });

  test('of who has a part are asked as it has more, and it counts as quick while it is of use', () => {
    const plan = new SegmentPlan(allOf(3));
    plan.addDonor('part', new Set());
    assert.deepEqual([plan.asks(0), plan.quick, plan.donors], [[], 0, 1]);
    plan.addDonor('part', new Set([2]));
    assert.equal(plan.quick, 1);
    assert.deepEqual(plan.asks(0), [{ peer: 'part', index: 2 }]);
    plan.came('part', 2, 50);
    assert.deepEqual([plan.asks(50), plan.quick], [[], 0]);
    plan.dropDonor('part');
    assert.equal(plan.donors, 0);
  });

  test('of eight that drip keep no place and no seat from one that is quick, and the silent and the slow make room', () => {
    const drips = Array.from({ length: 8 }, (_, index) => `drip${index}`);
    // Never so much longer than the last ones that it would count as silent.
    const paces = [2_000, 10_000, 25_000];
    const drip: Pace = (given) => paces[given] ?? 50_000;
    const lines = new Lines(60, Object.fromEntries(drips.map((peer) => [peer, drip])));
    lines.run(100_000);
    assert.ok(lines.plan.left > 20, `${lines.plan.left}`);
    assert.deepEqual([lines.plan.quick, lines.plan.donors], [0, 8]);
    assert.ok(drips.includes(lines.plan.idlest!));
    lines.add('quick', 100);
    assert.equal(lines.plan.quick, 1);
    lines.run();
    assert.ok(lines.nowMs < 115_000, `${lines.nowMs}`);

    const plan = new SegmentPlan(allOf(4));
    plan.addDonor('mute');
    plan.asks(0);
    assert.equal(plan.idlest, undefined);
    plan.asks(3_000);
    assert.deepEqual([plan.idlest, plan.quick], ['mute', 0]);
  });

  test('of the one that has all are asked on, however many say that they have a part', () => {
    const plan = new SegmentPlan(allOf(4));
    plan.addDonor('whole');
    for (const peer of ['a', 'b', 'c']) plan.addDonor(peer, new Set());
    for (let nowMs = 0; plan.left > 0; nowMs += 50)
      for (const { peer, index } of plan.asks(nowMs)) plan.came(peer, index, nowMs + 25);
    assert.equal(plan.left, 0);
  });

  test('that say which are held come back as bits, and other bits are refused', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.array(fc.nat(69)), (segments, some) => {
        const held = new Set(some.filter((index) => index < segments));
        const bits = encodeHeld(held, segments);
        assert.deepEqual(new Set(decodeHeld(bits, segments)), held);
        assert.equal(decodeHeld(new Uint8Array(bits.length + 1), segments), null);
        if (segments % 8 > 0) assert.equal(decodeHeld(bits.fill(0xff), segments), null);
      }),
    );
  });

  test('all come, whatever donors come and go, and few are under way', () => {
    const donor = fc.record({
      paceMs: fc.integer({ min: 1, max: 5_000 }),
      comesMs: fc.nat(20_000),
      silentAfter: fc.option(fc.nat(30)),
      goes: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.nat(120), fc.array(donor, { maxLength: 7 }), (segments, donors) => {
        const lines = new Lines(segments, { honest: 200 });
        for (const [at, { paceMs, comesMs, silentAfter, goes }] of [...donors]
          .sort((one, other) => one.comesMs - other.comesMs)
          .entries()) {
          lines.run(comesMs);
          lines.add(`${at}`, (given) => (silentAfter !== null && given >= silentAfter ? null : paceMs));
          if (goes && at > 0 && lines.lines.has(`${at - 1}`)) lines.drop(`${at - 1}`);
        }
        lines.run(10_000_000);
        assert.equal(lines.plan.left, 0);
        assert.equal(lines.held.size, segments);
        for (const { queue } of lines.lines.values()) assert.ok(queue.length <= 7);
      }),
    );
  });
});
