import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compressorSchema } from '../../src/codec/compressors/registry.ts';
import { createDeltaCodec } from '../../src/codec/delta.ts';
import { signedOverlap } from '../../src/codec/overlap.ts';
import { type Comparable, CopyFinder, logTailBound } from '../../src/ledger/copies.ts';
import { atOnce } from '../../src/log/archive.ts';
import type { Anchor } from '../../src/log/envelope.ts';
import { rngFor } from '../../src/math/rng.ts';

const size = 4096;
const codec = createDeltaCodec(
  compressorSchema.parse({ id: 'sparse-sign', chunk: 64, perChunk: 8 }),
  size,
  () => 0.5,
);

function vector(key: string): Float32Array {
  const rng = rngFor(key);
  return Float32Array.from({ length: size }, () => rng.uniform(-1, 1));
}

interface Facts {
  readonly ticket?: number;
  readonly anchor?: Anchor | null;
}

function comparable(author: string, round: number, values: Float32Array, facts: Facts = {}): Comparable {
  const delta = codec.select(values);
  const content = { delta, norm: 1, misses: 0, steps: 1 };
  return {
    ...{ author, round, ticket: facts.ticket ?? 0, body: new Uint8Array(), content },
    ...{ isSilenced: false },
    ...{ id: `${author}${round}`, anchor: facts.anchor ?? null },
  };
}

const copiesAmong = (copies: CopyFinder, round: number, deltas: readonly Comparable[]) =>
  atOnce(copies.find(round, deltas));
const finder = () => new CopyFinder({ rounds: 4, admitRounds: 2 });

describe('the bound', () => {
  test('is above the tail of the binomial, and near it in its exponent', () => {
    const logChoose = (n: number, k: number): number => {
      let sum = 0;
      for (let i = 1; i <= k; i++) sum += Math.log((n - k + i) / i);
      return sum;
    };
    for (const [n, p] of [
      [50, 0.5],
      [400, 0.55],
      [400, 0.1],
    ] as const) {
      for (let m = Math.ceil(n * p) + 1; m <= n; m += 7) {
        let tail = 0;
        for (let k = m; k <= n; k++)
          tail += Math.exp(logChoose(n, k) + k * Math.log(p) + (n - k) * Math.log1p(-p));
        const bound = logTailBound(m, n, p);
        if (tail < 1e-300) continue;
        assert.ok(bound >= Math.log(tail) - 1e-6, `${m} of ${n}`);
        assert.ok(bound <= Math.log(tail) + Math.log(2 * n), `${m} of ${n}`);
      }
    }
    assert.equal(logTailBound(5, 10, 0.5), 0);
    assert.equal(logTailBound(0, 0, 0.5), 0);
  });
});

