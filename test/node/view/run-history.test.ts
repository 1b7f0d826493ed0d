import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Histories } from '../../../src/node/view/histories.ts';
import { headsMax, pointsMax, RunHistory } from '../../../src/node/view/run-history.ts';
import { someSample } from '../some-run.ts';

describe('the history of a run', () => {
  test('keeps every round while there are few, and halves them again and again when there are many', () => {
    const history = new RunHistory();
    const rounds = 100_000;
    for (let round = 0; round < rounds; round++) {
      history.note(round, { loss: 1 / (1 + round), lag: round === 77_777 ? 9 : 0, bytesOut: 10 * round });
      const { length } = round % 997 === 0 ? history.data().points : [];
      assert.ok(length <= pointsMax);
    }
    const { stride, points } = history.data();
    assert.equal(stride, 128);
    assert.equal(points.length, Math.ceil(rounds / stride));
    assert.equal(points.at(-1)!.round, rounds - 1);
    assert.equal(points.at(-1)!.bytesOut, 10 * (rounds - 1));
    assert.deepEqual(
      points,
      points.toSorted((a, b) => a.round - b.round),
    );
    assert.equal(
      Math.max(...points.map(({ lag }) => lag!)),
      9,
      'what went wrong in one round stays to be seen',
    );
  });

  test('is the same in whatever order the figures of a round come, and when it is taken up again', () => {
    const one = new RunHistory();
    one.note(3, { loss: 0.5 });
    one.note(3, { accuracy: 0.9 });
    one.note(5, { loss: 0.4 });
    const other = new RunHistory();
    other.note(5, { loss: 0.4 });
    other.note(3, { accuracy: 0.9 });
    other.note(3, { loss: 0.5 });
    other.note(-1, { loss: 7 });
    assert.deepEqual(other.data(), one.data());
    assert.deepEqual(RunHistory.of(one.data()).data(), one.data());
  });

  test('does not let what comes late of an earlier round replace a later one of the same point', () => {
    const history = new RunHistory();
    for (let round = 0; round <= pointsMax; round++) history.note(round, { loss: round });
    history.note(0, { loss: 99, accuracy: 0.5 });
    const [first] = history.data().points;
    assert.deepEqual([first!.round, first!.loss, first!.accuracy], [1, 1, 0.5]);
  });

  test('names the last rounds closed, each once', () => {
    const history = new RunHistory();
    for (let round = 0; round < 2 * headsMax; round++) {
      history.close({ round, root: 'before', entries: 1 });
      history.close({ round, root: `r${round}`, entries: 1 });
    }
    const { heads } = history.data();
    assert.equal(heads.length, headsMax);
    assert.deepEqual([heads[0]!.root, heads.at(-1)!.root], [`r${headsMax}`, `r${2 * headsMax - 1}`]);
  });

  test('is kept for so many runs of a node', () => {
    const histories = new Histories();
    const told = { source: 'protocol', atMs: 0, node: 'aa' } as const;
    for (let run = 0; run < 100; run++) {
      const event = { kind: 'published', round: 0, bodyBytes: 1, loss: 1 } as const;
      assert.notEqual(histories.note({ ...told, runId: `run${run}`, event }), null);
    }
    assert.equal(histories.of('run0').points.length, 0);
    assert.equal(histories.of('run99').points.length, 1);
    assert.equal(
      histories.note({ ...told, runId: 'run99', event: { kind: 'round-started', round: 1 } }),
      null,
    );
  });

  test('has the loss of a round under that round, though it is looked at when the next one is under way', () => {
    const histories = new Histories();
    const told = { source: 'session', atMs: 0, node: 'aa', runId: 'run' } as const;
    for (const [round, trained] of [
      [4, 4],
      [5, 4],
      [6, 6],
    ] as const) {
      const sample = someSample({ round, lastTrained: { round: trained, loss: trained / 10 } });
      histories.note({ ...told, event: { kind: 'sampled', sample } });
    }
    assert.deepEqual(
      histories.of('run').points.map(({ round, loss }) => [round, loss]),
      [
        [4, 0.4],
        [5, null],
        [6, 0.6],
      ],
    );
  });
});
