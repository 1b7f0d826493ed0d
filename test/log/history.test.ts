/** Which of two histories stands, and how a node goes over to another one. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bytesToHex } from '../../src/core/bytes.ts';
import type { StoreWrite } from '../../src/core/io.ts';
import { eitherOf } from '../../src/log/entitlement.ts';
import type { LogEntry } from '../../src/log/entry-kind.ts';
import { type Anchor, sealEnvelope } from '../../src/log/envelope.ts';
import {
  latestWords,
  shareAnchored,
  standsHigher,
  supportOf,
  supportOfState,
} from '../../src/log/finality/order.ts';
import { leftOutBy } from '../../src/log/left-out.ts';
import { Replica } from '../../src/log/replica.ts';
import { decodeState } from '../../src/log/snapshot.ts';
import { Flock } from './flock.ts';
import { contextOf, crypto, messageOf, noHistory, signerOf, smallRun, smallVector } from './small-run.ts';

const run = smallRun({ rounds: 40, strategy: { windowRounds: 3, admitRounds: 1, snapshotRounds: 4 } });
const context = contextOf(run);

const messages = new Map<string, LogEntry>();

function deltaOf(author: number, round: number): LogEntry {
  const key = `${author}/${round}`;
  const made =
    messages.get(key) ?? messageOf(context, signerOf(author), round, smallVector(run.initial.length, key));
  messages.set(key, made);
  return made;
}

/** A replica that has folded these rounds, with the store that goes with it. */
class Kept {
  readonly replica = new Replica({ ...context, crypto });
  readonly store = new Map<string, Uint8Array>();

  take(entry: LogEntry): void {
    if (this.replica.insert(entry) === 'added') this.write([this.replica.writeOf(entry)]);
  }

  fold(through: number, authorsOf: (round: number) => readonly number[]): this {
    for (let round = this.replica.base.round + 1; round <= through; round++) {
      for (const author of authorsOf(round)) this.take(deltaOf(author, round));
      this.write(this.replica.foldNext());
    }
    return this;
  }

  write(writes: readonly StoreWrite[]): void {
    for (const { key, value } of writes) value ? this.store.set(key, value) : this.store.delete(key);
  }

  restored(): Replica {
    const replica = new Replica({ ...context, crypto });
    replica.restore([...this.store].sort(([a], [b]) => (a < b ? -1 : 1)));
    while (replica.base.round < this.replica.base.round) replica.foldNext();
    return replica;
  }
}

const everyone = [0, 1, 2, 3, 4];
const from = (parting: number, authors: readonly number[]) => (round: number) =>
  round < parting ? everyone : authors;

