/** The report on an alliance says of each member why which of its deltas carried no weight. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allianceSections } from '../../src/cli/view/alliance-sections.ts';
import type { AllianceDelta, RunAlliance } from '../../src/daemon/run-alliance.ts';

const ann = 'a'.repeat(64);

test('the table of members counts every delta under what became of it', () => {
  const why: readonly AllianceDelta['why'][] = [
    ...(['weighed', 'rolled-back', 'silenced', 'unseen', 'equivocated', 'not-drawn', 'open'] as const),
  ];
  const alliance = {
    summary: {
      name: 'demo',
      runId: 'run',
      fromRound: 0,
      round: 9,
      modelHash: 'ab',
      countedRounds: 7,
      rounds: 8,
    },
    manifest: { membership: { kind: 'allow-list', names: { [ann]: 'Ann' } } },
    rounds: why.map((one, round) => ({
      ...{ round, verdict: null },
      deltas: [{ author: ann, weight: one === 'weighed' ? 1 : 0, why: one }],
    })),
    ...{ silences: [], shown: [] },
  } as unknown as RunAlliance;
  const sections = allianceSections(alliance, null, new Map());
  assert.ok(
    sections[0]!.lines.includes(
      'open      7 of 8 rounds counted: the run was not over when this was written',
    ),
  );
  const over = { ...alliance, summary: { ...alliance.summary, countedRounds: 8 } };
  assert.ok(!allianceSections(over, null, new Map())[0]!.lines.some((line) => line.startsWith('open')));
  const { head, rows } = sections.find(({ title }) => title.startsWith('Members'))!.table!;
  const cellOf = (column: string): string => rows[0]![head.indexOf(column)]!;
  assert.deepEqual(
    ['weighed', 'rolled back', 'silenced', 'after the votes', 'equivocated', 'not drawn', 'not folded'].map(
      cellOf,
    ),
    why.map(() => '1'),
  );
  assert.equal(cellOf('deltas'), String(why.length));
  const rounds = sections.find(({ title }) => title === 'Rounds')!.table!.rows;
  assert.deepEqual(
    rounds.slice(-2).map((row) => row.at(-1)),
    ['Ann not drawn', 'Ann not folded'],
  );
});
