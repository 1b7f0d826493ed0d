import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Copy } from '../../src/ledger/copies.ts';
import type { Ledger, LedgerDelta } from '../../src/ledger/ledger.ts';
import { correlation, tally, tallyDefaults } from '../../src/ledger/tally.ts';

const copyOf = (author: string): Copy => ({
  ...{ author, round: 0, entry: 'e', same: 9, named: 9, usual: 0.1, logBound: -50, evidence: 'anchor' },
});

/** A ledger with these scores in each round; `null` stands for no delta. */
function ledgerOf(rounds: ReadonlyArray<Readonly<Record<string, number | null>>>, copier?: string): Ledger {
  const deltaOf = (author: string, score: number): LedgerDelta => ({
    ...{ author, entry: 'e', weight: 1, norm: 1, misses: 0, steps: 1, score },
    copy: author === copier ? copyOf('a') : null,
  });
  return {
    ...{ runId: 'run', hash: 'hash', settings: { copyRounds: 8, spotRate: 0, permutations: 4 } },
    evaluation: { examples: 1, perRound: 1, digest: '' },
    rules: { clipFactor: 3, normMax: 1, committeeSize: 16, overlap: 'sum' },
    rounds: rounds.map((scores, round) => ({
      ...{ round, foldedAt: round, root: '', reference: 1, lossBefore: 0, lossAfter: 0, remainder: 0 },
      deltas: Object.entries(scores).flatMap(([author, score]) =>
        score === null ? [] : [deltaOf(author, score)],
      ),
      shapley: null,
    })),
    undone: [],
  };
}

describe('points', () => {
  test('are the credit of all rounds, none for harm', () => {
    const [first, second] = tally(
      ledgerOf([
        { a: 5, b: -3 },
        { a: 7, b: 1 },
      ]),
      tallyDefaults,
    );
    assert.deepEqual([first!.peer, first!.points, first!.average], ['a', 12, 6]);
    assert.deepEqual([second!.peer, second!.points, second!.credit], ['b', 0, -2]);
  });

  test('forget by the memory', () => {
    const ledger = ledgerOf([{ a: 8 }, { a: 0 }, { a: 2 }]);
    const [one] = tally(ledger, { ...tallyDefaults, memory: 0.5 });
    assert.equal(one!.points, 4);
    assert.equal(one!.average, 4 / 1.75);
    assert.equal(tally(ledger, { ...tallyDefaults, memory: 0 })[0]!.points, 2);
  });

  test('of a copy that helped go to the original; what a copy spoils is its own', () => {
    const peers = tally(
      ledgerOf(
        [
          { a: 5, c: 4 },
          { a: 5, c: -3 },
        ],
        'c',
      ),
      tallyDefaults,
    );
    const of = (name: string) => peers.find(({ peer }) => peer === name)!;
    assert.deepEqual([of('a').credit, of('a').score], [14, 10]);
    assert.deepEqual([of('c').credit, of('c').score, of('c').copies, of('c').points], [-3, 1, 2, 0]);
  });

  test('have an interval that follows from the ledger, and holds what it should', () => {
    const rounds = Array.from({ length: 40 }, (_, round) => ({ a: 100 + 50 * ((round * 7) % 5), b: 10 }));
    const ledger = ledgerOf(rounds);
    const [a, b] = tally(ledger, tallyDefaults);
    assert.deepEqual(tally(ledger, tallyDefaults), [a, b]);
    assert.ok(a!.low < a!.credit && a!.credit < a!.high);
    // The mean of 40 values with a deviation of 70.7: 1.96 * 70.7 * sqrt(40) either way.
    assert.ok(Math.abs((a!.high - a!.low) / 2 / (1.96 * 70.7 * Math.sqrt(40)) - 1) < 0.15);
    assert.deepEqual([b!.low, b!.high], [400, 400]);
    const [single] = tally(ledgerOf([{ a: 3 }]), tallyDefaults);
    assert.deepEqual([single!.low, single!.high], [3, 3]);
    assert.deepEqual(tally(ledgerOf([]), tallyDefaults), []);
  });
});

test('correlation', () => {
  assert.equal(
    correlation([
      [1, 2],
      [2, 4],
      [3, 6],
    ]),
    1,
  );
  assert.equal(
    correlation([
      [1, 2],
      [2, 0],
      [3, -2],
    ]),
    -1,
  );
  assert.equal(
    correlation([
      [1, 2],
      [1, 3],
    ]),
    null,
  );
  assert.equal(correlation([]), null);
});
