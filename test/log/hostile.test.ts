/** Programs that mean harm, against whole cores: what the honest ones must not lose. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { leavesOf, merkleRoot } from '../../src/content/blob.ts';
import { bytesToHex } from '../../src/core/bytes.ts';
import { type Anchor, encodeEnvelope } from '../../src/log/envelope.ts';
import { type DigestAnswer, decodeRequest, encodeDigestAnswer, encodeRequest } from '../../src/log/wire.ts';
import { Flock, type FlockOptions, towardsTarget } from './flock.ts';
import { deltaOf, Forgery } from './forgery.ts';
import { contextOf, crypto, type RunChanges, type SmallRun, signerOf, smallRun } from './small-run.ts';

const strategy = { windowRounds: 4, admitRounds: 2, snapshotRounds: 4, committeeSize: 32 };
const poisonedFrom = 50;

function allowList(members: number): NonNullable<RunChanges['membership']> {
  return { kind: 'allow-list', members: Array.from({ length: members }, (_, index) => signerOf(index).key) };
}

const runOf = (rounds: number, members?: number): SmallRun =>
  smallRun({ rounds, strategy, ...(members ? { membership: allowList(members) } : {}) });

/** Trains honestly, but for those from `liars` on, who have nothing to give. */
const honestBelow =
  (liars: number): NonNullable<FlockOptions['train']> =>
  (member, round, start) =>
    member < liars ? towardsTarget(member, round, start) : { parameters: start, loss: Number.NaN };

/** Lets the honest members run to their end; `act` is called once a slot. */
function live(flock: Flock, honest: readonly number[], act: (slot: number) => void = () => {}): void {
  const { rounds, slotMs } = flock.run.manifest;
  const isOver = (): boolean => honest.every((index) => flock.status(index).phase === 'finished');
  for (let slot = 0; slot < 3 * rounds + 60 && !isOver(); slot++) {
    flock.runUntil(slot * slotMs + slotMs / 4);
    act(slot);
    for (const index of honest) {
      if (!flock.member(index).core) continue;
      const model = flock.core(index).model();
      assert.ok(
        model.every((value) => Math.abs(value) < poisonedFrom),
        `member ${index} holds the forged state`,
      );
    }
  }
  assert.ok(isOver(), 'not all have finished');
}