describe('the order of two histories', () => {
  const ours = new Kept().fold(12, from(5, [0, 1, 2])).replica;
  const theirs = new Kept().fold(12, from(5, [3, 4])).replica;
  const weightOf = (): number => 1;

  const standsAt = (replica: Replica, round: number): Anchor => {
    const { root, blobRoot } = replica.snapshots.find((one) => one.round === round)!;
    return { round, root, snapshot: blobRoot };
  };
  const signed = (author: number, round: number, anchor: Anchor): LogEntry => {
    const { header, content, body } = deltaOf(author, 0);
    const fields = { round, kind: 0, index: 0, anchor, claims: [0, 4] };
    return { ...sealEnvelope(fields, body, context.envelopes, signerOf(author)), content, header };
  };
  const support = (words: ReadonlyArray<readonly [number, Anchor]>) =>
    supportOf(
      latestWords(
        words.map(([author, anchor]) => signed(author, 12, anchor)),
        0,
      ),
      ours,
      theirs,
      weightOf,
    );

  test('by signed words, whichever has more of them, however heavy the other one is', () => {
    const word = { here: standsAt(ours, 11), there: standsAt(theirs, 11) };
    const by = (here: number, there: number) =>
      support([
        ...everyone.slice(0, here).map((author) => [author, word.here] as const),
        ...everyone.slice(here, here + there).map((author) => [author, word.there] as const),
      ]);
    assert.equal(standsHigher(theirs, ours, by(1, 2)), true);
    assert.equal(standsHigher(theirs, ours, by(2, 1)), false);
    assert.equal(standsHigher(ours, theirs, by(0, 0)), true, 'without words the heavier one');
    assert.equal(standsHigher(theirs, ours, by(2, 2)), false, 'and where as many are in either');
  });

  test('a history that began with a snapshot says nothing of earlier rounds, for or against it', () => {
    const { round, blob } = theirs.snapshots.at(-1)!;
    const begun = new Replica({ ...context, crypto });
    begun.adopt(decodeState(context.kinds, blob)!, blob);
    const earlier = [[0, standsAt(ours, 7)] as const];
    const words = latestWords(
      earlier.map(([author, anchor]) => signed(author, 12, anchor)),
      0,
    );
    assert.ok(round > 7);
    assert.deepEqual(supportOf(words, ours, begun, weightOf), { ours: 0, theirs: 0, all: 1 });
    assert.deepEqual(supportOf(words, begun, ours, weightOf), { ours: 0, theirs: 0, all: 1 });
    assert.deepEqual(supportOfState(words, ours, begun, weightOf), { ours: 1, theirs: 0, all: 1 });
  });

  test('unless a chain of roots leads to it, which says what it was made of and not that it was made rightly', () => {
    const begun = (replica: Replica): Replica => {
      const { blob } = replica.snapshots.at(-1)!;
      const one = new Replica({ ...context, crypto });
      one.adopt(decodeState(context.kinds, blob)!, blob);
      const { round, root } = one.beginning;
      assert.ok(one.prepend(round, replica.chainTo(round, root, 8)!));
      assert.equal(one.beginning.round, round - 8);
      return one;
    };
    const words = latestWords(
      [
        signed(0, 12, standsAt(ours, 7)),
        signed(1, 12, standsAt(theirs, 7)),
        signed(2, 12, standsAt(ours, 3)),
      ],
      0,
    );
    const both = { ours: 1, theirs: 1, all: 3 };
    assert.deepEqual(supportOf(words, ours, begun(theirs), weightOf), both);
    assert.deepEqual(supportOf(words, begun(ours), begun(theirs), weightOf), both);
    // Who hangs a forged state upon a true root has no word for it.
    assert.deepEqual(supportOfState(words, ours, begun(theirs), weightOf), { ours: 2, theirs: 0, all: 3 });
  });

  test('words from before the parting, and of other states, tell nothing between the two', () => {
    const common = standsAt(ours, 3);
    assert.deepEqual(
      support([
        [0, common],
        [1, noHistory],
      ]),
      { ours: 0, theirs: 0, all: 2 },
    );
    const forged: Anchor = { ...standsAt(theirs, 11), snapshot: crypto.sha256(Uint8Array.of(1)) };
    assert.deepEqual(support([[0, forged]]), { ours: 0, theirs: 0, all: 1 });
  });

  test('a key has one word, its newest, and none that refers to what comes after it', () => {
    const [here, there] = [standsAt(ours, 11), standsAt(theirs, 11)];
    const words = latestWords([signed(0, 13, there), signed(0, 12, here), signed(1, 11, here)], 0);
    assert.deepEqual(words.get(signerOf(0).key)?.anchor, there);
    assert.equal(words.has(signerOf(1).key), false);
    assert.equal(latestWords([signed(0, 12, here)], 13).size, 0);
  });

  test('of a key that says two things of one round the same word counts at either side', () => {
    const [here, there, early] = [standsAt(ours, 11), standsAt(theirs, 11), standsAt(ours, 3)];
    const wordOf = (...anchors: readonly Anchor[]) =>
      latestWords(
        anchors.map((anchor) => signed(0, 12, anchor)),
        0,
      ).get(signerOf(0).key)?.anchor;
    assert.deepEqual(wordOf(here, there), wordOf(there, here));
    assert.deepEqual([wordOf(here, early), wordOf(early, here)], [here, here], 'the later snapshot is newer');
  });

  test('of as many deltas the lower root, at either side the same answer', () => {
    const [one, other] = [
      [0, 1],
      [2, 3],
    ].map((authors) => new Kept().fold(12, from(5, authors)).replica);
    const none = { ours: 0, theirs: 0, all: 0 };
    assert.notEqual(standsHigher(one!, other!, none), standsHigher(other!, one!, none));
    const isLower = bytesToHex(one!.base.root) < bytesToHex(other!.base.root);
    assert.equal(standsHigher(one!, other!, none), isLower);
  });

  test('a checkpoint takes the words of all that are known, however little they weigh', () => {
    const words = latestWords(
      [0, 1, 2].map((author) => signed(author, 12, standsAt(ours, 11))),
      0,
    );
    const known = new Set(everyone.map((author) => signerOf(author).key));
    assert.equal(shareAnchored(words, ours, 11, known, weightOf), 3 / 5);
    assert.equal(shareAnchored(words, ours, 12, known, weightOf), 0);
    assert.equal(shareAnchored(words, theirs, 11, known, weightOf), 0);
    assert.equal(
      shareAnchored(words, ours, 11, new Set(words.keys()), () => 1 / 16),
      1 / 16,
    );
    const connected = new Set([...known].slice(2));
    const worked = new Set(words.keys());
    assert.equal(shareAnchored(words, ours, 11, eitherOf(worked, connected), weightOf), 3 / 5);
    assert.equal(shareAnchored(words, ours, 11, eitherOf(connected, new Set()), weightOf), 3 / 5);
  });
});

