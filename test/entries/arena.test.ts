/** Who is where in an arena, and whose word counts. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { boardOf } from '../../src/entries/arena/board.ts';
import { bitsToHex, commitmentOf, type RevealBody, type ScoreRow } from '../../src/entries/arena/scores.ts';
import type { LogEntry } from '../../src/log/entry-kind.ts';
import { rngFor } from '../../src/math/rng.ts';
import { crypto, noHistory, signerOf } from '../log/small-run.ts';
import { FoldedKinds, type Wrote } from './folded-kinds.ts';

const holders = [10, 11, 12];
const examples = 100;
const shards = holders.map((index) => ({
  ...{ holder: signerOf(index).key, root: 'ab'.repeat(32), bytes: 4000, examples },
}));
const specs = [
  { id: 'submission', untilRound: 3, bytesMax: 5000, perAuthor: 4 },
  { id: 'commit', untilRound: 6, shards },
  { id: 'reveal', untilRound: 9 },
  { id: 'recount', untilRound: 12 },
];

class Arena extends FoldedKinds {
  /** Of entries, by name of what they submit. */
  readonly ids = new Map<string, string>();

  constructor(kinds: readonly object[] = specs) {
    super('arena', kinds);
  }

  fold(round: number, wrote: readonly Wrote[]): this {
    for (const { id, content } of this.foldRound(round, wrote) as readonly LogEntry<object>[])
      if ('name' in content) this.ids.set(String(content.name), id);
    return this;
  }

  get board() {
    return boardOf((id) => this.stateOf(id))!;
  }
}

let roots = 0;
const submit = (author: number, name: string, bytes = 4000): Wrote => ({
  author,
  kind: 'submission',
  body: { name, root: (++roots).toString(16).padStart(64, '0'), bytes },
});
const commitTo = (author: number, reveal: RevealBody): Wrote => ({
  author,
  kind: 'commit',
  body: { hash: commitmentOf(crypto, signerOf(author).key, reveal) },
});
const show = (author: number, reveal: RevealBody): Wrote => ({ author, kind: 'reveal', body: reveal });
const recount = (author: number, holder: number, agrees: boolean): Wrote => ({
  author,
  kind: 'recount',
  body: { holder: signerOf(holder).key, agrees },
});

/** Right for the first so many examples, but for those that a stream draws: models of one name err alike. */
function bitsFor(right: number): string {
  return bitsToHex(Array.from({ length: examples }, (_, example) => example < right));
}

/** Six submissions: a good one, best on two shards of three; two near copies of it; one of NaN; a fair one; one too large. */
function evening(): { readonly arena: Arena; readonly rowsOf: (holder: number) => ScoreRow[] } {
  const arena = new Arena().fold(0, [submit(0, 'good')]).fold(1, [submit(1, 'fair'), submit(2, 'nan')]);
  arena.fold(2, [submit(3, 'copy-1'), submit(3, 'copy-2'), submit(4, 'large', 5001)]);
  const id = (name: string): string => arena.ids.get(name)!;
  const scored = (name: string, right: number, more: object = {}): ScoreRow => ({
    ...{ submission: id(name), verdict: 'scored', right: bitsFor(right) },
    ...more,
  });
  const rowsOf = (holder: number): ScoreRow[] => [
    scored('good', holder === 12 ? 50 : 90),
    scored('fair', 70),
    { submission: id('nan'), verdict: 'not-finite', right: '' },
    scored('copy-1', 95, { copyOf: id('good') }),
    scored('copy-2', 89, { copyOf: id('good') }),
  ];
  return { arena, rowsOf };
}

const saltOf = (holder: number): string => holder.toString(16).padStart(64, '0');

function played(lies: (holder: number, rows: ScoreRow[]) => ScoreRow[] = (_, rows) => rows): Arena {
  const { arena, rowsOf } = evening();
  const reveals = holders.map((holder) => ({ salt: saltOf(holder), rows: lies(holder, rowsOf(holder)) }));
  arena.fold(
    5,
    reveals.map((reveal, at) => commitTo(holders[at]!, reveal)),
  );
  return arena.fold(
    8,
    reveals.map((reveal, at) => show(holders[at]!, reveal)),
  );
}