/** One model, every delta that was published in it, and nobody who stopped training on the way. */
function assertUnharmed(flock: Flock, honest: readonly number[], published: number): void {
  assert.equal(new Set(honest.map((index) => flock.status(index).modelHash)).size, 1, 'the models differ');
  const { contributions } = flock.status(honest[0]!);
  for (const index of honest) {
    const member = flock.member(index);
    const sent = member.of('published').length;
    assert.ok(sent >= published, `member ${index} published ${sent} times`);
    assert.equal(contributions.get(member.key)?.deltas, sent, `deltas of member ${index} were lost`);
    assert.equal(member.of('phase').filter(({ phase }) => phase === 'joining').length, 0);
    assert.equal(member.of('restored').length, 0);
  }
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

describe('a stranger in a closed run', () => {
  test('that is honest harms nobody, and is told nothing', () => {
    const flock = new Flock(runOf(16, 4), { peers: 5, seed: 'outsider' });
    flock.bootAll();
    live(flock, range(0, 4));
    assertUnharmed(flock, range(0, 4), 16);
    const digest = { kind: 'digest', finalised: -1, root: new Uint8Array(32), work: 0, from: 0 } as const;
    assert.equal(flock.ask(0, flock.member(4).key, encodeRequest({ ...digest, digests: [] })), null);
    assert.ok((flock.status(0).refused['not-a-member'] ?? 0) > 0);
  });

  test('answering "folded, empty" is not heard, five of them neither', () => {
    const flock = new Flock(runOf(16, 4), { peers: 9, seed: 'empty', impostor: foldedEmpty(4) });
    flock.bootAll();
    live(flock, range(0, 4));
    assertUnharmed(flock, range(0, 4), 16);
  });
});

/** From this member on all say that they have folded everything, and empty. */
function foldedEmpty(liars: number): NonNullable<FlockOptions['impostor']> {
  return (member, bytes) => {
    const request = decodeRequest(bytes);
    if (member < liars || request?.kind !== 'digest') return undefined;
    const rounds = request.digests.map(() => ({ state: 'differs-final' as const, rows: [] }));
    return [encodeDigestAnswer({ nextHeld: null, reachesBack: true, atYours: null, rounds })];
  };
}

describe('rounds that are said to be folded empty', () => {
  test('by five strangers, where others have worked', () => {
    const flock = new Flock(runOf(24), {
      ...{ peers: 9, seed: 'empty/open', impostor: foldedEmpty(4), train: honestBelow(4) },
    });
    for (const index of range(0, 4)) flock.boot(index);
    live(flock, range(0, 4), (slot) => {
      if (slot === 12) for (const liar of range(4, 9)) flock.boot(liar);
    });
    assertUnharmed(flock, range(0, 4), 24);
  });

  test('by two of six members', () => {
    const flock = new Flock(runOf(20, 6), {
      ...{ peers: 6, seed: 'empty/closed', impostor: foldedEmpty(4), train: honestBelow(4) },
    });
    flock.bootAll();
    live(flock, range(0, 4));
    assertUnharmed(flock, range(0, 4), 20);
  });
});

describe('a forged history', () => {
  for (const [who, members, honest] of [
    ['a stranger of an open run', undefined, 5],
    ['one member of five', 5, 4],
    ['two members of six', 6, 4],
  ] as const) {
    test(`told by ${who} is taken by nobody, and stops nobody`, () => {
      const run = runOf(32, members);
      const peers = members ?? honest + 1;
      const forgery = new Forgery(run, 19);
      let isForged = false;
      const flock = new Flock(run, {
        ...{ peers, seed: `forged/${peers}`, train: honestBelow(honest) },
        impostor: (member, bytes) =>
          isForged && member >= honest ? forgery.answer(signerOf(member), bytes) : undefined,
      });
      for (const index of range(0, members ?? honest)) flock.boot(index);
      live(flock, range(0, honest), (slot) => {
        if (slot < 20) return;
        isForged = true;
        if (slot === 20 && !members) flock.boot(honest);
        for (const liar of range(honest, peers)) {
          for (const to of range(0, honest)) {
            flock.ask(to, flock.member(liar).key, forgery.claim(flock.status(to).finalisedRound));
            flock.announceTo(to, flock.member(liar).key, forgery.entryOf(signerOf(liar), slot));
          }
        }
      });
      assertUnharmed(flock, range(0, honest), 32);
    });
  }

  test('from far ahead, of two fresh keys, leads nobody away who is here, nor who comes back', () => {
    const run = runOf(32);
    const forgery = new Forgery(run, 2999);
    const flock = new Flock(run, {
      ...{ peers: 7, seed: 'far', train: honestBelow(5) },
      impostor: (member, bytes) => (member < 5 ? undefined : forgery.answer(signerOf(member), bytes)),
    });
    for (const index of range(0, 5)) flock.boot(index);
    live(flock, range(0, 5), (slot) => {
      if (slot === 14) for (const liar of [5, 6]) flock.boot(liar);
      if (slot === 18) flock.kill(4);
      if (slot === 22) flock.boot(4);
    });
    assert.equal(new Set(range(0, 5).map((index) => flock.status(index).modelHash)).size, 1);
    assert.deepEqual(
      range(0, 4).map((index) => flock.member(index).of('published').length),
      [32, 32, 32, 32],
    );
  });

  test('offered by two of six donors is not what a late joiner takes', () => {
    const run = runOf(32, 7);
    const forgery = new Forgery(run, 2999);
    const flock = new Flock(run, {
      ...{
        peers: 7,
        seed: 'late',
        train: (member, round, start) => honestBelow(4)(member === 6 ? 0 : member, round, start),
      },
      impostor: (member, bytes) =>
        member === 4 || member === 5 ? forgery.answer(signerOf(member), bytes) : undefined,
    });
    for (const index of range(0, 6)) flock.boot(index);
    const honest = [0, 1, 2, 3, 6];
    flock.runUntil(20_000);
    flock.boot(6);
    live(flock, honest);
    assert.equal(new Set(honest.map((index) => flock.status(index).modelHash)).size, 1);
    assert.ok(flock.member(6).of('joined').length > 0);
    assert.ok(flock.member(6).of('published').length >= 5);
  });

  test('that is claimed by one fresh key after another costs nobody a tenth of its training', () => {
    const run = runOf(48);
    const flock = new Flock(run, {
      ...{ peers: 8, seed: 'claims', train: honestBelow(4) },
      impostor: (member, bytes) => {
        const request = decodeRequest(bytes);
        if (member < 4) return undefined;
        if (request?.kind !== 'digest') return null;
        const root = crypto.sha256(Uint8Array.of(member));
        const answer: DigestAnswer = {
          ...{ nextHeld: null, reachesBack: true, rounds: [], atYours: { root, work: 2 ** 31 - 1 } },
        };
        return [encodeDigestAnswer(answer)];
      },
    });
    for (const index of range(0, 4)) flock.boot(index);
    live(flock, range(0, 4), (slot) => {
      const liar = 4 + Math.floor(slot / 12);
      if (slot % 12 !== 0 || liar >= 8) return;
      if (liar > 4) flock.kill(liar - 1);
      flock.boot(liar);
    });
    assertUnharmed(flock, range(0, 4), 44);
  });
});

describe('a flood of early messages', () => {
  test('leaves the honest deltas in the round, or gives them back', () => {
    const run = runOf(12);
    const flock = new Flock(run, { peers: 4, seed: 'flood' });
    flock.bootAll();
    const anchor: Anchor = {
      round: -1,
      root: contextOf(flock.run).frame.initHash,
      snapshot: new Uint8Array(32),
    };
    live(flock, range(0, 4), (slot) => {
      if (slot !== 4) return;
      for (const index of range(0, 600)) {
        const bytes = encodeEnvelope(deltaOf(run, signerOf(1000 + index), slot + 1, anchor));
        for (const to of range(0, 4)) flock.announceTo(to, flock.member((to + 1) % 4).key, bytes);
      }
    });
    assert.equal(new Set(range(0, 4).map((index) => flock.status(index).modelHash)).size, 1);
    const { contributions } = flock.status(0);
    for (const index of range(0, 4)) {
      const { key } = flock.member(index);
      const lost = flock.member(index).of('published').length - (contributions.get(key)?.deltas ?? 0);
      assert.equal(lost, flock.member(index).of('restored').length, 'a delta is neither in the log nor back');
      assert.ok(lost <= 1);
    }
  });
});

describe('two of seven members who act together', () => {
  test('withholding votes, showing other sets to one half, replaying old anchors', () => {
    const run = runOf(28, 7);
    const liars = [5, 6];
    const old: Anchor = { round: -1, root: crypto.sha256(Uint8Array.of(1)), snapshot: new Uint8Array(32) };
    const flock = new Flock(run, {
      ...{ peers: 7, seed: 'third', train: honestBelow(5) },
      impostor: (member, bytes, from) => {
        const request = decodeRequest(bytes);
        if (!liars.includes(member) || request?.kind !== 'digest') return undefined;
        if (from < 2) return null;
        const own = bytesToHex(merkleRoot(crypto, leavesOf(crypto, bytes)));
        const rounds = request.digests.map((_, index) => ({
          state: from === 2 ? ('differs-final' as const) : ('differs-open' as const),
          // To one half nothing, to the other entries that there are not.
          rows:
            from === 2 ? [] : [Uint8Array.from({ length: 66 }, (_, at) => own.charCodeAt(at % 64) ^ index)],
        }));
        return [encodeDigestAnswer({ nextHeld: 0, reachesBack: true, atYours: null, rounds })];
      },
    });
    flock.bootAll();
    live(flock, range(0, 5), (slot) => {
      for (const liar of liars) {
        for (const half of [0, 1]) {
          const entry = deltaOf(run, signerOf(liar), slot, old, liar === 5 ? `${half}` : 'same');
          for (const to of range(0, 5))
            if (to % 2 === half) flock.announceTo(to, flock.member(liar).key, encodeEnvelope(entry));
        }
      }
    });
    assertUnharmed(flock, range(0, 5), 28);
  });
});
