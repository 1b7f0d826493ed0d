/** Runs that ask newcomers to show something, on bare cores driven by hand. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  creatorsCredential,
  invite,
  leadingZeroBits,
  nonceBytes,
  workHash,
} from '../../src/core/credentials.ts';
import { composeEntry } from '../../src/entries/registry.ts';
import { openEnvelope } from '../../src/log/envelope.ts';
import { Flock } from './flock.ts';
import { contextOf, crypto, type RunChanges, signerOf, smallRun } from './small-run.ts';

const changes: RunChanges = {
  rounds: 10,
  strategy: {
    codec: { chunk: 64, perChunk: 8 },
    ...{ windowRounds: 3, admitRounds: 1, snapshotRounds: 4 },
  },
};

const invitedRun = smallRun({ ...changes, membership: { kind: 'invite', depth: 2, invitations: 16 } });
/** The creator invites 1 and 2, 1 invites 3 and 4; whoever comes after them was invited by nobody. */
function invitations(index: number): Uint8Array | null {
  const { runId } = invitedRun;
  if (index === 0) return creatorsCredential();
  const of = (own: Uint8Array, inviter: number, number: number) =>
    invite(runId, own, { key: signerOf(index).key, number }, signerOf(inviter));
  if (index <= 2) return of(creatorsCredential(), 0, index - 1);
  return index <= 4 ? of(invitations(1)!, 1, index - 3) : null;
}

const workRun = smallRun({ ...changes, membership: { kind: 'work', bits: 6 } });
function nonceOf(index: number): Uint8Array {
  const nonce = new Uint8Array(nonceBytes);
  for (let tries = 0; ; tries++) {
    new DataView(nonce.buffer).setUint32(0, tries);
    if (leadingZeroBits(workHash(workRun.runId, signerOf(index).key, nonce, crypto)) >= 6) return nonce;
  }
}

const authorsIn = (flock: Flock, index: number): string[] =>
  [...flock.status(index).contributions]
    .flatMap(([author, { deltas }]) => (deltas > 0 ? [author] : []))
    .sort();
const keysOf = (indices: readonly number[]) => indices.map((index) => signerOf(index).key).sort();

describe('a run of those who were invited', () => {
  test('is trained by them alone, a late joiner among them, and ends in one model', () => {
    const flock = new Flock(invitedRun, { peers: 6, seed: 'invited', credential: invitations });
    for (const index of [0, 1, 2, 3, 5]) flock.boot(index);
    flock.runUntil(12_000);
    flock.kill(2);
    flock.runUntil(14_000);
    flock.boot(2);
    flock.boot(4);
    flock.runUntil(45_000);
    const inside = [0, 1, 2, 3, 4];
    for (const index of inside) assert.equal(flock.status(index).phase, 'finished', `${index}`);
    assert.equal(new Set(inside.map((index) => flock.status(index).modelHash)).size, 1);
    const authors = authorsIn(flock, 0);
    assert.ok(keysOf([0, 1, 2, 3]).every((key) => authors.includes(key)));
    assert.ok(!authors.includes(signerOf(5).key));
    assert.ok(flock.status(0).refused['not-a-member'] > 0, 'the stranger was refused');
  });

  test('an entry without what entitles its author is none, whoever brings it', () => {
    const flock = new Flock(invitedRun, { peers: 3, seed: 'stripped', credential: invitations });
    flock.bootAll();
    flock.runUntil(3_000);
    const { envelopes } = contextOf(invitedRun);
    const announced = flock.member(1).announced;
    assert.ok(announced.length > 0);
    for (const bytes of announced) {
      assert.ok(openEnvelope(bytes, envelopes).ok);
      const stripped = Uint8Array.from(bytes);
      stripped[0] = 0x83;
      assert.equal(openEnvelope(stripped, envelopes).ok, false);
    }
  });
});

test('a run that asks for work is trained by who has done it', () => {
  const flock = new Flock(workRun, {
    ...{ peers: 4, seed: 'work' },
    credential: (index) => (index === 3 ? new Uint8Array(nonceBytes).fill(255) : nonceOf(index)),
  });
  flock.bootAll();
  flock.runUntil(45_000);
  const inside = [0, 1, 2];
  for (const index of inside) assert.equal(flock.status(index).phase, 'finished', `${index}`);
  assert.equal(new Set(inside.map((index) => flock.status(index).modelHash)).size, 1);
  assert.deepEqual(authorsIn(flock, 0), keysOf(inside));
});

const revocationOf = (key: string) => composeEntry('revocation', key) as Uint8Array;

describe('an invitation', () => {
  const revocable = smallRun({
    ...changes,
    rounds: 24,
    strategy: { ...changes.strategy, kinds: [{ id: 'note' }, { id: 'revocation' }] },
    membership: { kind: 'invite', depth: 2, invitations: 16 },
  });
  const chain = (path: readonly number[], number = path.at(-1)!): Uint8Array =>
    path.reduce(
      (own, index, at) =>
        invite(
          revocable.runId,
          own,
          { key: signerOf(index).key, number: at === path.length - 1 ? number : index },
          signerOf(path[at - 1] ?? 0),
        ),
      creatorsCredential(),
    );
  const deltasOf = (flock: Flock, index: number, author: number): number =>
    flock.status(index).contributions.get(signerOf(author).key)?.deltas ?? 0;
  const revoke = (flock: Flock, by: number, key: number) =>
    flock.submit(by, 'revocation', revocationOf(signerOf(key).key));

  test('is taken back by who gave it, with all that came of it, and by nobody else', () => {
    const paths = [[], [1], [2], [1, 3], [2, 4]];
    const flock = new Flock(revocable, {
      ...{ peers: 5, seed: 'revoked' },
      credential: (index) => chain(paths[index]!),
    });
    flock.bootAll();
    flock.runUntil(3_500);
    // 2 has nothing to say of whom 1 invited, nor 3 of who invited it.
    for (const [by, key] of [
      [2, 3],
      [3, 1],
      [0, 1],
    ] as const)
      assert.ok('entryId' in revoke(flock, by, key));
    assert.ok(flock.finish());
    assert.equal(flock.hashes().length, 1);
    for (const out of [1, 3]) assert.ok(deltasOf(flock, 0, out) < 12, `${out}: ${deltasOf(flock, 0, out)}`);
    for (const inside of [0, 2, 4]) assert.ok(deltasOf(flock, 0, inside) > 20, `${inside}`);
    const { shown } = flock.status(2);
    assert.deepEqual(
      shown.flatMap(({ kind, author }) => (kind === 'revocation' ? [author] : [])),
      keysOf([1]),
    );
  });

  test('of a number that was given twice is of who came first', () => {
    const flock = new Flock(revocable, {
      ...{ peers: 4, seed: 'twice' },
      credential: (index) => (index === 0 ? creatorsCredential() : chain([index], Math.min(index, 2))),
    });
    for (const index of [0, 1, 2]) flock.boot(index);
    flock.runUntil(4_000);
    flock.boot(3);
    assert.ok(flock.finish());
    assert.equal(flock.hashes().length, 1);
    assert.ok(deltasOf(flock, 0, 2) > 20);
    assert.ok(deltasOf(flock, 0, 3) <= 1, `${deltasOf(flock, 0, 3)}`);
  });
});
