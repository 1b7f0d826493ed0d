/** Runs whose members score each other's deltas, on bare cores driven by hand. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deltaInnerProduct } from '../../src/codec/delta.ts';
import { agreementWith } from '../../src/entries/vote/agreement.ts';
import { openEnvelope } from '../../src/log/envelope.ts';
import { Flock, type FlockOptions, towardsTarget } from './flock.ts';
import { contextOf, type RunChanges, signerOf, smallRun, smallVector } from './small-run.ts';

const changes: RunChanges = {
  rounds: 30,
  strategy: {
    codec: { chunk: 64, perChunk: 8 },
    ...{ windowRounds: 3, admitRounds: 1, snapshotRounds: 8 },
    judging: { id: 'scores' },
  },
};

/** What the deltas are worth towards the target of all honest members. */
const judge: NonNullable<FlockOptions['judge']> = (_, question) => {
  assert.ok(question.means === 'examples');
  const { parameters, deltas } = question;
  const target = smallVector(parameters.length, 'target');
  const gradient = parameters.map((value, i) => (value - target[i]!) / parameters.length);
  return deltas.map((delta) => Math.round(1e6 * deltaInnerProduct(gradient, delta)) + 0);
};

const liars = new Set([1, 4]);
/** Away from the target, as far as honest members come towards it. */
const train: NonNullable<FlockOptions['train']> = (member, round, start) => {
  const { parameters, loss } = towardsTarget(member, round, start);
  return {
    parameters: liars.has(member) ? start.map((value, i) => 2 * value - parameters[i]!) : parameters,
    loss,
  };
};

const voting: RunChanges = { ...changes, strategy: { ...changes.strategy, judging: { id: 'votes' } } };
const vote: NonNullable<FlockOptions['judge']> = (_, question) => {
  assert.ok(question.means === 'own-update');
  return agreementWith(question);
};

function flockOf(seed: string, options: Partial<FlockOptions> = {}, more: RunChanges = changes): Flock {
  return new Flock(smallRun(more), { peers: 8, seed, train, judge, ...options });
}

const silencedIn = (flock: Flock, index: number): string[] =>
  flock
    .status(index)
    .shown.flatMap(({ kind, author }) => (kind === 'score' || kind === 'vote' ? [author!] : []));

function distance(flock: Flock, index: number): number {
  const model = flock.core(index).model();
  const target = smallVector(model.length, 'target');
  return Math.sqrt(model.reduce((sum, value, i) => sum + (value - target[i]!) ** 2, 0));
}

describe('a run whose members score deltas', () => {
  test('ends with the liars silenced, in one model, nearer to what the honest seek', () => {
    const flock = flockOf('judged');
    flock.bootAll();
    assert.ok(flock.finish());
    assert.equal(flock.hashes().length, 1);
    assert.deepEqual(silencedIn(flock, 0), [...liars].map((index) => signerOf(index).key).sort());
    const { strategy, ...rest } = changes;
    const { judging: _, ...unjudged } = strategy!;
    const distanceIn = (seed: string, peers: number): number => {
      const other = flockOf(
        seed,
        { peers, train: peers < 8 ? towardsTarget : train },
        { ...rest, strategy: unjudged },
      );
      other.bootAll();
      assert.ok(other.finish());
      return distance(other, 0);
    };
    const [trusting, honest] = [distanceIn('trusting', 8), distanceIn('honest', 6)];
    assert.ok(
      distance(flock, 0) < 0.5 * honest + 0.5 * trusting,
      `${distance(flock, 0)}, ${honest}, ${trusting}`,
    );
  });

  test('a late joiner, a restarted member and one that cannot judge come to the same model', () => {
    const flock = flockOf('judged-join', {
      judge: (index, question) => (index === 2 ? [] : judge(index, question)),
    });
    for (const index of [0, 1, 2, 3, 4, 5, 6]) flock.boot(index);
    flock.runUntil(16_300);
    flock.kill(3);
    flock.runUntil(19_000);
    flock.boot(3);
    flock.boot(7);
    assert.ok(flock.finish());
    assert.equal(flock.hashes().length, 1);
    assert.deepEqual(silencedIn(flock, 7), silencedIn(flock, 0));
    assert.equal(silencedIn(flock, 0).length, 2);
  });

  test('only those who were drawn say something, three of a round', () => {
    const flock = flockOf('judged-few');
    flock.bootAll();
    assert.ok(flock.finish());
    const { envelopes } = contextOf(flock.run);
    const about = flock.members.flatMap(({ announced }) =>
      announced.flatMap((bytes) => {
        const opened = openEnvelope(bytes, envelopes);
        return opened.ok && opened.envelope.kind === 2 ? [Number(opened.envelope.claims[0])] : [];
      }),
    );
    const counts = [...new Set(about)].map((round) => about.filter((one) => one === round).length);
    assert.ok(counts.length >= 25, `${counts.length} rounds`);
    assert.ok(Math.max(...counts) <= 3, String(counts));
  });
});

describe('a run in which some lie about scores', () => {
  test('has all others judge again, from the log, and asks who lied no more', () => {
    const flock = flockOf('judged-lies', {
      judge: (index, question) =>
        liars.has(index) ? judge(index, question).map((score) => 0 - score) : judge(index, question),
    });
    for (const index of [0, 1, 2, 3, 4, 5, 6]) flock.boot(index);
    flock.runUntil(9_300);
    flock.kill(3);
    flock.runUntil(11_000);
    flock.boot(3);
    flock.boot(7);
    assert.ok(flock.finish());
    assert.equal(flock.hashes().length, 1);
    const { shown } = flock.status(7);
    const keys = [...liars].map((index) => signerOf(index).key).sort();
    const about = (text: RegExp) =>
      shown.flatMap(({ author, text: told }) => (text.test(told) ? [author!] : [])).sort();
    assert.deepEqual(about(/its deltas carry no weight/), keys);
    assert.deepEqual(about(/its scores are not asked for any more/), keys);
  });
});

describe('a run whose members vote on deltas', () => {
  test('ends with the liars silenced, in one model, also for a late joiner and one that was restarted', () => {
    const flock = flockOf('voting', { judge: vote }, voting);
    for (const index of [0, 1, 2, 3, 4, 5, 6]) flock.boot(index);
    flock.runUntil(16_300);
    flock.kill(3);
    flock.runUntil(19_000);
    flock.boot(3);
    flock.boot(7);
    assert.ok(flock.finish());
    assert.equal(flock.hashes().length, 1);
    for (const index of [0, 3, 7])
      assert.deepEqual(silencedIn(flock, index), [...liars].map((liar) => signerOf(liar).key).sort());
  });

  test('silences nobody where all are honest, nor where the liars say so of the honest', () => {
    const honest = flockOf('voting-honest', { judge: vote, train: towardsTarget }, voting);
    honest.bootAll();
    assert.ok(honest.finish());
    assert.deepEqual(silencedIn(honest, 0), []);
    const slanderous = flockOf(
      'voting-slander',
      {
        judge: (index, question) =>
          vote(index, question).map((said) => (liars.has(index) ? -3e4 * Math.sign(said) + 0 : said)),
      },
      voting,
    );
    slanderous.bootAll();
    assert.ok(slanderous.finish());
    assert.deepEqual(silencedIn(slanderous, 0), [...liars].map((liar) => signerOf(liar).key).sort());
  });
});
