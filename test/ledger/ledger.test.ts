/** Runs of real training with honest peers and others, folded from their archives; exact Shapley values are the oracle. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ledgerOf, type RunLedgerOptions } from '../../src/daemon/run-ledger.ts';
import { accountsCsv, accountsOf } from '../../src/ledger/accounts.ts';
import { Evaluation } from '../../src/ledger/evaluation.ts';
import { ledgerDefaults } from '../../src/ledger/ledger.ts';
import { worthOf } from '../../src/ledger/score-round.ts';
import { correlation } from '../../src/ledger/tally.ts';
import { ArchiveError } from '../../src/log/archive.ts';
import { crypto } from '../log/small-run.ts';
import { type Part, play, withFile } from './cast.ts';
import { exactShapley } from './exact-shapley.ts';

const parts: readonly Part[] = ['honest', 'honest', 'honest', 'half', 'noise', 'flip', 'copy', 'free'];
const played = await play(parts, 8);
const options: RunLedgerOptions = {
  ...{ run: '', evaluation: null, examplesPerRound: 128, settings: { ...ledgerDefaults, spotRate: 1 } },
};
const { found, again, other } = await withFile(played.archive, async (file) => ({
  found: await ledgerOf(file, options),
  again: await ledgerOf(file, options),
  other: await ledgerOf(file, { ...options, examplesPerRound: 64 }),
}));
const { ledger } = found;
const accounts = accountsOf(ledger, { memory: 1, policy: { id: 'proportional' } });
const indexOf = (key: string): number => played.keys.indexOf(key);

describe('a ledger', () => {
  test('is the same whenever it is computed from the same files, and another with other examples', () => {
    assert.deepEqual(again.ledger, ledger);
    assert.notEqual(other.ledger.hash, ledger.hash);
    assert.notDeepEqual(other.ledger.rounds, ledger.rounds);
    assert.equal(found.summary.round, 7);
  });

  test('names the entry of each delta, and its scores add up to the drop of the loss', () => {
    assert.equal(ledger.rounds.length, 8);
    for (const { deltas, lossBefore, lossAfter, remainder } of ledger.rounds) {
      assert.equal(new Set(deltas.map(({ entry }) => entry)).size, parts.length);
      assert.ok(deltas.every(({ entry }) => /^[0-9a-f]{64}$/.test(entry)));
      const scores = deltas.reduce((sum, { score }) => sum + score, 0);
      assert.equal(scores + remainder, lossBefore - lossAfter);
      assert.ok(Number.isInteger(remainder));
      // Of the third order in the step: small beside what the steps did.
      assert.ok(Math.abs(remainder) < 0.05 * Math.max(...deltas.map(({ score }) => Math.abs(score))));
    }
    assert.ok(accounts.drop > 1_000_000);
  });

  test('agrees with Shapley values over all coalitions of all rounds', async () => {
    const { spec, data, runId } = played;
    const evaluation = new Evaluation({
      ...{ runId, model: spec.model, dataset: data.heldOut, frozen: null, examplesPerRound: 128, crypto },
    });
    const pairs: Array<readonly [number, number]> = [];
    const totals = parts.map(() => [0, 0] as [number, number]);
    for (const [at, recorded] of played.recorded.entries()) {
      // Who sent nothing adds nothing to anybody: half of the coalitions are the others.
      const moving = recorded.deltas.flatMap(({ content }, index) => (content.norm > 0 ? [index] : []));
      const worth = worthOf(recorded, evaluation, 'sum');
      const exact = await exactShapley(moving.length, (members) => worth(members.map((m) => moving[m]!)));
      for (const [place, index] of moving.entries()) {
        const { author, score } = ledger.rounds[at]!.deltas[index]!;
        pairs.push([score, 1e6 * exact[place]!]);
        const total = totals[indexOf(author)]!;
        total[0] += score;
        total[1] += 1e6 * exact[place]!;
      }
    }
    assert.ok(pairs.length > 50);
    assert.ok(correlation(pairs)! > 0.99, `${correlation(pairs)}`);
    assert.ok(correlation(totals)! > 0.99, `${correlation(totals)}`);
  });

  test('was checked by sampled orders where it was drawn, which agree too', () => {
    assert.equal(accounts.checks.rounds, 8);
    assert.ok(accounts.checks.correlation! > 0.99, `${accounts.checks.correlation}`);
  });

  test('gives points for work alone: none to a sign flipper, a copycat, a free rider', () => {
    const points = new Map(accounts.peers.map(({ peer, points: each }) => [indexOf(peer), each]));
    for (const [index, part] of parts.entries()) {
      const each = points.get(index)!;
      if (part === 'honest' || part === 'half') assert.ok(each > 200_000, `${part}: ${each}`);
      else if (part === 'noise') assert.ok(each < 20_000, `${part}: ${each}`);
      else assert.equal(each, 0, part);
    }
    const copycat = accounts.peers.find(({ peer }) => indexOf(peer) === 6)!;
    assert.equal(copycat.copies, 7);
    assert.ok(copycat.score > 0);
    const rows = accountsCsv(accounts, {}).trimEnd().split('\r\n');
    assert.equal(rows.length, parts.length + 1);
    const named = accountsCsv(accounts, { [copycat.peer]: '=cmd()' });
    assert.ok(named.includes(`${copycat.peer},'=cmd(),`), 'a name is no formula');
    const shares = rows.slice(1).map((row) => Number(row.split(',').at(-1)));
    assert.equal(
      shares.reduce((sum, share) => sum + share, 0),
      1_000_000,
    );
  });

  test('calls nobody who worked a copy', () => {
    const copiers = ledger.rounds.flatMap(({ deltas }) =>
      deltas.flatMap(({ author, copy }) => (copy === null ? [] : [indexOf(author)])),
    );
    assert.deepEqual(copiers, Array(7).fill(6));
  });

  test('is refused of an archive that does not fold to what it says', async () => {
    const broken = played.archive.slice();
    broken[broken.length - 5]! ^= 1;
    await withFile(broken, (file) => assert.rejects(ledgerOf(file, options), ArchiveError));
  });
});

for (const strategy of [{ overlap: 'mean' }, { judgingRounds: 2 }, { codec: { id: 'int8', block: 64 } }]) {
  test(`scores add up with ${JSON.stringify(strategy)} too`, async () => {
    const small = await play(['honest', 'honest', 'flip'], 4, strategy);
    const { ledger: found } = await withFile(small.archive, (file) => ledgerOf(file, options));
    assert.ok(found.rounds.length >= 2);
    for (const { round, foldedAt, deltas, remainder, lossBefore, lossAfter } of found.rounds) {
      assert.equal(foldedAt - round, strategy.judgingRounds ?? 0);
      assert.ok(Math.abs(remainder) < 0.1 * Math.max(...deltas.map(({ score }) => Math.abs(score))));
      assert.ok(deltas.some(({ score }) => score !== 0));
      assert.ok(Number.isInteger(lossBefore - lossAfter));
    }
    const flipped = found.rounds.flatMap(({ deltas }) =>
      deltas.flatMap(({ author, score }) => (author === small.keys[2] ? [score] : [])),
    );
    assert.ok(flipped.reduce((sum, score) => sum + score, 0) < 0);
  });
}
