/** Who is where in an arena: a pure function of its log, so that all nodes and whoever folds an archive come to the same. */
import { median } from '../../math/statistics.ts';
import { type RefusedOfKinds, recordState, refusedOf } from '../record-kind.ts';
import type { Shard } from './arena-rules.ts';
import type { CommitState, RecountState, RevealState } from './holder-kinds.ts';
import type { ScoreRow } from './scores.ts';
import type { SubmissionState, Submitted } from './submission-kind.ts';

export interface BoardRow extends Submitted {
  /** Number of the submission, from 0. */
  readonly order: number;
  /** Median over the holders that count of the share of right answers; null where most of them have none. */
  readonly score: number | null;
  /** Why there is none, by most of them. */
  readonly verdict: ScoreRow['verdict'];
  /** Id of the earlier submission that it is a near copy of, by most of them. */
  readonly copyOf: string | null;
  /** Those that are not told apart share one; null for what has no score or is a copy. */
  readonly rank: number | null;
  readonly points: number;
  readonly scores: ReadonlyArray<{ readonly holder: string; readonly score: number | null }>;
}

export interface BoardHolder extends Shard {
  readonly hasCommitted: boolean;
  readonly hasRevealed: boolean;
  /** Others that counted again: so many come to the same, so many do not. */
  readonly agree: number;
  readonly disagree: number;
  /** Their keys. */
  readonly countedBy: readonly string[];
  /** Most of those who counted again came to something else: its scores do not count. */
  readonly isOutvoted: boolean;
}

export interface Board extends RefusedOfKinds {
  /** Best first; then what has no score. */
  readonly rows: readonly BoardRow[];
  readonly holders: readonly BoardHolder[];
  /** What a submission may take to be computed. */
  readonly limits: SubmissionState['limits'];
  /** Last rounds for submissions, commitments, reveals, recounts. */
  readonly untilRounds: readonly number[];
}

/** Points of the first; each rank has half of the one before. */
const pointsOfFirst = 1024;
/** Standard errors of the mean difference by which two are told apart: 95 % in the middle. */
const apart = 1.96;

const kinds = ['submission', 'commit', 'reveal', 'recount'] as const;

/** What the holder of a shard has said. */
export interface HolderWords {
  readonly holder: string;
  /** What it committed to. */
  readonly commit: string | null;
  readonly hasRevealed: boolean;
  /** Others that it has counted again. */
  readonly recounted: readonly string[];
}

/** Of submission: what is a near copy of what follows from it. */
export function inSubmissionOrder({ rows }: Pick<Board, 'rows'>): Board['rows'] {
  return [...rows].sort((a, b) => a.order - b.order);
}

/** Null for who holds no shard. */
export function wordsOf(holder: string, stateOf: (kind: string) => unknown): HolderWords | null {
  const commits = recordState<CommitState>(stateOf('commit'));
  if (!commits?.shards.some((one) => one.holder === holder)) return null;
  const { reveals } = recordState<RevealState>(stateOf('reveal')) ?? { reveals: [] };
  const { recounts } = recordState<RecountState>(stateOf('recount')) ?? { recounts: [] };
  return {
    holder,
    commit: commits.commits.find((one) => one.holder === holder)?.hash ?? null,
    hasRevealed: reveals.some((one) => one.holder === holder),
    recounted: recounts.flatMap(({ by, holder: other }) => (by === holder ? other : [])),
  };
}

/** Null where nothing can be submitted in a log of these kinds. */
export function boardOf(stateOf: (kind: string) => unknown): Board | null {
  const submissions = recordState<SubmissionState>(stateOf('submission'));
  const commits = recordState<CommitState>(stateOf('commit'));
  if (submissions === null || commits === null) return null;
  const reveals = recordState<RevealState>(stateOf('reveal'));
  const recounts = recordState<RecountState>(stateOf('recount'));
  const holders = commits.shards.map((shard) => holderOf(shard, commits, reveals, recounts));
  const counting = holders.flatMap(({ holder, hasRevealed, isOutvoted, examples }) => {
    const rows =
      hasRevealed && !isOutvoted ? reveals!.reveals.find((one) => one.holder === holder)!.rows : null;
    return rows === null
      ? []
      : [{ holder, examples, rows: new Map(rows.map((row) => [row.submission, row])) }];
  });
  const found = submissions.submitted.map((one, order) => foundOf(one, order, counting));
  return {
    rows: ranked(
      found,
      counting.reduce((sum, { examples }) => sum + examples, 0),
    ),
    holders,
    limits: submissions.limits,
    untilRounds: [submissions, commits, reveals, recounts].flatMap((state) => state?.untilRound ?? []),
    ...refusedOf(kinds, stateOf),
  };
}

function holderOf(
  shard: Shard,
  { commits }: CommitState,
  reveals: RevealState | null,
  recounts: RecountState | null,
): BoardHolder {
  const { holder } = shard;
  const words = (recounts?.recounts ?? []).filter((one) => one.holder === holder);
  const agree = words.filter(({ agrees }) => agrees).length;
  const disagree = words.length - agree;
  return {
    ...shard,
    hasCommitted: commits.some((one) => one.holder === holder),
    hasRevealed: reveals?.reveals.some((one) => one.holder === holder) ?? false,
    ...{ agree, disagree, countedBy: words.map(({ by }) => by), isOutvoted: disagree > agree },
  };
}

