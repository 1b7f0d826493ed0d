/** Members that are not drawn write ballots all the same: what places of a round are left for those who are (SECURITY.md, what does not hold). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type BallotKind, ballotRounds } from '../../src/entries/ballot/ballot-kind.ts';
import type { ShowBody } from '../../src/entries/ballot/ballot-state.ts';
import type { LogEntry } from '../../src/log/entry-kind.ts';
import { sealEnvelope } from '../../src/log/envelope.ts';
import { bookOf, contextOf, noHistory, signerOf, smallRun } from './small-run.ts';

const [voters, others] = [16, 30];
const after = ballotRounds(1);
const signers = Array.from({ length: voters + others }, (_, index) => signerOf(index));
const run = smallRun({
  membership: { kind: 'allow-list', members: signers.map(({ key }) => key) },
  strategy: {
    ...{ windowRounds: 6, admitRounds: 1, judgingRounds: after.fold, committeeSize: 64 },
    ...{ kinds: [], judging: null, alliance: { voters } },
  },
});
const context = contextOf(run);
const kind = context.kinds[1] as BallotKind;

describe('places for ballots', () => {
  test('30 members who are not drawn leave fewer than a quorum of 16 voters with both words', () => {
    const said: ShowBody = { salt: new Uint8Array(16), before: 1, after: 1, seen: new Uint8Array() };
    const counts: number[] = [];
    for (let about = 0; about < 12; about++) {
      const log = bookOf(context);
      for (const round of [about + after.commit, about + after.show]) {
        for (const signer of signers) {
          const { commit, show } = kind.compose(signer.key, said);
          for (const [index, body] of [commit, show].entries()) {
            const fields = { round, kind: 1, index, anchor: noHistory, claims: [] };
            const sealed = sealEnvelope(fields, body, context.envelopes, signer);
            log.insert({ ...sealed, body, content: kind.decode(body, []) } as LogEntry);
          }
        }
      }
      const has = (round: number, key: string): boolean =>
        [...log.entries()].some((entry) => entry.round === round && entry.author === key);
      const both = signers
        .slice(0, voters)
        .filter(({ key }) => has(about + after.commit, key) && has(about + after.show, key));
      counts.push(both.length);
    }
    assert.ok(counts.filter((count) => count < (2 / 3) * voters).length >= 10, String(counts));
  });
});
