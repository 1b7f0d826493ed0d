import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openEnvelope } from '../../src/log/envelope.ts';
import { decodeRequest, encodeDigestAnswer } from '../../src/log/wire.ts';
import { Flock, type FlockOptions, lossy, type Member, towardsTarget } from './flock.ts';
import { contextOf, type RunChanges, smallRun, startAtMs } from './small-run.ts';

function flockOf(
  peers: number,
  seed: string,
  changes: RunChanges = {},
  options: Partial<FlockOptions> = {},
): Flock {
  return new Flock(smallRun(changes), { peers, seed, ...options });
}

function assertOneModel(flock: Flock): void {
  assert.ok(flock.finish(), 'a member did not finish');
  assert.equal(flock.hashes().length, 1, 'the models differ');
}

/** Own messages that left the member, by round. */
function sentBy(flock: Flock, member: Member): Map<number, Set<string>> {
  const sent = new Map<number, Set<string>>();
  for (const bytes of member.announced) {
    const opened = openEnvelope(bytes, contextOf(flock.run).envelopes);
    assert.ok(opened.ok && opened.envelope.author === member.key);
    const { round, id } = opened.envelope;
    sent.set(round, (sent.get(round) ?? new Set()).add(id));
  }
  return sent;
}

/** Links or unlinks every pair of members on different sides. */
function acrossSides(
  flock: Flock,
  side: (member: number) => number,
  act: (a: number, b: number) => void,
): void {
  for (const { index: a } of flock.members) {
    for (let b = 0; b < a; b++) if (side(a) !== side(b)) act(a, b);
  }
}

describe('a flock on the delta log', () => {
  test('trains one model: every delta counts once at every member', () => {
    const flock = flockOf(5, 'plain');
    flock.bootAll();
    assertOneModel(flock);
    for (const member of flock.members) {
      assert.equal(member.of('published').length, 12);
      assert.equal(member.of('fork').length, 0);
      const { contributions, finalisedRound, lag } = flock.status(member.index);
      assert.deepEqual(
        [...contributions.values()].map(({ deltas }) => deltas),
        new Array(5).fill(12),
      );
      assert.equal(finalisedRound, 11);
      assert.equal(lag, 0);
    }
    const target = towardsTarget(0, 0, flock.run.initial).loss;
    assert.ok(towardsTarget(0, 0, flock.core(0).model()).loss < target / 4, 'and it learns');
  });

  for (const seed of ['loss/0', 'loss/1', 'loss/2']) {
    test(`has one hash where a fifth of all messages is lost (${seed})`, () => {
      const flock = flockOf(6, seed, { rounds: 20 }, { drops: lossy(0.2, seed) });
      flock.bootAll();
      assertOneModel(flock);
    });
  }

  test('pulls bodies too large to announce, in segments, under loss', () => {
    const flock = flockOf(
      3,
      'large',
      { inputs: 49_999, rounds: 3, strategy: { codec: { chunk: 64, perChunk: 64 } } },
      { drops: lossy(0.1, 'large') },
    );
    flock.bootAll();
    assertOneModel(flock);
    assert.ok(flock.member(0).of('published')[0]!.bodyBytes > 48 * 1024);
    assert.deepEqual(
      [...flock.status(2).contributions.values()].map(({ deltas }) => deltas),
      [3, 3, 3],
    );
  });

  test('goes on alone, and with whoever is left', () => {
    const alone = flockOf(1, 'alone');
    alone.bootAll();
    assertOneModel(alone);
    const flock = flockOf(4, 'last-one', { rounds: 16 });
    flock.bootAll();
    for (let index = 1; index < 4; index++) {
      flock.runUntil(3000 * index + 400);
      flock.kill(index);
    }
    assertOneModel(flock);
    assert.equal(flock.member(0).of('published').length, 16);
  });
});

describe('a partition longer than the window', () => {
  // With snapshots every other round the point of the fork is out of reach when it ends.
  for (const [name, first, second, snapshotRounds] of [
    ['part5-3/0', 5, 3, 2],
    ['part5-3/1', 5, 3, 16],
    ['part4-4/0', 4, 4, 2],
    ['part4-4/3', 4, 4, 16],
    ['part1-4/0', 1, 4, 2],
    ['part1-4/2', 1, 4, 16],
  ] as const) {
    test(`forks the log, and heals to one model (${name}, snapshots every ${snapshotRounds})`, () => {
      const flock = flockOf(first + second, name, { rounds: 40, strategy: { snapshotRounds } });
      const side = (member: number): number => (member < first ? 0 : 1);
      flock.bootAll();
      flock.runUntil(6300);
      acrossSides(flock, side, (a, b) => flock.disconnect(a, b));
      flock.runUntil(20_300);
      assert.equal(flock.hashes().length, 2);
      acrossSides(flock, side, (a, b) => flock.connect(a, b));
      assertOneModel(flock);
      assert.ok(
        flock.members.some((member) => member.of('restored').length > 0),
        'somebody yields',
      );
    });
  }
});