describe('what another history leaves out', () => {
  const ours = new Kept().fold(12, from(6, [0, 1, 2])).replica;
  const theirs = new Kept().fold(12, from(6, [0, 3, 4])).replica;
  const roundsOf = (other: Replica, author: number): number[] =>
    leftOutBy(other, ours, signerOf(author).key, -1).map(({ round }) => round);
  /** Theirs, begun with its snapshot of round 11, with so many rounds of the chain to it. */
  const begun = (rounds: number): Replica => {
    const { blob, round, root } = theirs.snapshots.at(-1)!;
    const one = new Replica({ ...context, crypto });
    one.adopt(decodeState(context.kinds, blob)!, blob);
    if (rounds > 0) assert.ok(one.prepend(round, theirs.chainTo(round, root, rounds)!));
    return one;
  };

  test('is known where its log is here', () => {
    assert.deepEqual(roundsOf(theirs, 0), []);
    assert.deepEqual(roundsOf(theirs, 1), [6, 7, 8, 9, 10, 11, 12]);
  });

  test('is nothing of what stands before the parting, where a chain leads there', () => {
    const first = Math.max(0, ours.logFrom);
    assert.ok(first < 6);
    assert.deepEqual(roundsOf(begun(8), 1), [6, 7, 8, 9, 10, 11, 12]);
    assert.equal(roundsOf(begun(0), 1)[0], first, 'without one it is taken for all that our log holds');
  });

  test('is nothing of rounds that hold the same set after it', () => {
    const apart = (round: number): readonly number[] => (round === 6 ? [0] : [0, 1, 2]);
    const other = new Kept().fold(12, (round) => (round < 6 ? everyone : apart(round))).replica;
    const { blob, round, root } = other.snapshots.at(-1)!;
    const one = new Replica({ ...context, crypto });
    one.adopt(decodeState(context.kinds, blob)!, blob);
    assert.ok(one.prepend(round, other.chainTo(round, root, 8)!));
    // Of round 12, which neither that snapshot nor its log has, nobody has said anything yet.
    assert.deepEqual(roundsOf(one, 1), [6, 12]);
  });
});