describe('an arena', () => {
  test('ranks by the median over holders; copies, what is no model and what is too large get nothing', () => {
    const { rows, refusedCounts, holders: judges } = played().board;
    assert.deepEqual(
      rows.map(({ name, score, verdict, rank, points }) => [name, score, verdict, rank, points]),
      [
        ['good', 0.9, 'scored', 1, 1024],
        ['fair', 0.7, 'scored', 2, 512],
        ['copy-1', 0.95, 'scored', null, 0],
        ['copy-2', 0.89, 'scored', null, 0],
        ['nan', null, 'not-finite', null, 0],
      ],
    );
    assert.deepEqual(refusedCounts, { oversized: 1 });
    assert.ok(rows.slice(2, 4).every(({ copyOf }) => copyOf === rows[0]!.entry));
    assert.ok(
      judges.every(({ hasCommitted, hasRevealed, isOutvoted }) => hasCommitted && hasRevealed && !isOutvoted),
    );
  });

  test('a holder that lies is outvoted and named, and its scores count no more', () => {
    const lying = (holder: number, rows: ScoreRow[]): ScoreRow[] =>
      rows.map((row) =>
        holder === 10 && row.verdict === 'scored'
          ? { ...row, right: bitsFor(row === rows[1] ? 100 : 0) }
          : row,
      );
    const arena = played(lying);
    assert.equal(arena.board.rows[0]!.name, 'fair', 'with one more that errs, a lie could win');
    arena.fold(11, [
      recount(11, 10, false),
      recount(12, 10, false),
      recount(10, 11, false),
      recount(12, 11, true),
      recount(10, 12, false),
      recount(11, 12, true),
    ]);
    const { rows, holders: judges } = arena.board;
    assert.deepEqual(
      judges.map(({ isOutvoted, agree, disagree }) => [isOutvoted, agree, disagree]),
      [
        [true, 0, 2],
        [false, 1, 1],
        [false, 1, 1],
      ],
    );
    assert.equal(rows[0]!.scores.length, 2);
    assert.deepEqual(
      rows.slice(0, 2).map(({ name, score }) => [name, score]),
      [
        ['good', 0.7],
        ['fair', 0.7],
      ],
    );
  });

  test('models that are not told apart share a rank, and the earlier one stands first', () => {
    const arena = new Arena()
      .fold(0, [submit(0, 'first')])
      .fold(1, [submit(1, 'second')])
      .fold(2, [submit(2, 'third')]);
    const rng = rngFor('arena');
    const rows = (): ScoreRow[] =>
      [90, 90, 40].map((right, at) => ({
        submission: arena.ids.get(['first', 'second', 'third'][at]!)!,
        verdict: 'scored',
        right: bitsToHex(Array.from({ length: examples }, () => rng.float() < right / 100)),
      }));
    const reveals = holders.map((holder) => ({ salt: saltOf(holder), rows: rows() }));
    arena.fold(
      5,
      reveals.map((reveal, at) => commitTo(holders[at]!, reveal)),
    );
    arena.fold(
      8,
      reveals.map((reveal, at) => show(holders[at]!, reveal)),
    );
    assert.deepEqual(
      arena.board.rows.map(({ rank, points }) => [rank, points]),
      [
        [1, 1024],
        [1, 1024],
        [3, 256],
      ],
    );
  });

  test('takes so many bytes of a key, and so many in all', () => {
    const rules = { untilRound: 3, bytesMax: 5000, bytesPerAuthor: 8000, bytesInAll: 12_001 };
    const arena = new Arena([{ id: 'submission', ...rules }, ...specs.slice(1)]);
    arena.fold(0, [submit(0, 'one'), submit(0, 'two', 3000)]).fold(1, [submit(0, 'three', 2000)]);
    arena.fold(2, [submit(1, 'four', 5000), submit(2, 'small', 1)]);
    assert.deepEqual(arena.board.refusedCounts, { 'too many bytes of one key': 1 });
    arena.fold(3, [submit(3, 'five', 1)]);
    assert.deepEqual(arena.board.refusedCounts, {
      'too many bytes in all': 1,
      'too many bytes of one key': 1,
    });
    assert.deepEqual(arena.board.limits, {
      ...{ parametersMax: 16_000_000, multiplyAddsMax: 100_000_000, activationBytesMax: 256 << 20 },
    });
  });

  test('takes nothing out of turn, from nobody else, and no other scores than were committed to', () => {
    const { arena, rowsOf } = evening();
    const reveal = { salt: saltOf(10), rows: rowsOf(10) };
    const other = { ...reveal, salt: saltOf(11) };
    arena
      .fold(3, [commitTo(10, reveal)])
      .fold(4, [submit(5, 'late')])
      .fold(5, [commitTo(10, reveal), commitTo(7, reveal)])
      .fold(6, [commitTo(10, other), show(10, reveal)])
      .fold(8, [show(11, reveal), show(10, other)])
      .fold(9, [show(10, reveal), recount(10, 11, false)])
      .fold(12, [recount(7, 10, false), recount(10, 10, true), recount(11, 10, false)])
      .fold(13, [recount(12, 10, false)]);
    assert.deepEqual(arena.board.refusedCounts, {
      oversized: 1,
      'too late': 2,
      'too early': 3,
      'holds no shard': 1,
      'is committed': 1,
      'no commit': 1,
      'not what was committed': 1,
      'not for it to say': 2,
    });
    assert.deepEqual(
      arena.board.holders.map(({ hasRevealed, disagree }) => [hasRevealed, disagree]),
      [
        [true, 1],
        [false, 0],
        [false, 0],
      ],
    );
    const kind = arena.kinds[1]!;
    const never = () => assert.fail('holders are in its own rules');
    const header = (author: number, round: number) => ({
      ...{ author: signerOf(author).key, round, kind: 1, index: 0, anchor: noHistory, claims: [] },
      ...{ bodyRoot: new Uint8Array(32), bodyBytes: 10 },
    });
    assert.equal(kind.admit(header(7, 5), arena.stateOf('commit'), never), 'not-in-committee');
    assert.equal(kind.admit(header(10, 7), arena.stateOf('commit'), never), 'too-late');
    assert.equal(kind.admit(header(10, 5), arena.stateOf('commit'), never), null);
  });

  test('a holder that repeats the commitment of another has no scores, even with what that one reveals', () => {
    const { arena, rowsOf } = evening();
    const reveal = { salt: saltOf(10), rows: rowsOf(10) };
    const seen = commitTo(10, reveal);
    arena
      .fold(5, [seen])
      .fold(6, [{ ...seen, author: 11 }])
      .fold(8, [show(10, reveal)])
      .fold(9, [show(11, reveal)]);
    assert.deepEqual(
      arena.board.holders.map(({ hasCommitted, hasRevealed }) => [hasCommitted, hasRevealed]),
      [
        [true, true],
        [true, false],
        [false, false],
      ],
    );
  });

  test('words of holders are taken of holders alone, whose places others would fill', () => {
    const { arena } = evening();
    for (const [number, round] of [
      [2, 8],
      [3, 11],
    ] as const) {
      const said = (author: number) => {
        const place = { ...{ author: signerOf(author).key, round, kind: number, index: 0 }, claims: [] };
        const header = { ...place, anchor: noHistory, bodyRoot: new Uint8Array(32), bodyBytes: 10 };
        return arena.kinds[number]!.admit(header, arena.states[number], (id) => arena.stateOf(id));
      };
      assert.equal(said(7), 'not-in-committee');
      assert.equal(said(10), null);
    }
  });

  test('comes to the same board from the bytes of its states', () => {
    const arena = played();
    const again = new Map(
      arena.kinds.map((kind, at) => [kind.id, kind.decodeState(kind.encode(arena.states[at]))]),
    );
    assert.deepEqual(
      boardOf((id) => again.get(id)),
      arena.board,
    );
  });
});