describe('joining and coming back', () => {
  const late = { rounds: 30, strategy: { snapshotRounds: 4 } };

  for (const [seed, loss] of [
    ['late/0', 0],
    ['late/1', 0.1],
  ] as const) {
    test(`a late joiner starts from a snapshot of several donors and ends with their model (loss ${loss})`, () => {
      const flock = flockOf(5, seed, late, { drops: lossy(loss, seed) });
      for (let index = 0; index < 4; index++) flock.boot(index);
      flock.runUntil(14_700);
      flock.boot(4);
      assertOneModel(flock);
      const [joined] = flock.member(4).of('joined');
      if (loss === 0) assert.ok(joined!.donors >= 2);
      const rounds = flock
        .member(4)
        .of('published')
        .map(({ round }) => round);
      // Two rounds after the join are for warming up.
      assert.ok(rounds.length >= 3);
      if (joined!.donors > 0) assert.ok(rounds[0]! >= joined!.round + 2);
      assert.equal(flock.status(4).contributions.get(flock.member(4).key)?.deltas, rounds.length);
    });
  }

  test('a donor that lies about its segments is passed over', () => {
    const flock = flockOf(4, 'liar', late, {
      impostor: (member, bytes) => {
        const kind = decodeRequest(bytes)?.kind;
        return member === 1 && (kind === 'leaves' || kind === 'segment') ? [Uint8Array.of(1)] : undefined;
      },
    });
    for (let index = 0; index < 3; index++) flock.boot(index);
    flock.runUntil(16_700);
    flock.boot(3);
    assertOneModel(flock);
    assert.ok(flock.member(3).of('joined')[0]!.donors > 0);
  });

  test('a silent peer holds nobody up: of two donors one is enough when time is up', () => {
    const silent = 1;
    const flock = flockOf(3, 'silent', late, { drops: (_, from, to) => from === silent && to === 2 });
    for (let index = 0; index < 2; index++) flock.boot(index);
    flock.runUntil(16_700);
    flock.boot(2);
    flock.runUntil(29_000);
    assert.equal(flock.status(2).phase, 'training');
    assertOneModel(flock);
  });

  for (const seed of ['churn/3', 'churn/6', 'churn/11']) {
    test(`members that come and go end with one model (${seed})`, () => {
      // Donors move on while a joiner still asks for their older snapshot.
      const flock = flockOf(
        6,
        seed,
        { rounds: 40, strategy: { snapshotRounds: 4 } },
        { drops: lossy(0.05, seed) },
      );
      flock.bootAll();
      const up = new Set([0, 1, 2, 3, 4, 5]);
      for (let step = 0, seconds = 2; seconds < 36; step++, seconds += 0.7) {
        flock.runUntil(1000 * seconds);
        const member = (step * 5 + Number(seed.at(-1))) % 6;
        if (!up.has(member)) {
          flock.boot(member);
          up.add(member);
        } else if (up.size > 2) {
          flock.kill(member);
          up.delete(member);
        }
      }
      for (const { index, core } of flock.members) if (!core) flock.boot(index);
      assertOneModel(flock);
      assert.ok(flock.members.every((member) => member.of('equivocation').length === 0));
    });
  }
});