interface Counting {
  readonly holder: string;
  readonly examples: number;
  readonly rows: ReadonlyMap<string, ScoreRow>;
}

interface Found {
  readonly row: Omit<BoardRow, 'rank' | 'points'>;
  /** Right answers on the shards of all that count, as bits; a holder that has no score says nothing. */
  readonly right: Uint8Array;
}

function foundOf(submitted: Submitted, order: number, counting: readonly Counting[]): Found {
  const said = counting.map(({ holder, examples, rows }) => {
    const row = rows.get(submitted.entry) ?? null;
    const bits = row?.verdict === 'scored' ? bitsOf(row.right, examples) : null;
    return { holder, row, examples, bits, score: bits && ones(bits) / examples };
  });
  const scores = said.flatMap(({ score }) => score ?? []);
  const isScored = counting.length > 0 && 2 * scores.length > counting.length;
  const copies = said.flatMap(({ row }) => row?.copyOf ?? []);
  const right = new Uint8Array(said.reduce((sum, { examples }) => sum + Math.ceil(examples / 8), 0));
  let at = 0;
  for (const { bits, examples } of said) {
    if (bits) right.set(bits, at);
    at += Math.ceil(examples / 8);
  }
  return {
    row: {
      ...submitted,
      order,
      score: isScored ? median(scores) : null,
      verdict: isScored ? 'scored' : mostSaid(said.map(({ row }) => row?.verdict ?? 'not-had')),
      copyOf: majority(copies, counting.length),
      scores: said.map(({ holder, score }) => ({ holder, score })),
    },
    right,
  };
}

/** Null where they are not as many as there are examples. */
function bitsOf(hex: string, examples: number): Uint8Array | null {
  const bytes = Math.ceil(examples / 8);
  if (hex.length !== 2 * bytes) return null;
  const bits = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at++) {
    bits[at] = (digitOf(hex.charCodeAt(2 * at)) << 4) | digitOf(hex.charCodeAt(2 * at + 1));
  }
  // What is behind the last example is not counted.
  if (examples % 8 > 0) bits[bytes - 1]! &= 0xff << (8 - (examples % 8));
  return bits;
}

/** Of 0 to 9 and a to f. */
function digitOf(code: number): number {
  return code < 0x3a ? code - 0x30 : code - 0x57;
}

const onesOf = Uint8Array.from(
  { length: 256 },
  (_, byte) => [...byte.toString(2)].filter((bit) => bit === '1').length,
);

function ones(bits: Uint8Array): number {
  let count = 0;
  for (const byte of bits) count += onesOf[byte]!;
  return count;
}

function mostSaid(verdicts: readonly ScoreRow['verdict'][]): ScoreRow['verdict'] {
  const others = verdicts.filter((verdict) => verdict !== 'scored').sort();
  const count = (verdict: string): number => others.filter((one) => one === verdict).length;
  return others.sort((a, b) => count(b) - count(a) || (a < b ? -1 : 1))[0] ?? 'not-had';
}

function majority(said: readonly string[], of: number): string | null {
  return said.find((one) => 2 * said.filter((other) => other === one).length > of) ?? null;
}

/**
 * In the order of scores, of equals the one submitted first. A rank goes on as long as the next one is not told apart from its first: by the
 * interval of a paired bootstrap of the differences over all examples, whose variance is known where they are 0 and 1 and -1, so that nothing
 * has to be drawn.
 */
function ranked(found: readonly Found[], examples: number): BoardRow[] {
  const isRanked = ({ row }: Found): boolean => row.score !== null && row.copyOf === null;
  const inOrder = [...found].sort(
    (a, b) => (b.row.score ?? -1) - (a.row.score ?? -1) || a.row.order - b.row.order,
  );
  let rank = 0;
  let first: Found | null = null;
  let place = 0;
  const rows = inOrder.filter(isRanked).map((one): BoardRow => {
    place += 1;
    if (first === null || isApart(first.right, one.right, examples)) {
      rank = place;
      first = one;
    }
    return { ...one.row, rank, points: Math.floor(pointsOfFirst / 2 ** (rank - 1)) };
  });
  const others = inOrder
    .filter((one) => !isRanked(one))
    .map(({ row }): BoardRow => ({ ...row, rank: null, points: 0 }));
  return [...rows, ...others];
}

function isApart(a: Uint8Array, b: Uint8Array, examples: number): boolean {
  let better = 0;
  let worse = 0;
  for (let at = 0; at < a.length; at++) {
    better += onesOf[a[at]! & ~b[at]!]!;
    worse += onesOf[b[at]! & ~a[at]!]!;
  }
  const difference = better - worse;
  const variance = better + worse - (difference * difference) / examples;
  return Math.abs(difference) > apart * Math.sqrt(variance) && difference !== 0;
}
