/** The chain of roots behind a history, as others tell of it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { equals } from 'uint8arrays';
import { Lineage, nextRoot } from '../../src/log/lineage.ts';
import { type Chain, chainRoundsMax, decodeRequest, encodeChain } from '../../src/log/wire.ts';
import { Flock, type FlockOptions, towardsTarget } from './flock.ts';
import { crypto, smallRun } from './small-run.ts';

const initial = new Uint8Array(32);
const digestOf = (round: number): Uint8Array | null =>
  round % 4 === 3 ? null : crypto.sha256(Uint8Array.of(round));

/** One that has folded rounds 0 to `last`. */
function folded(last: number): Lineage {
  const lineage = new Lineage();
  let root: Uint8Array = initial;
  lineage.note(-1, { root, work: 0 });
  for (let round = 0; round <= last; round++) {
    root = nextRoot(crypto, root, round, digestOf(round));
    lineage.note(round, { root, work: round });
  }
  return lineage;
}

/** One that has begun with the state after a round. */
function begun(round: number): Lineage {
  const lineage = new Lineage();
  lineage.note(round, { root: folded(round).rootAt(round)!, work: 0 });
  return lineage;
}

const told = (round: number, count: number): Chain => folded(round).chainTo(crypto, round, count, digestOf)!;

describe('a chain of roots', () => {
  test('leads from any of the last rounds to a root, and who has begun there knows the roots before it', () => {
    const lineage = begun(20);
    assert.ok(lineage.prepend(crypto, 20, told(20, 8), initial));
    assert.equal(lineage.beginning(20), 12);
    for (let round = 12; round <= 20; round++) {
      assert.deepEqual(lineage.rootAt(round), folded(20).rootAt(round));
      assert.equal(lineage.markAt(round)?.work, round === 20 ? 0 : undefined, 'no state was here');
    }
    assert.ok(lineage.prepend(crypto, 12, told(12, 256), initial));
    assert.equal(lineage.beginning(20), -1);
    assert.deepEqual(
      lineage.chainTo(crypto, 20, 256, () => undefined),
      told(20, 256),
      'it tells it on',
    );
  });

  test('is refused where its hashes do not lead there', () => {
    const chain = told(20, 8);
    assert.equal(told(20, 10).digests.length, 9, 'what begins with a round without entries is not told');
    const forged: readonly Chain[] = [
      { ...chain, root: crypto.sha256(chain.root) },
      { root: folded(20).rootAt(20)!, digests: Array.from({ length: 8 }, () => null) },
      { ...chain, digests: chain.digests.slice(1) },
      { ...chain, digests: [...chain.digests, null] },
      { ...chain, digests: chain.digests.map((digest) => digest && crypto.sha256(digest)) },
      { root: chain.root, digests: Array.from({ length: 22 }, () => null) },
    ];
    for (const one of forged) {
      const lineage = begun(20);
      assert.equal(lineage.prepend(crypto, 20, one, initial), false);
      assert.equal(lineage.beginning(20), 20);
    }
    assert.equal(begun(19).prepend(crypto, 20, chain, initial), false, 'of a round that is not known');
  });

  test('that reaches the start of the run begins with the start of the run', () => {
    const others = told(20, 256);
    assert.equal(begun(20).prepend(crypto, 20, others, crypto.sha256(initial)), false);
    assert.ok(begun(20).prepend(crypto, 20, others, initial));
  });

  test('is remembered over so many rounds and not further', () => {
    const lineage = folded(chainRoundsMax + 50);
    assert.equal(lineage.beginning(chainRoundsMax + 50), 51);
    assert.ok(equals(lineage.rootAt(51)!, folded(51).rootAt(51)!));
  });
});

const strategy = { windowRounds: 3, admitRounds: 1, snapshotRounds: 4, committeeSize: 32 };

/** Four that train and one that comes late, which is returned. */
function late(impostor: NonNullable<FlockOptions['impostor']>) {
  const run = smallRun({ rounds: 40, strategy });
  const flock = new Flock(run, { peers: 5, seed: 'lineage', train: towardsTarget, impostor });
  for (const index of [0, 1, 2, 3]) flock.boot(index);
  const { slotMs } = run.manifest;
  flock.runUntil(24 * slotMs);
  flock.boot(4);
  flock.runUntil(30 * slotMs);
  assert.ok(flock.member(4).of('joined').length > 0);
  return flock.member(4);
}

test('who comes late asks for it, each peer once at most', () => {
  const asked: number[] = [];
  const members: number[] = [];
  const { blamed } = late((member, bytes) => {
    const request = decodeRequest(bytes);
    if (request?.kind !== 'chain') return undefined;
    asked.push(request.count);
    members.push(member);
    return undefined;
  });
  assert.ok(asked[0]! >= 8 && asked[0]! <= chainRoundsMax);
  assert.ok(
    asked.every((count, index) => index === 0 || count <= asked[index - 1]!),
    'for what is missing still',
  );
  assert.equal(new Set(members).size, members.length);
  assert.equal(blamed.size, 0);
});

test('who tells another one pays for it, and the next peer is asked', () => {
  const lied: number[] = [];
  const { blamed } = late((member, bytes) => {
    const request = decodeRequest(bytes);
    if (request?.kind !== 'chain') return undefined;
    lied.push(member);
    return [encodeChain({ root: crypto.sha256(request.root), digests: [request.root] })];
  });
  assert.deepEqual(lied.sort(), [0, 1, 2, 3], 'each once');
  assert.deepEqual([...blamed.values()], [1, 1, 1, 1]);
});
