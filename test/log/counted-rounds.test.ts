/** Rounds that count, notes and judged deltas, in flocks of whole cores. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rngFor } from '../../src/math/rng.ts';
import { Flock, type FlockOptions, lossy } from './flock.ts';
import { type RunChanges, smallRun } from './small-run.ts';

function flockOf(
  peers: number,
  seed: string,
  changes: RunChanges = {},
  options: Partial<FlockOptions> = {},
): Flock {
  return new Flock(smallRun(changes), { peers, seed, ...options });
}

describe('rounds that count', () => {
  test('nodes that come late to an empty run train all of its rounds', () => {
    const flock = flockOf(3, 'late', { rounds: 8 });
    flock.runUntil(40_000);
    flock.bootAll();
    assert.ok(flock.finish());
    assert.equal(flock.hashes().length, 1);
    for (const member of flock.members) {
      const { countedRounds, contributions } = flock.status(member.index);
      assert.equal(countedRounds, 8);
      const deltas = [...contributions.values()].map((one) => one.deltas);
      assert.ok(deltas.length === 3 && deltas.every((count) => count >= 6), `${deltas}`);
    }
  });

  test('an hour, a day and a week late: what nobody was there for is passed at once', () => {
    for (const [hours, roundsLate] of [
      [1, 3600],
      [24, 86_400],
      [168, 604_800],
    ] as const) {
      const flock = flockOf(2, `hours/${hours}`, { rounds: 4 });
      flock.nowMs += roundsLate * 1000;
      flock.bootAll();
      flock.runWhile(() => flock.status(0).phase !== 'finished', (roundsLate + 120) * 1000);
      assert.equal(flock.status(0).countedRounds, 4, `${hours} hours`);
      const passed = flock.member(0).of('passed');
      assert.ok(passed.length > 0 && passed.length < 20, `${passed.length}`);
      // No more than that while everything else of the node waits.
      assert.ok(passed.every(({ from, through }) => through - from <= 65_536));
    }
  });

  test('nodes that finished long ago wake seldom, and a newcomer gets the whole history from them', () => {
    const flock = flockOf(4, 'rest', { rounds: 6 });
    for (const index of [0, 1, 2]) flock.boot(index);
    flock.runUntil(80_000);
    assert.equal(flock.status(0).phase, 'finished');
    // A slot is a second here; two wakes in each while there is something to do.
    const wakes = new Set<number>();
    for (let seconds = 80; seconds < 240; seconds += 0.25) {
      flock.runUntil(1000 * seconds);
      wakes.add(flock.member(0).wakeAtMs);
    }
    assert.ok(wakes.size >= 9 && wakes.size <= 12, `${wakes.size} wakes in 160 slots`);
    flock.boot(3);
    flock.runWhile(() => flock.status(3).phase !== 'finished', 280_000);
    assert.equal(flock.status(3).phase, 'finished');
    assert.equal(flock.hashes().length, 1);
  });

  test('a run waits for as many as it needs, and goes on when they are there', () => {
    const flock = flockOf(4, 'wait', { rounds: 6, publishersMin: 4 });
    for (const index of [0, 1, 2]) flock.boot(index);
    flock.runUntil(20_000);
    assert.equal(flock.status(0).countedRounds, 0);
    assert.ok(flock.status(0).contributions.size > 0, 'what was trained meanwhile is in the model');
    flock.boot(3);
    assert.ok(flock.finish());
    assert.equal(flock.hashes().length, 1);
    assert.equal(flock.status(0).countedRounds, 6);
  });

  test('the schedule of the learning rate follows the rounds that count', () => {
    const flock = flockOf(2, 'schedule', { rounds: 5 });
    flock.runUntil(30_000);
    const stands: number[] = [];
    flock.bootAll();
    const { core } = flock.member(0);
    const handle = core!.handle.bind(core);
    core!.handle = (input, nowMs) => {
      const outputs = handle(input, nowMs);
      for (const output of outputs) if (output.type === 'train') stands.push(output.scheduleRound);
      return outputs;
    };
    assert.ok(flock.finish());
    assert.equal(Math.max(...stands), 4);
    assert.deepEqual(
      [...stands].sort((a, b) => a - b),
      stands,
    );
  });

  test('a deadline ends a run that too few join', () => {
    const flock = flockOf(2, 'deadline', { rounds: 50, publishersMin: 3, timeMaxMs: 15_000 });
    flock.bootAll();
    flock.runWhile(() => flock.status(0).phase !== 'finished', 60_000);
    const { phase, countedRounds, finalisedRound } = flock.status(0);
    assert.equal(phase, 'finished');
    assert.equal(countedRounds, 0);
    assert.equal(finalisedRound, 14);
  });
});

describe('the pace', () => {
  /** Members that need this much of the first slot length for a round. */
  const slow =
    (steps: number): FlockOptions['trainingMs'] =>
    (_, asked) =>
      asked * steps;

  test('members that cannot do their steps in a slot get longer ones, all the same, and then do them all', () => {
    const changes = { rounds: 60, slotMs: 400, slotMsMax: 6400 };
    const flock = flockOf(4, 'slow', changes, { trainingMs: slow(300) });
    flock.bootAll();
    flock.runWhile(() => flock.status(0).countedRounds < 40, 2_000_000);
    // Four steps of 300 ms in seven tenths of a slot.
    assert.ok(flock.status(0).slotMs >= 1600, `${flock.status(0).slotMs}`);
    const lengths = flock.members.map(({ index }) => flock.status(index).slotMs);
    assert.equal(new Set(lengths).size, 1);
    assert.ok(flock.finish(6400));
    assert.equal(flock.hashes().length, 1);
  });

  /** Slot lengths that the first member saw one after the other, over a whole run of eight. */
  function lengthsOf(trainingMs: FlockOptions['trainingMs'], seed: string): number[] {
    const flock = flockOf(8, seed, { rounds: 80, slotMs: 400, slotMsMax: 6400 }, { trainingMs });
    flock.bootAll();
    const lengths: number[] = [];
    for (let untilMs = 0; flock.status(0).phase !== 'finished' && untilMs < 400_000; untilMs += 200) {
      flock.runUntil(untilMs);
      const { slotMs } = flock.status(0);
      if (slotMs !== lengths.at(-1)) lengths.push(slotMs);
    }
    assert.ok(flock.finish(6400));
    assert.equal(flock.hashes().length, 1);
    return lengths;
  }

  test('members that are slow only while they warm up keep the slots they have', () => {
    const warming: FlockOptions['trainingMs'] = (_, steps, round) => (round < 10 ? 900 : 20 * steps);
    assert.deepEqual(lengthsOf(warming, 'warm-up'), [400]);
  });

  test('members that slow down for a while get longer slots, and the shortest again', () => {
    const burdened: FlockOptions['trainingMs'] = (_, steps, round) =>
      steps * (round >= 20 && round < 40 ? 130 : 50);
    assert.deepEqual(lengthsOf(burdened, 'burdened'), [400, 800, 400]);
  });

  test('three of eight that publish seldom, and three that do or declare a step where four are asked for, stretch nothing', () => {
    const seldom: FlockOptions['trainingMs'] = (member, steps, round) =>
      member < 5 || round % 16 === 0 ? 50 * steps : 1000;
    assert.deepEqual(lengthsOf(seldom, 'seldom'), [400]);
    const little: FlockOptions['trainingMs'] = (member, steps) => (member < 5 ? 50 : 250) * steps;
    assert.deepEqual(lengthsOf(little, 'little'), [400]);
  });

  test('a late joiner learns the time of rounds from the snapshot', () => {
    const changes = { rounds: 80, slotMs: 400, slotMsMax: 6400 };
    const flock = flockOf(5, 'slow-join', changes, { trainingMs: slow(300) });
    for (const index of [0, 1, 2, 3]) flock.boot(index);
    flock.runWhile(() => flock.status(0).countedRounds < 50, 2_000_000);
    flock.boot(4);
    assert.ok(flock.status(4).round > flock.status(0).round, 'by the first pace alone it is ahead');
    assert.ok(flock.finish(6400));
    assert.equal(flock.hashes().length, 1);
    assert.ok(flock.member(4).of('published').length > 0);
  });
});

