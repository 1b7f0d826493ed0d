/** Our own part in judging the deltas of others: what we are drawn for, asked of the learner one round after the other. */
import type { JudgeQuestion, PeerKey } from '../../core/io.ts';
import type { DeltaContent } from '../../entries/delta/delta-state.ts';
import type { JudgingKind } from '../../entries/judging-kind.ts';
import type { LogEntry } from '../../log/entry-kind.ts';
import type { LogState } from '../../log/log-state.ts';

interface Question {
  readonly round: number;
  readonly question: JudgeQuestion;
}

/** Questions that wait, each with a model; the oldest goes first. Guess. */
const waitingMax = 4;

export class Judging {
  readonly #kind: JudgingKind;
  /** The model after this round: what deltas of the next one are judged by. */
  #before: { readonly round: number; readonly parameters: Float32Array } | null = null;
  #waiting: Question[] = [];
  /** The round that the learner is asked about. */
  #asked: number | null = null;

  constructor(kind: JudgingKind) {
    this.#kind = kind;
  }

  /** A round, these being its deltas, has been folded last in `state`, which has these parameters. */
  noteFinal(
    { round, kinds }: Readonly<LogState>,
    parameters: Float32Array,
    deltas: readonly LogEntry<DeltaContent>[],
    self: PeerKey,
  ): void {
    const before = this.#before;
    this.#before = { round, parameters };
    const duty = this.#kind.dutyIn(kinds.at(-1), round, self);
    if (!duty || before?.round !== round - 1) return;
    const judged = duty.authors.flatMap((author) => deltas.find((delta) => delta.author === author) ?? []);
    if (judged.length !== duty.authors.length) return;
    const { streamKey, examples } = duty;
    const question = {
      ...{ streamKey, examples, parameters: before.parameters },
      deltas: judged.map(({ content }) => content.delta),
    };
    this.#waiting = [...this.#waiting, { round, question }].slice(-waitingMax);
  }

  /** What is to be asked in this slot; null while an answer is awaited, or for nothing. */
  next(slot: number): Question | null {
    this.#waiting = this.#waiting.filter(({ round }) => this.#kind.isInTime(round, slot));
    if (this.#asked !== null) return null;
    const next = this.#waiting.shift() ?? null;
    this.#asked = next?.round ?? null;
    return next;
  }

  /** The body of an entry of this slot that says so; null for a stale or a late answer, or none. */
  answered(about: number, scores: readonly number[] | null, slot: number): Uint8Array | null {
    if (this.#asked !== about) return null;
    this.#asked = null;
    return scores && this.#kind.isInTime(about, slot) ? this.#kind.compose(scores) : null;
  }
}
