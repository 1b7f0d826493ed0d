/** What newcomers show for themselves: nonces that took work, and chains of invitations. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as dagCbor from '@ipld/dag-cbor';
import {
  Credentials,
  creatorsCredential,
  decodeLinks,
  invite,
  leadingZeroBits,
  workHash,
} from '../../src/core/credentials.ts';
import { type Membership, membershipSchema } from '../../src/core/membership.ts';
import { crypto, signerOf } from '../log/small-run.ts';

const runId = 'run';
const signers = Array.from({ length: 8 }, (_, index) => signerOf(index));
const [creator, a, b, c, stranger] = signers as [Signer, Signer, Signer, Signer, Signer];
type Signer = ReturnType<typeof signerOf>;
const credentialsIn = (membership: object, own: Uint8Array | null = null): Credentials =>
  new Credentials(
    { membership: membershipSchema.parse(membership) as Membership, creator: creator.key },
    runId,
    crypto,
    own,
  );
const invited = (own: Uint8Array, inviter: Signer, key: string, number = 0) =>
  invite(runId, own, { key, number }, inviter);

describe('work', () => {
  const bits = 8;
  const nonceOf = (key: string, wanted: (zeros: number) => boolean): Uint8Array => {
    for (let tries = 0; ; tries++) {
      const nonce = new Uint8Array(8);
      new DataView(nonce.buffer).setUint32(0, tries);
      if (wanted(leadingZeroBits(workHash(runId, key, nonce, crypto)))) return nonce;
    }
  };

  test('a nonce entitles the key that it was found for, in the run that it was found for', () => {
    const nonce = nonceOf(a.key, (zeros) => zeros >= bits);
    const work = credentialsIn({ kind: 'work', bits });
    assert.equal(work.has(a.key), false);
    assert.equal(work.admits(a.key, nonce), true);
    assert.equal(work.has(a.key), true);
    assert.equal(work.admits(b.key, nonce), leadingZeroBits(workHash(runId, b.key, nonce, crypto)) >= bits);
    const tooEasy = nonceOf(c.key, (zeros) => zeros === bits - 1);
    for (const wrong of [null, tooEasy, new Uint8Array(), new Uint8Array(9), new Uint8Array(5000)])
      assert.equal(work.admits(c.key, wrong), false);
    assert.equal(work.has(c.key), false);
  });

  test('zeros are counted from the first bit on', () => {
    const zerosOf = (...bytes: number[]) => leadingZeroBits(Uint8Array.from(bytes));
    assert.deepEqual([zerosOf(128), zerosOf(1), zerosOf(0, 64), zerosOf(0, 0)], [0, 7, 9, 16]);
  });
});

describe('invitations', () => {
  const run = { kind: 'invite', depth: 2, invitations: 3 };
  const byCreator = invited(creatorsCredential(), creator, a.key, 2);
  const byA = invited(byCreator, a, b.key);

  test('lead from the creator to a key, link by link', () => {
    const credentials = credentialsIn(run);
    assert.ok(credentials.admits(creator.key, creatorsCredential()));
    assert.ok(credentials.admits(a.key, byCreator));
    assert.ok(credentials.admits(b.key, byA));
    assert.ok(!credentials.admits(stranger.key, byA), 'of somebody else');
    assert.ok(
      !credentials.admits(a.key, creatorsCredential()),
      'a chain without links is the creator’s alone',
    );
    const tooDeep = invited(byA, b, c.key);
    assert.ok(!credentials.admits(c.key, tooDeep));
    assert.ok(credentialsIn({ ...run, depth: 3 }).admits(c.key, tooDeep));
  });

  test('are not made by who was not invited, nor for another run, nor beyond their number', () => {
    const credentials = credentialsIn(run);
    assert.ok(!credentials.admits(b.key, invited(byCreator, stranger, b.key)), 'signed by another');
    assert.ok(!credentials.admits(b.key, invited(creatorsCredential(), a, b.key)), 'out of nothing');
    const elsewhere = invite('other', creatorsCredential(), { key: a.key, number: 0 }, creator);
    assert.ok(!credentials.admits(a.key, elsewhere));
    assert.ok(!credentials.admits(a.key, invited(creatorsCredential(), creator, a.key, 3)));
    for (let at = 0; at < byA.length; at += 7) {
      const broken = byA.map((byte, index) => (index === at ? byte ^ 1 : byte));
      assert.ok(!credentials.admits(b.key, broken), `byte ${at}`);
    }
  });

  test('are bounded, and nothing that is no chain is taken for one', () => {
    assert.equal(
      decodeLinks(dagCbor.encode(Array(9).fill([new Uint8Array(32), 0, new Uint8Array(64)]))),
      null,
    );
    for (const wrong of [[1], [[new Uint8Array(31), 0, new Uint8Array(64)]], {}, [[]]])
      assert.equal(decodeLinks(dagCbor.encode(wrong)), null);
    let longest = creatorsCredential();
    for (let link = 0; link < 8; link++)
      longest = invited(longest, signers[link]!, signers[(link + 1) % 8]!.key, 1023);
    assert.ok(longest.length <= 1040, `${longest.length} bytes`);
  });
});

describe('requests', () => {
  const request = Uint8Array.of(1, 2, 3);
  const byCreator = invited(creatorsCredential(), creator, a.key);

  test('carry what entitles who asks, where the run asks for it', () => {
    const run = { kind: 'invite', depth: 2 };
    const [asking, answering] = [credentialsIn(run, byCreator), credentialsIn(run)];
    assert.deepEqual(answering.disclosed(a.key, asking.enclosed(request)), request);
    assert.equal(answering.disclosed(stranger.key, asking.enclosed(request)), null);
    assert.equal(answering.disclosed(a.key, request), null);
    assert.equal(answering.disclosed(b.key, credentialsIn(run).enclosed(request)), null);
  });

  test('are as they are in runs that are open or name their members', () => {
    for (const membership of [{ kind: 'open' }, { kind: 'allow-list', members: [a.key] }]) {
      const credentials = credentialsIn(membership);
      assert.equal(credentials.enclosed(request), request);
      assert.equal(credentials.disclosed(a.key, request), request);
      assert.equal(credentials.admits(a.key, null), true);
      assert.equal(credentials.admits(a.key, byCreator), false);
      assert.equal(credentials.disclosed(b.key, request) === null, membership.kind === 'allow-list');
    }
  });
});
