/** Members that are not drawn write ballots all the same, and take no place from those who are. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type BallotKind, ballotIndex, ballotRounds } from '../../src/entries/ballot/ballot-kind.ts';
import type { ShowBody } from '../../src/entries/ballot/ballot-state.ts';
import type { LogEntry } from '../../src/log/entry-kind.ts';
import { sealEnvelope } from '../../src/log/envelope.ts';
import { placeKey } from '../../src/log/log-book.ts';
import { Replica } from '../../src/log/replica.ts';
import { rngFor } from '../../src/math/rng.ts';
import { contextOf, crypto, messageOf, noHistory, signerOf, smallRun, smallVector } from './small-run.ts';

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
const about = [2, 3];
const said: ShowBody = { salt: new Uint8Array(16), before: 1, after: 1, seen: new Uint8Array() };

const deltas = about.flatMap((round) =>
  signers.map((signer, index) =>
    messageOf(context, signer, round, smallVector(run.initial.length, `${round}/${index}`)),
  ),
);
/** Both words of everyone, at both places of all rounds of either vote. */
const ballots = about
  .flatMap((round) => [round + after.commit, round + after.show])
  .flatMap((round) =>
    signers.flatMap((signer) => {
      const { commit, show } = kind.compose(signer.key, said);
      return [commit, show].map((body, index): LogEntry => {
        const fields = { round, kind: 1, index, anchor: noHistory, claims: [] };
        const sealed = sealEnvelope(fields, body, context.envelopes, signer);
        return { ...sealed, body, content: kind.decode(body, []) };
      });
    }),
  );

const replicaOf = (): Replica => new Replica({ ...context, crypto });

/** Those drawn for the round who do not have a word of theirs in it. */
function missing(replica: Replica, round: number): string[] {
  const { kinds } = replica.stateAfter(round);
  const drawn = signers.filter(({ key }) => kind.dutyIn(kinds[1], round, key));
  assert.equal(drawn.length, voters);
  return drawn.flatMap(({ key: author }) =>
    (['commit', 'show'] as const)
      .map((word) => ({ round: round + after[word], key: { author, kind: 1, index: ballotIndex[word] } }))
      .filter((place) => !replica.log.at(place.round, placeKey(place.key)))
      .map((place) => `${place.round}/${place.key.index}/${author}`),
  );
}

describe('places for ballots', () => {
  test('30 members who are not drawn leave all 16 voters both words, in whatever order they come', () => {
    const digests = new Set<string>();
    for (let seed = 0; seed < 3; seed++) {
      const replica = replicaOf();
      for (const delta of deltas) replica.insert(delta);
      for (const ballot of rngFor(`ballots/${seed}`).shuffle([...ballots])) replica.insert(ballot);
      for (const round of about) {
        assert.deepEqual(missing(replica, round), []);
        assert.equal(replica.log.countOf(round + after.commit, 1), kind.entriesPerRoundMax);
        digests.add(`${round}/${replica.log.digestHex(round + after.commit)}`);
      }
    }
    assert.equal(digests.size, about.length, 'the set does not depend on the order');
  });

  test('a voter finds a place in a full round, also once its deltas are final; who is not drawn does not', () => {
    const replica = replicaOf();
    for (const delta of deltas) replica.insert(delta);
    const [round] = about;
    const into = round! + after.commit;
    const { kinds } = replica.stateAfter(round!);
    const isDrawn = (key: string): boolean => kind.dutyIn(kinds[1], round!, key) !== null;
    for (const ballot of ballots) if (!isDrawn(ballot.author)) replica.insert(ballot);
    for (let once = 0; once < 2; once++) {
      for (const { key: author } of signers) {
        const place = { round: into, author, kind: 1, index: ballotIndex.commit };
        if (isDrawn(author)) assert.ok(replica.hasRoom(place));
      }
      while (replica.base.round < round!) replica.foldNext();
    }
    for (const ballot of ballots) if (ballot.round === into) replica.insert(ballot);
    while (replica.base.round < into) replica.foldNext();
    const absent = signers
      .flatMap(({ key: author }) => [0, 1].map((index) => ({ round: into, author, kind: 1, index })))
      .filter((place) => !replica.log.at(into, placeKey(place)));
    assert.ok(absent.length > 0);
    for (const place of absent)
      assert.equal(replica.hasRoom(place), false, 'what a final round has keeps its place');
  });

  test('what was let in while the draw was not known gives way once it is', () => {
    const replica = replicaOf();
    for (const ballot of ballots) replica.insert(ballot);
    for (const delta of deltas) replica.insert(delta);
    assert.notDeepEqual(
      about.flatMap((round) => missing(replica, round)),
      [],
    );
    for (const ballot of ballots) replica.insert(ballot);
    assert.deepEqual(
      about.flatMap((round) => missing(replica, round)),
      [],
    );
  });
});