describe('a replica that becomes another one', () => {
  test('is found in the store as if it had always been that', () => {
    for (const through of [6, 9, 13, 17]) {
      const mine = new Kept().fold(through, from(5, [0, 1]));
      const branch = mine.replica.branchAt(4)!;
      assert.equal(branch.base.round, 3);
      for (const one of [mine.replica, branch]) one.pin();
      for (let round = 4; round <= through + 1; round++) {
        for (const author of [0, 1]) branch.remove(round, signerOf(author).key);
        for (const author of from(5, [2, 3, 4])(round)) branch.insert(deltaOf(author, round));
        branch.foldNext();
      }
      const other = new Kept().fold(through + 1, from(5, [2, 3, 4]));
      mine.write(mine.replica.become(branch));
      assert.deepEqual(mine.replica.base.root, other.replica.base.root);
      const stored = mine.restored();
      assert.deepEqual(stored.base.root, other.replica.base.root);
      assert.deepEqual(
        [...mine.store.keys()].sort(),
        [...other.store.keys()].sort(),
        'what is not of this history is not stored',
      );
    }
  });

  test('branches at no state that it does not hold', () => {
    const { replica } = new Kept().fold(30, () => [0]);
    assert.equal(replica.branchAt(30)?.base.round, 27);
    assert.equal(replica.branchAt(2), null);
  });
});

describe('a member on the smaller side of a partition', () => {
  /** Two of five are alone for some rounds; member 4 dies before the output numbered `cut` after the rest is back. */
  function heal(cut: number): { flock: Flock; outputs: number } {
    let outputs = 0;
    const flock: Flock = new Flock(
      smallRun({ rounds: 24, strategy: { windowRounds: 3, admitRounds: 2, snapshotRounds: 4 } }),
      {
        ...{ peers: 5, seed: 'switch' },
        survives: (member, output, nowMs) => {
          const sinceStart = nowMs - flock.run.manifest.startAtMs;
          if (member !== 4 || sinceStart < 12_000 || flock.member(4).incarnation > 1) return true;
          if (output.type !== 'persist' || flock.member(4).of('fork').length > 0) return true;
          return outputs++ !== cut;
        },
      },
    );
    flock.bootAll();
    const across = (act: (a: number, b: number) => void): void => {
      for (const a of [3, 4]) for (const b of [0, 1, 2]) act(a, b);
    };
    flock.runUntil(3000);
    across((a, b) => flock.disconnect(a, b));
    flock.runUntil(12_000);
    across((a, b) => flock.connect(a, b));
    flock.runWhile(() => flock.member(4).core !== null, 30_000);
    if (!flock.member(4).core) flock.boot(4);
    return { flock, outputs };
  }

  test('trains on while it looks into the other one, and goes over to it whole, wherever it dies', () => {
    const { outputs: total } = heal(-1);
    assert.ok(total > 5, `${total} writes`);
    for (let cut = -1; cut < total; cut += 3) {
      const { flock } = heal(cut);
      assert.ok(flock.finish());
      assert.equal(flock.hashes().length, 1);
      for (const member of flock.members) assert.equal(member.of('equivocation').length, 0);
      const { contributions } = flock.status(0);
      // What the larger side has is kept.
      for (const index of [0, 1, 2]) {
        assert.equal(contributions.get(flock.member(index).key)?.deltas, 24);
      }
      if (cut >= 0) continue;
      assert.ok(flock.member(4).of('fork').length > 0);
      assert.equal(flock.member(4).of('published').length, 24);
      assert.ok(
        flock
          .member(4)
          .of('phase')
          .every(({ phase }) => phase !== 'joining'),
      );
      const lost = 24 - contributions.get(flock.member(4).key)!.deltas;
      assert.equal(flock.member(4).of('restored').length, lost);
    }
  });
});