describe('what was published is neither lost nor said twice', () => {
  /** Counts the outputs of member 0 between two times, and kills it at the one numbered `cut`. */
  function crashAt(cut: number, seed: string): { flock: Flock; outputs: number } {
    let outputs = 0;
    const flock: Flock = flockOf(
      3,
      seed,
      { rounds: 14, strategy: { snapshotRounds: 4 } },
      {
        survives: (member, _, nowMs) => {
          const sinceStart = nowMs - flock.run.manifest.startAtMs;
          if (member !== 0 || sinceStart < 5000 || sinceStart >= 6500 || flock.member(0).incarnation > 1)
            return true;
          return outputs++ !== cut;
        },
      },
    );
    flock.bootAll();
    flock.runWhile(() => flock.member(0).core !== null, 6500);
    if (!flock.member(0).core) {
      flock.runUntil((flock.nowMs - flock.run.manifest.startAtMs + 150) | 0);
      flock.boot(0);
    }
    return { flock, outputs };
  }

  test('whatever output of a round a crash comes before', () => {
    const { outputs: total } = crashAt(-1, 'crash');
    assert.ok(total > 30, `${total} outputs`);
    let crashedBetween = 0;
    for (let cut = 0; cut < total; cut++) {
      const { flock } = crashAt(cut, 'crash');
      assertOneModel(flock);
      const member = flock.member(0);
      assert.equal(member.incarnation, 2);
      const sent = sentBy(flock, member);
      for (const [round, ids] of sent)
        assert.equal(ids.size, 1, `cut ${cut}: two messages in round ${round}`);
      for (const other of flock.members) assert.equal(other.of('equivocation').length, 0);
      const restored = new Set(member.of('restored').map(({ round }) => round)).size;
      const counted = flock.status(1).contributions.get(member.key)!.deltas;
      assert.equal(counted, sent.size - restored, `cut ${cut}: a delta was lost`);
      if (member.of('published').length < sent.size) crashedBetween += 1;
    }
    // At least once it went down after the transaction and before it could say so.
    assert.ok(crashedBetween > 0);
  });

  test('with a head start training begins ahead of the model by that share of what is not sent yet', () => {
    const starts: Float32Array[] = [];
    let waiting: Float32Array | null = null;
    const flock: Flock = flockOf(
      1,
      'head-start',
      { rounds: 6, strategy: { headStart: 0.25 } },
      {
        train: (member, now, start) => {
          const model = flock.core(member).model();
          const residual: Float32Array = waiting ?? new Float32Array(model.length);
          starts.push(start);
          assert.deepEqual(
            start,
            model.map((value, i) => value - 0.25 * residual[i]!),
          );
          return towardsTarget(member, now, start);
        },
        survives: (_, output) => {
          if (output.type !== 'persist') return true;
          const written = output.writes.find(({ key }) => key === 'self/residual')?.value;
          if (written) waiting = new Float32Array(written.slice().buffer);
          return true;
        },
      },
    );
    flock.bootAll();
    flock.runUntil(startAtMs + 7000);
    assert.ok(starts.length >= 5);
    assert.ok(waiting!.some((value) => value !== 0));
  });

  test('a delta that nobody heard in time goes back into the residual, whole', () => {
    const round = 3;
    let learned: Float32Array | null = null;
    const flock: Flock = flockOf(
      4,
      'late-delta',
      { rounds: 20 },
      {
        // Member 0 hears and is not heard from round 3 until the others have folded it.
        drops: (_, from, __, nowMs) => {
          const sinceStart = nowMs - flock.run.manifest.startAtMs;
          return from === 0 && sinceStart >= 3000 && sinceStart < 11_500;
        },
        train: (member, now, start) => {
          const result = towardsTarget(member, now, start);
          if (member !== 0) return result;
          // Skipped rounds leave the residual as it is.
          if (now !== round) return { ...result, loss: Number.NaN };
          learned = start.map((value, i) => value - result.parameters[i]!);
          return result;
        },
      },
    );
    flock.bootAll();
    flock.runUntil(11_000);
    const residual = (): Float32Array => {
      const stored = flock.member(0).store.get('self/residual')!;
      return new Float32Array(stored.buffer.slice(stored.byteOffset, stored.byteOffset + stored.length));
    };
    const paid = residual();
    assert.equal(flock.member(0).of('restored').length, 0);
    assertOneModel(flock);
    assert.deepEqual(
      flock
        .member(0)
        .of('restored')
        .map((event) => event.round),
      [round],
    );
    assert.equal(flock.status(1).contributions.has(flock.member(0).key), false);
    const back = residual();
    let moved = 0;
    for (let i = 0; i < back.length; i++) {
      if (paid[i] !== back[i]) moved += 1;
      // One rounding on the way out, one on the way back.
      assert.ok(Math.abs(back[i]! - learned![i]!) <= 2 ** -23 * Math.max(1, Math.abs(learned![i]!)));
    }
    assert.equal(moved, 3 * 8);
  });
});

describe('training that fails', () => {
  for (const [name, value, loss] of [
    ['NaN parameters', Number.NaN, 1],
    ['infinite parameters', Number.POSITIVE_INFINITY, 1],
    ['a loss that is NaN', 0.5, Number.NaN],
  ] as const) {
    test(`publishes nothing: ${name}`, () => {
      const flock = flockOf(
        3,
        'nan',
        {},
        {
          train: (member, round, start) =>
            member === 1 ? { parameters: start.map(() => value), loss } : towardsTarget(member, round, start),
        },
      );
      flock.bootAll();
      assertOneModel(flock);
      assert.equal(flock.member(1).announced.length, 0);
      assert.equal(flock.member(1).of('skipped').length, 12);
      assert.equal(flock.status(0).contributions.size, 2);
      assert.ok(!flock.member(1).store.has('self/residual'));
    });
  }

  test('a residual that would overflow is not taken: the node lives on', () => {
    const most = 3e38;
    const flock = flockOf(
      2,
      'overflow',
      {},
      {
        train: (member, round, start) =>
          member === 1
            ? { parameters: start.map(() => -most), loss: 1 }
            : towardsTarget(member, round, start),
      },
    );
    flock.bootAll();
    assertOneModel(flock);
    assert.ok(flock.member(1).of('skipped').length > 0);
  });
});

describe('a peer that claims a history nobody can show', () => {
  test('holds the others up for no longer than a timeout', () => {
    const bogus = new Uint8Array(66).fill(7);
    const flock = flockOf(
      3,
      'bogus',
      { rounds: 16 },
      {
        impostor: (member, bytes) => {
          const request = decodeRequest(bytes);
          if (member === 0 || !request) return undefined;
          if (request.kind !== 'digest') return null;
          const rounds = request.digests.map(() => ({
            state: 'differs-final' as const,
            rows: [bogus],
          }));
          return [encodeDigestAnswer({ nextHeld: 0, reachesBack: true, atYours: null, rounds })];
        },
      },
    );
    flock.bootAll();
    flock.runUntil(60_000);
    assert.equal(flock.status(0).finalisedRound, 15);
  });
});