describe('a copy', () => {
  test('is found whatever its size, and in part, and nothing else is', () => {
    const copies = finder();
    const own = vector('own');
    copiesAmong(copies, 0, [comparable('a', 0, own), comparable('b', 0, vector('b'))]);
    const scaled = own.map((value) => value / 7);
    // A tenth of the coordinates are others.
    const rng = rngFor('tenth');
    const blurred = own.map((value) => (rng.float() < 0.1 ? rng.uniform(-1, 1) : value));
    const found = copiesAmong(copies, 1, [
      comparable('c', 1, scaled),
      comparable('d', 1, blurred),
      comparable('e', 1, vector('e')),
      comparable(
        'f',
        1,
        own.map((value) => -value),
      ),
    ]);
    assert.equal(found.get('c')!.author, 'a');
    assert.equal(found.get('c')!.same, found.get('c')!.named);
    assert.equal(found.get('d')!.author, 'a');
    assert.equal(found.get('e'), null);
    assert.equal(found.get('f'), null);
  });

  test('is no copy where peers learn much alike, as they do from the same data', () => {
    const copies = finder();
    const common = vector('common');
    // As alike as 0.87 of their coordinates, the most that was measured in the first round of a run.
    const alike = (key: string) => vector(key).map((noise, i) => common[i]! + 0.05 * noise);
    const peers = Array.from({ length: 15 }, (_, peer) => comparable(`p${peer}`, 0, alike(`p${peer}`)));
    const { same, fewer } = signedOverlap(peers[0]!.content.delta, peers[1]!.content.delta);
    assert.ok(same / fewer > 0.85, `${same / fewer}`);
    const copycat = comparable('copycat', 0, alike('p3'), { ticket: 1 });
    const found = copiesAmong(copies, 0, [...peers, copycat]);
    assert.deepEqual(
      [...found].flatMap(([author, copy]) => (copy === null ? [] : [author, copy.author])),
      ['copycat', 'p3'],
    );
  });

  test('is no copy where peers come in two sorts, those of a sort much alike', () => {
    const copies = finder();
    const alike = (sort: string, key: string) => {
      const common = vector(sort);
      return vector(key).map((noise, i) => common[i]! + 0.05 * noise);
    };
    const peers = Array.from({ length: 8 }, (_, peer) =>
      comparable(`p${peer}`, 0, alike(`sort${peer % 2}`, `p${peer}`)),
    );
    assert.ok([...copiesAmong(copies, 0, peers).values()].every((copy) => copy === null));
  });

  test('is looked for in steps, one and more for each delta: of five hundred it takes long', () => {
    const peers = Array.from({ length: 20 }, (_, peer) => comparable(`p${peer}`, 0, vector(`p${peer}`)));
    assert.ok([...finder().find(0, peers)].length >= 20);
  });

  test('of the only other one in the same round cannot be told from two that learn alike', () => {
    const copies = finder();
    const pair = ['a', 'b'].map((author) => comparable(author, 0, vector('own')));
    assert.ok([...copiesAmong(copies, 0, pair).values()].every((copy) => copy === null));
  });

  test('is credited to where it came from in the end, and not to oneself', () => {
    const copies = finder();
    const own = vector('own');
    copiesAmong(copies, 0, [comparable('a', 0, own)]);
    assert.equal(copiesAmong(copies, 1, [comparable('b', 1, own)]).get('b')!.author, 'a');
    const third = copiesAmong(copies, 2, [
      comparable('c', 2, own),
      comparable('a', 2, own),
      comparable('z', 2, vector('z')),
    ]);
    assert.deepEqual([third.get('c')!.author, third.get('c')!.round], ['a', 0]);
    assert.equal(third.get('a'), null);
  });

  test('of what was taken out of the model is none, then or since; one of what that was copied from still is', () => {
    const copies = finder();
    const [own, other] = [vector('own'), vector('other')];
    const crowd = (round: number) =>
      ['y', 'z'].map((name) => comparable(name, round, vector(`${name}${round}`)));
    copiesAmong(copies, 0, [comparable('a', 0, own), ...crowd(0)]);
    copiesAmong(copies, 1, [comparable('liar', 1, own), comparable('liar2', 1, other), ...crowd(1)]);
    const before = copiesAmong(copies, 2, [comparable('b', 2, own), comparable('c', 2, other), ...crowd(2)]);
    assert.deepEqual([before.get('b')!.author, before.get('c')!.author], ['a', 'liar2']);
    copies.forget(({ author, round }) => author.startsWith('liar') && round >= 1);
    const after = copiesAmong(copies, 3, [comparable('b', 3, own), comparable('d', 3, other), ...crowd(3)]);
    assert.equal(after.get('b')!.author, 'a');
    assert.deepEqual([after.get('d')!.author, after.get('d')!.round], ['c', 2], 'the first that is left');
  });

  test('is looked for in so many rounds', () => {
    const copies = finder();
    copiesAmong(copies, 0, [comparable('a', 0, vector('own'))]);
    assert.equal(copiesAmong(copies, 5, [comparable('b', 5, vector('own'))]).get('b'), null);
  });

  test('says what shows that it came later', () => {
    const evidenceOf = (round: number, facts: Facts) => {
      const copies = finder();
      copies.noteRoot(1, new Uint8Array(32).fill(1));
      const first = comparable('a', 0, vector('own'), { ticket: 5 });
      if (round > 0) copiesAmong(copies, 0, [first]);
      const later = comparable('b', round, vector('own'), { ticket: 9, ...facts });
      const other = comparable('z', round, vector('z'), { ticket: 7 });
      return copiesAmong(copies, round, round > 0 ? [later, other] : [later, other, first]).get('b')
        ?.evidence;
    };
    const anchor = (byte: number): Anchor => ({
      ...{ round: 1, root: new Uint8Array(32).fill(byte), snapshot: new Uint8Array(32) },
    });
    assert.equal(evidenceOf(2, { anchor: anchor(1) }), 'anchor');
    assert.equal(evidenceOf(2, { anchor: anchor(2) }), 'round');
    assert.equal(evidenceOf(2, {}), 'round');
    assert.equal(evidenceOf(3, {}), 'admission');
    assert.equal(evidenceOf(0, {}), 'ticket');
    // With the lower ticket it is the other one that is called the copy.
    assert.equal(evidenceOf(0, { ticket: 1 }), undefined);
  });
});
