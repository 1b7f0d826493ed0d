/**
 * Figures of a run over its rounds, in bounded memory however long it lasts. Pure: nodes keep one for each run, and so does
 * whoever watches them, from what they are told.
 */
import type { RoundVote, WeighedDelta } from '../../core/io.ts';

/** What is known of a node at a round; null where it is not. */
export interface Figures {
  /** Mean training loss of the local round. */
  readonly loss: number | null;
  /** On the held-out examples: part of right answers, and mean loss. */
  readonly accuracy: number | null;
  readonly heldOutLoss: number | null;
  /** What else the task measures on them, by name. */
  readonly measures: Readonly<Record<string, number>> | null;
  /** On all connections of the node since its start. */
  readonly bytesIn: number | null;
  readonly bytesOut: number | null;
  /** Entries known to exist and not held: the most in the span. */
  readonly lag: number | null;
  /** Rounds begun and not final: the most in the span. */
  readonly behind: number | null;
}

/** What was learned of a round at once. */
export type Noted = { readonly [K in keyof Figures]?: Figures[K] | undefined };

/** The last that was known in a span of `stride` rounds; `round` is the last of them that something is known of. */
export interface HistoryPoint extends Figures {
  readonly round: number;
}

/** The history after a round was closed. */
export interface LogHead {
  readonly round: number;
  /** SHA-256 (hex) over all rounds up to here: equal roots, equal histories. */
  readonly root: string;
  readonly entries: number;
}

/** What the deltas of a round of an alliance have weighed, and what was voted on it; null where nobody was asked. */
export interface RoundWeights {
  readonly round: number;
  readonly vote: RoundVote | null;
  readonly deltas: readonly WeighedDelta[];
}

export interface HistoryData {
  /** Rounds that a point stands for; a power of two. */
  readonly stride: number;
  /** In order of their rounds. */
  readonly points: readonly HistoryPoint[];
  /** Oldest first. */
  readonly heads: readonly LogHead[];
  /** Oldest first; none where members do not vote. */
  readonly weighed: readonly RoundWeights[];
}

/** One more and neighbours are put together, so that there are always half of it, once there were. */
export const pointsMax = 1024;
export const headsMax = 64;
/** With up to 96 deltas each. */
const weighedMax = 32;

export class RunHistory {
  #stride = 1;
  /** By number of the span; what came in the order of rounds lies in it. */
  #points = new Map<number, HistoryPoint>();
  #heads: LogHead[] = [];
  #weighed: RoundWeights[] = [];
  /** As it stands, until something more is known: pages ask with every event. */
  #data: HistoryData | null = null;

  static of({ stride, points, heads, weighed }: HistoryData): RunHistory {
    const history = new RunHistory();
    history.#stride = stride;
    for (const { round, ...figures } of points) history.note(round, figures);
    for (const head of heads) history.close(head);
    for (const one of weighed) history.weigh(one);
    return history;
  }

  note(round: number, figures: Noted): void {
    if (round < 0) return;
    this.#data = null;
    const span = Math.floor(round / this.#stride);
    const before = this.#points.get(span) ?? { round, ...whole({}) };
    this.#points.set(span, merged(before, { ...whole(figures), round }));
    if (this.#points.size > pointsMax) this.#coarsen();
  }

  /** A round is final. */
  close(head: LogHead): void {
    this.#data = null;
    this.#heads = withRound(this.#heads, head, headsMax);
  }

  /** It is folded. */
  weigh(weighed: RoundWeights): void {
    this.#data = null;
    this.#weighed = withRound(this.#weighed, weighed, weighedMax);
  }

  data(): HistoryData {
    const points = (): HistoryPoint[] => [...this.#points.values()].sort((a, b) => a.round - b.round);
    const rest = { heads: [...this.#heads], weighed: [...this.#weighed] };
    this.#data ??= { stride: this.#stride, points: points(), ...rest };
    return this.#data;
  }

  #coarsen(): void {
    const { points } = this.data();
    this.#stride *= 2;
    this.#points = new Map();
    for (const { round, ...figures } of points) this.note(round, figures);
  }
}

/** What is told again of a round takes the place of what was told; the newest are kept. */
function withRound<One extends { readonly round: number }>(before: One[], one: One, max: number): One[] {
  const others = before.filter(({ round }) => round !== one.round);
  return [...others, one].sort((a, b) => a.round - b.round).slice(-max);
}

function whole({
  loss = null,
  accuracy = null,
  heldOutLoss = null,
  measures = null,
  ...rest
}: Noted): Figures {
  const { bytesIn = null, bytesOut = null, lag = null, behind = null } = rest;
  return { loss, accuracy, heldOutLoss, measures, bytesIn, bytesOut, lag, behind };
}

/** What comes late of an earlier round does not replace what is known of a later one. */
function merged(before: HistoryPoint, now: HistoryPoint): HistoryPoint {
  const [older, newer] = now.round < before.round ? [now, before] : [before, now];
  return {
    round: newer.round,
    loss: newer.loss ?? older.loss,
    accuracy: newer.accuracy ?? older.accuracy,
    heldOutLoss: newer.heldOutLoss ?? older.heldOutLoss,
    measures: newer.measures ?? older.measures,
    bytesIn: newer.bytesIn ?? older.bytesIn,
    bytesOut: newer.bytesOut ?? older.bytesOut,
    lag: most(older.lag, newer.lag),
    behind: most(older.behind, newer.behind),
  };
}

function most(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}
