/** A node that is stopped in the middle of a training publishes what the steps made came to, or keeps it for when it is back. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { subtractDelta } from '../../src/codec/delta.ts';
import { openEnvelope } from '../../src/log/envelope.ts';
import { Flock, type FlockOptions, type Member, towardsTarget } from './flock.ts';
import { contextOf, type RunChanges, smallRun } from './small-run.ts';

const slotMs = 1000;
const leaver = 1;
const stepMs = 150;

/** Three members that train for three fifths of a slot, 4 steps of 150 ms. */
function flockOf(seed: string, changes: RunChanges = {}, options: Partial<FlockOptions> = {}): Flock {
  const flock = new Flock(smallRun(changes), {
    ...{ peers: 3, seed, trainingMs: (_: number, steps: number) => stepMs * steps, ...options },
  });
  flock.bootAll();
  return flock;
}

/** Lets a member be told to stop so many milliseconds after the start, and gives it as long as nodes get. */
function stop(flock: Flock, atMs: number): void {
  flock.runUntil(atMs);
  flock.input(leaver, { type: 'leave' });
  flock.runUntil(atMs + 500);
  flock.kill(leaver);
}

/** Steps that the member's deltas claim, by round. */
function stepsOf(flock: Flock, { announced }: Member): Map<number, unknown> {
  return new Map(
    announced.map((bytes) => {
      const opened = openEnvelope(bytes, contextOf(flock.run).envelopes);
      assert.ok(opened.ok);
      return [opened.envelope.round, opened.envelope.claims[1]];
    }),
  );
}

function residualOf({ store }: Member): Float32Array | null {
  const stored = store.get('self/residual');
  return stored ? new Float32Array(stored.slice().buffer) : null;
}

describe('a member that is told to stop while it trains', () => {
  test('publishes what its steps came to, and says how many they were', () => {
    const flock = flockOf('cut');
    stop(flock, 2 * slotMs + 350);
    const member = flock.member(leaver);
    assert.deepEqual(
      [...stepsOf(flock, member)],
      [
        [0, 4],
        [1, 4],
        [2, 3],
      ],
    );
    flock.runUntil(8 * slotMs);
    assert.equal(flock.status(0).contributions.get(member.key)?.deltas, 3);
    assert.ok(flock.finish());
    assert.equal(flock.hashes().length, 1);
  });

  test('begins nothing after it', () => {
    const flock = flockOf('cut/over');
    flock.runUntil(2 * slotMs + 350);
    flock.input(leaver, { type: 'leave' });
    flock.runUntil(5 * slotMs);
    const begun = flock
      .member(leaver)
      .of('round-started')
      .map(({ round }) => round);
    assert.deepEqual(begun, [0, 1, 2]);
  });

  test('that has published says nothing more, and has nothing to wait for', () => {
    const flock = flockOf('cut/done');
    flock.runUntil(2 * slotMs + 700);
    let outputs = 0;
    flock.input(leaver, { type: 'leave' }, () => {
      outputs += 1;
    });
    assert.equal(outputs, 0);
    flock.runUntil(3 * slotMs);
    assert.equal(flock.member(leaver).announced.length, 3);
  });

  test('of a round that is over keeps it, on disk, and sends it when it is back', () => {
    let began: Float32Array | null = null;
    const flock = flockOf(
      'cut/late',
      {},
      {
        // The first training takes three slots.
        trainingMs: (member, steps, round) =>
          steps * (member === leaver && round === 0 ? 5 * stepMs : stepMs),
        train: (member, round, start) => {
          if (member === leaver && round === 0) began = start;
          return towardsTarget(member, round, start);
        },
      },
    );
    stop(flock, 2 * slotMs + 100);
    const member = flock.member(leaver);
    assert.equal(member.announced.length, 0);
    assert.match(member.of('skipped')[0]!.reason, /too long/);
    const kept = residualOf(member)!;
    const whole = towardsTarget(leaver, 0, began!);
    // Three of four steps.
    for (const [i, value] of kept.entries())
      assert.ok(Math.abs(value - 0.75 * (began![i]! - whole.parameters[i]!)) < 1e-6);
    flock.runUntil(4 * slotMs - 100);
    flock.boot(leaver);
    let start: Float32Array | null = null;
    flock.runWhile(() => {
      start ??= member.training?.order.parameters ?? null;
      return member.announced.length === 0;
    }, 8 * slotMs);
    // What was kept, faded by a round, what was learned since, and less what was sent.
    const { codec } = contextOf(flock.run);
    const round = member.of('published')[0]!.round;
    const { parameters } = towardsTarget(leaver, round, start!);
    const { residualDecay } = flock.run.manifest.strategy as { residualDecay: number };
    const expected = kept.map(
      (value, i) => Math.fround(residualDecay * value) + (start![i]! - parameters[i]!),
    );
    subtractDelta(expected, codec.select(expected));
    for (const [i, value] of residualOf(member)!.entries()) assert.ok(Math.abs(value - expected[i]!) < 1e-4);
  });

  test('keeps it where each sending costs of a budget', () => {
    const peerPrivacy = { epsilon: 8, delta: 1e-5, clipNorm: 0.5, publications: 4 };
    const flock = flockOf('cut/hidden', { strategy: { peerPrivacy } });
    flock.runUntil(slotMs + 900);
    const before = residualOf(flock.member(leaver));
    stop(flock, 2 * slotMs + 350);
    const member = flock.member(leaver);
    assert.equal(member.announced.length, 2);
    assert.match(member.of('skipped')[0]!.reason, /cut short/);
    assert.notDeepEqual(residualOf(member), before);
  });

  test('is believed no more steps than it was to make, and no fewer than one', () => {
    for (const [said, claimed] of [
      [9, 4],
      [0, 1],
      [2, 2],
    ] as const) {
      const flock = flockOf(`cut/${said}`);
      flock.runUntil(slotMs + 100);
      const { parameters } = flock.member(leaver).training!.order;
      const result = towardsTarget(leaver, 1, parameters);
      flock.input(leaver, { type: 'trained', round: 1, ...result, steps: said });
      assert.equal(stepsOf(flock, flock.member(leaver)).get(1), claimed);
    }
  });

  test('what a delta says of its steps does not make it heavier', () => {
    const { delta, codec } = contextOf(flockOf('cut/claims').run);
    const body = codec.encode(codec.select(new Float32Array(192).fill(0.1)));
    const norms = [1, 2, 4].map((steps) => delta.decode(body, [0, steps])!.norm);
    assert.deepEqual(new Set(norms).size, 1);
    assert.equal(delta.decode(body, [0, 5]), null);
    assert.equal(delta.decode(body, [0, 0]), null);
  });
});