describe('notes', () => {
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const notesAt = (flock: Flock, index: number): string[] =>
    flock.status(index).shown.map((note) => `${note.author?.slice(0, 4)} ${note.text}`);

  test('reach everybody, late joiners and members killed and restarted too', () => {
    const flock = flockOf(5, 'notes', { rounds: 30 });
    for (const index of [0, 1, 2, 3]) flock.boot(index);
    const write = (atMs: number, index: number, words: string): void => {
      flock.runUntil(atMs);
      const result = flock.submit(index, 'note', text(words));
      assert.ok('entryId' in result, JSON.stringify(result));
    };
    write(2500, 0, 'disks are moved at noon');
    write(3500, 1, 'ward 3 is back');
    flock.kill(2);
    write(6500, 0, 'done');
    flock.boot(2);
    flock.runUntil(20_500);
    flock.boot(4);
    assert.ok(flock.finish());
    const [first] = flock.members;
    const seen = flock.members.map(({ index }) => notesAt(flock, index));
    for (const one of seen) assert.deepEqual(one, seen[0]);
    assert.deepEqual(seen[0], [
      `${first!.key.slice(0, 4)} disks are moved at noon`,
      `${flock.member(1).key.slice(0, 4)} ward 3 is back`,
      `${first!.key.slice(0, 4)} done`,
    ]);
    assert.equal(flock.hashes().length, 1);
  });

  test('written just before a crash are there once: after the restart, with the same id', () => {
    const flock = flockOf(3, 'crash', { rounds: 14 });
    flock.bootAll();
    flock.runUntil(3300);
    assert.ok('entryId' in flock.submit(1, 'note', text('before')));
    flock.kill(1);
    flock.boot(1);
    assert.ok(flock.finish());
    for (const { index } of flock.members) assert.equal(notesAt(flock, index).length, 1);
  });

  test('are refused where peers would not take them, with a sentence', () => {
    const flock = flockOf(1, 'refused', { rounds: 20 });
    flock.bootAll();
    const refused = (kind: string, body: Uint8Array, pattern: RegExp): void => {
      const result = flock.submit(0, kind, body);
      assert.ok('refused' in result, JSON.stringify(result));
      assert.match(result.refused, pattern);
    };
    refused('note', text('too early'), /before the first round/);
    flock.runUntil(2300);
    refused('note', text(''), /no note that peers would take/);
    refused('note', text('a\u001b[2Jb'), /no note that peers would take/);
    refused('note', Uint8Array.of(0xff, 0xfe), /no note that peers would take/);
    refused('note', new Uint8Array(281).fill(65), /at most 280 bytes/);
    refused('delta', text('mine'), /logs no entries of kind delta/);
    refused('vote', text('aye'), /logs no entries of kind vote/);
    assert.ok('entryId' in flock.submit(0, 'note', text('one')));
    refused('note', text('two'), /no room is left in this round/);
    flock.runUntil(3300);
    assert.ok('entryId' in flock.submit(0, 'note', text('two')));
  });

  test('of both sides of a partition are all there once it has healed', () => {
    for (const seed of [1, 2, 3]) {
      const flock = flockOf(6, `parted/${seed}`, { rounds: 60 }, { drops: lossy(0.05, `parted/${seed}`) });
      flock.bootAll();
      flock.runUntil(3000);
      const side = (index: number): number => (index < 4 ? 0 : 1);
      const across = (act: (a: number, b: number) => void): void => {
        for (let a = 0; a < 6; a++) for (let b = 0; b < a; b++) if (side(a) !== side(b)) act(a, b);
      };
      across((a, b) => flock.disconnect(a, b));
      const rng = rngFor(`parted/${seed}`);
      for (let second = 4; second < 24; second++) {
        flock.runUntil(second * 1000 + 300);
        const writer = rng.int(6);
        flock.submit(writer, 'note', text(`${second} of ${writer}`));
      }
      across((a, b) => flock.connect(a, b));
      assert.ok(flock.finish());
      assert.equal(flock.hashes().length, 1);
      const seen = flock.members.map(({ index }) => notesAt(flock, index));
      for (const one of seen) assert.deepEqual(one, seen[0]);
      assert.ok(seen[0]!.length >= 8, `${seen[0]!.length} notes`);
    }
  });
});

