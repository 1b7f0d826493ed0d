/** A commitment to a vote that is made when the votes of others are known, and dated back. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type BallotKind, ballotIndex, ballotRounds } from '../../src/entries/ballot/ballot-kind.ts';
import type { BallotState, ShowBody } from '../../src/entries/ballot/ballot-state.ts';
import { namesOf } from '../../src/entries/ballot/naming.ts';
import { recordState } from '../../src/entries/record-kind.ts';
import { encodeStoredEnvelope, openEnvelope, sealEnvelope } from '../../src/log/envelope.ts';
import { decodeState } from '../../src/log/snapshot.ts';
import { logKey, namedBy } from '../../src/log/store-keys.ts';
import { Flock, type Member, towardsTarget } from './flock.ts';
import { contextOf, signerOf, smallRun } from './small-run.ts';

const peers = 6;
const copyist = 5;
const after = ballotRounds(1);
const run = smallRun({
  rounds: 24,
  membership: {
    kind: 'allow-list',
    members: Array.from({ length: peers }, (_, index) => signerOf(index).key),
  },
  strategy: {
    codec: { chunk: 64, perChunk: 8 },
    ...{ windowRounds: 6, admitRounds: 1, snapshotRounds: 8, judgingRounds: after.fold },
    ...{ kinds: [], judging: null, alliance: { margin: 0.1 } },
  },
});
const context = contextOf(run);
const kind = context.kinds[1] as BallotKind;
const { envelopes } = context;

/** Votes on a round that stand in a store, by author. */
function votesIn({ store }: Member, about: number): Map<string, ShowBody> {
  const votes = new Map<string, ShowBody>();
  for (const [key, value] of store) {
    const named = namedBy(key);
    if (named?.kind !== 1 || named.round !== about + after.show) continue;
    const opened = openEnvelope(value, envelopes);
    const body = opened.ok && opened.envelope.body;
    const content = opened.ok && body ? (kind.decode(body, opened.envelope.claims) as ShowBody | null) : null;
    if (content && 'salt' in content) votes.set(named.author, content);
  }
  return votes;
}

/** Puts the entries into a member's store, dated back, and starts it again: its log has them from then on. */
function putInto(flock: Flock, index: number, about: number, said: ShowBody): void {
  const member = flock.member(index);
  const { commit, show } = kind.compose(member.key, said);
  const anchor = { round: -1, root: Buffer.from(run.manifest.initHash, 'hex'), snapshot: new Uint8Array(32) };
  // It names its own commitment, and nobody else's: all the others of those who do are honest.
  const own = namesOf([(kind.decode(commit, []) as { readonly hash: Uint8Array }).hash]);
  for (const [round, index, body, claims] of [
    [about + after.commit, ballotIndex.commit, commit, []],
    [about + after.show, ballotIndex.show, show, own],
  ] as const) {
    const fields = { round, kind: 1, index, anchor, claims };
    const entry = { ...sealEnvelope(fields, body, envelopes, member.signer), body };
    member.store.set(logKey(entry), encodeStoredEnvelope(entry));
  }
  flock.kill(index);
  flock.boot(index);
}

describe('a voter that waits for the votes of others', () => {
  test('and commits when it knows them, dated back, is not counted: nobody had named what it commits to', () => {
    let measured = 0;
    const flock = new Flock(run, {
      ...{ peers, seed: 'late words', train: towardsTarget },
      score: (member, vectors) => (member === copyist ? null : vectors.map((v) => ++measured + v[0]! ** 2)),
    });
    flock.bootAll();
    const about = 10;
    flock.runUntil((about + after.show) * 1000 + 600);
    const votes = votesIn(flock.member(copyist), about);
    assert.ok(votes.size >= 4, `${votes.size} votes are known`);
    const [copied] = votes.values();
    putInto(flock, copyist, about, { ...copied!, salt: new Uint8Array(16).fill(7) });
    flock.runUntil((about + after.show + 10) * 1000);
    const blob = [...flock.member(0).store].filter(([key]) => key.startsWith('base/')).at(-1)![1];
    const { decided, refused } = recordState<BallotState>(decodeState(context.kinds, blob)!.kinds[1])!;
    const { said, median } = decided.find(({ round }) => round === about)!;
    assert.deepEqual(
      said.map(({ voter }) => voter),
      [...votes.keys()].sort(),
    );
    assert.notEqual(median, null, 'the others are a quorum');
    const { key } = flock.member(copyist);
    assert.deepEqual(
      refused.last.filter(({ author }) => author === key),
      [{ round: about + after.commit, author: key, what: 'a commitment to a vote', reason: 'late' }],
    );
    assert.equal(flock.hashes().length, 1);
  });
});
