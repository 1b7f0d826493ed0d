/** Alliances, whose members vote on whole rounds, on bare cores driven by hand. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ballotRounds } from '../../src/entries/ballot/ballot-kind.ts';
import { openEnvelope } from '../../src/log/envelope.ts';
import { Flock, type FlockOptions, towardsTarget } from './flock.ts';
import { contextOf, type RunChanges, signerOf, smallRun, smallVector, specOf } from './small-run.ts';

const peers = 6;
const after = ballotRounds(1);
const members = Array.from({ length: peers }, (_, index) => signerOf(index).key);
const changes: RunChanges = {
  rounds: 30,
  membership: { kind: 'allow-list', members },
  strategy: {
    codec: { chunk: 64, perChunk: 8 },
    ...{ windowRounds: 6, admitRounds: 1, snapshotRounds: 8, judgingRounds: after.fold },
    ...{ kinds: [], judging: null, alliance: { margin: 0.1 } },
  },
};

const distanceOf = (vector: Float32Array): number => {
  const target = smallVector(vector.length, 'target');
  return vector.reduce((sum, value, i) => sum + (value - target[i]!) ** 2, 0);
};
const score: NonNullable<FlockOptions['score']> = (_, vectors) => vectors.map(distanceOf);

const badRounds = new Set([9, 17]);
/** In small steps, which do not overshoot; three of six turn round in some rounds, by far. */
const train: NonNullable<FlockOptions['train']> = (member, round, start) => {
  const { parameters, loss } = towardsTarget(member, round, start);
  const factor = badRounds.has(round) && member < 3 ? -9 : 0.3;
  return { parameters: start.map((value, i) => value + factor * (parameters[i]! - value)), loss };
};

function flockOf(seed: string, options: Partial<FlockOptions> = {}, more: RunChanges = changes): Flock {
  return new Flock(smallRun(more), { peers, seed, train, score, ...options });
}

const rolledBack = (flock: Flock, index: number): (number | null)[] =>
  flock
    .status(index)
    .shown.flatMap(({ kind, round, text }) => (kind === 'ballot' && /rolled back/.test(text) ? [round] : []));

/** What did not fit into the delta of a bad round goes out in the next ones. */
function assertRolledBack(flock: Flock, index: number): void {
  const rounds = rolledBack(flock, index);
  for (const bad of badRounds) assert.ok(rounds.includes(bad), String(rounds));
  const isAfterOne = (round: number): boolean =>
    [...badRounds].some((bad) => round >= bad && round <= bad + 3);
  assert.ok(
    rounds.every((round) => isAfterOne(round!)),
    String(rounds),
  );
}

describe('an alliance', () => {
  test('rolls back the rounds that made it worse, in one model, nearer to what all seek', () => {
    const flock = flockOf('alliance');
    flock.bootAll();
    assert.ok(flock.finish());
    assert.equal(flock.hashes().length, 1);
    assertRolledBack(flock, 0);
    const { alliance: _, ...strategy } = changes.strategy!;
    const without = flockOf('alliance', {}, { ...changes, strategy });
    without.bootAll();
    assert.ok(without.finish());
    const distances = [flock, without].map((one) => distanceOf(one.core(0).model()));
    assert.ok(distances[0]! < 0.7 * distances[1]!, String(distances));
  });

  test('a late joiner and one that was killed between commitment and vote come to the same, and the vote is shown', () => {
    const victim = 4;
    let kills = 0;
    const { envelopes } = contextOf(smallRun(changes));
    const isCommit = (bytes: Uint8Array): boolean => {
      const opened = openEnvelope(bytes, envelopes);
      return opened.ok && opened.envelope.kind === 1 && (opened.envelope.body?.length ?? 0) < 64;
    };
    const flock = flockOf('alliance-killed', {
      survives: (member, output, nowMs) => {
        const dies = member === victim && kills < 3 && nowMs > 1_008_000 && output.type === 'announce';
        if (!dies || !isCommit(output.bytes)) return true;
        kills += 1;
        return false;
      },
    });
    for (const index of [0, 1, 2, 3, victim]) flock.boot(index);
    for (let at = 9000; at < 22_000; at += 500) {
      flock.runUntil(at);
      if (!flock.member(victim).core) flock.boot(victim);
      if (at === 15_000) flock.boot(5);
    }
    assert.ok(flock.finish());
    assert.equal(kills, 3);
    assert.equal(flock.hashes().length, 1);
    for (const index of [0, victim, 5]) assertRolledBack(flock, index);
    const weights = flock.status(0).shown.filter(({ text }) => /its vote weighs/.test(text));
    assert.deepEqual(weights, [], 'what was committed to before the kill was shown after it');
    assert.deepEqual(
      [...flock.member(victim).store.keys()].filter((key) => key.startsWith('self/ballot/')),
      [],
    );
  });

  test('tells of each round, once it is folded, what its deltas weighed, why not, and how it was voted on', () => {
    const flock = flockOf('alliance-weighed');
    for (const index of [0, 1, 2, 3, 4]) flock.boot(index);
    flock.runUntil(15_000);
    flock.boot(5);
    assert.ok(flock.finish());
    const told = (index: number) =>
      new Map(
        flock
          .member(index)
          .of('weighed')
          .map((event) => [event.round, event]),
      );
    const [first, late] = [told(0), told(5)];
    for (const bad of badRounds) {
      const { vote, deltas } = first.get(bad)!;
      assert.equal(vote?.outcome, 'rolled-back');
      assert.ok(vote!.growth! > 0.1 && vote!.said >= 4 && vote!.said <= vote!.voters);
      assert.ok(deltas.length >= 5);
      assert.ok(deltas.every(({ weight, why }) => weight === 0 && why === 'rolled-back'));
    }
    const good = first.get(5)!;
    assert.equal(good.vote?.outcome, 'stands');
    assert.ok(good.deltas.every(({ weight, why }) => weight > 0 && why === 'weighed'));
    assert.ok(late.size > 10, 'who joined by a snapshot tells of what it folded');
    for (const [round, event] of late) assert.deepEqual(event, first.get(round), `round ${round}`);
    assert.ok(Math.min(...late.keys()) > 0);
  });

  test('one that says the opposite of the others is outvoted; one whose learner measures nothing says nothing', () => {
    const flock = flockOf('alliance-liar', {
      score: (member, vectors) =>
        member === 1 ? vectors.map(distanceOf).reverse() : member === 2 ? null : score(member, vectors),
    });
    flock.bootAll();
    assert.ok(flock.finish());
    assertRolledBack(flock, 3);
    assert.equal(flock.hashes().length, 1);
  });

  test('is for members, waits for its votes, and has room for them', () => {
    const run = (strategy: Record<string, unknown>, more: RunChanges = {}) =>
      smallRun({ ...changes, ...more, strategy: { ...changes.strategy, ...strategy } });
    assert.throws(() => run({}, { membership: { kind: 'open' } }), /runs of members/);
    assert.throws(() => run({ judgingRounds: after.fold - 1 }), /must be at least 5 with an alliance/);
    assert.throws(() => run({ committeeSize: 97 }), /must be at most 96 with an alliance/);
    const most = run({
      committeeSize: 96,
      judging: { id: 'votes' },
      kinds: [{ id: 'note' }, { id: 'revocation' }],
    });
    assert.ok(contextOf(most).kinds.length === 5, 'a round of all kinds fits into an answer');
    assert.ok(run({}, { membership: { kind: 'invite', depth: 1, invitations: 8 } }));
    assert.equal(specOf(changes).membership.kind, 'allow-list');
  });
});