describe('deltas that wait to be judged', () => {
  const strategy = (judgingRounds: number) => ({ judgingRounds, codec: { chunk: 64, perChunk: 8 } });

  test('without judges, the model ends as if they had not waited', () => {
    // Training that does not look at the model, or it would differ by what is live.
    const train: FlockOptions['train'] = (member, round, start) => ({
      parameters: start.map((value, i) => value + Math.fround(Math.sin(i + 7 * member + 13 * round))),
      loss: 1,
    });
    const models = [0, 3].map((judgingRounds) => {
      const flock = flockOf(3, 'judged', { strategy: strategy(judgingRounds) }, { train });
      flock.bootAll();
      assert.ok(flock.finish());
      assert.equal(flock.hashes().length, 1);
      const { finalisedRound, countedRounds } = flock.status(0);
      assert.equal(countedRounds, 12);
      assert.equal(finalisedRound, 11 + judgingRounds);
      return flock.core(0).model();
    });
    const [plain, judged] = models as [Float32Array, Float32Array];
    const far = Math.max(...plain.map((value, i) => Math.abs(value - judged[i]!)));
    assert.ok(far < 1e-6, `${far}`);
  });

  test('are in snapshots: a late joiner and a restarted member come to the same model', () => {
    const flock = flockOf(4, 'judged-join', {
      rounds: 40,
      strategy: { ...strategy(4), snapshotRounds: 8 },
    });
    for (const index of [0, 1, 2]) flock.boot(index);
    flock.runUntil(25_300);
    flock.kill(1);
    flock.runUntil(27_000);
    flock.boot(1);
    flock.boot(3);
    assert.ok(flock.finish());
    assert.equal(flock.hashes().length, 1);
  });
});
