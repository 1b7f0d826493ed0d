/** Our own part in judging the deltas of others: what we are drawn for, asked of the learner one round after the other. */
import type { Delta } from '../../codec/delta-codec.ts';
import type { JudgeQuestion, PeerKey } from '../../core/io.ts';
import type { DeltaContent } from '../../entries/delta/delta-state.ts';
import type { Duty, JudgingKind } from '../../entries/judging-kind.ts';
import type { LogEntry } from '../../log/entry-kind.ts';
import type { LogState } from '../../log/log-state.ts';
import { OwnUpdates } from './own-updates.ts';

interface Question {
  readonly round: number;
  readonly question: JudgeQuestion;
}

/** Questions that wait, each with a model; the oldest goes first. Guess. */
const waitingMax = 4;

export class Judging {
  readonly #kind: JudgingKind;
  readonly #updates = new OwnUpdates();
  /** The model after this round: what deltas of the next one are judged by. */
  #before: { readonly round: number; readonly parameters: Float32Array } | null = null;
  #waiting: Question[] = [];
  /** The round that the learner is asked about. */
  #asked: number | null = null;

  constructor(kind: JudgingKind) {
    this.#kind = kind;
  }

  /** Our own training of a round, in which we publish, came to this. Neither vector is kept. */
  noteTrained(round: number, start: Float32Array, end: Float32Array): void {
    if (this.#kind.remembersUpdates) this.#updates.note(round, start, end);
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
    const update = this.#updates.take(round);
    const duty = this.#kind.dutyIn(kinds.at(-1), round, self);
    if (!duty) return;
    const judged = duty.authors.flatMap((author) => deltas.find((delta) => delta.author === author) ?? []);
    if (judged.length !== duty.authors.length) return;
    const contents = judged.map(({ content }) => content.delta);
    const model = before?.round === round - 1 ? before.parameters : null;
    const question = questionOf(duty, contents, model, update);
    if (question) this.#waiting = [...this.#waiting, { round, question }].slice(-waitingMax);
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

/** Null where we lack what it takes: we joined late, or started again since. */
function questionOf(
  duty: Duty,
  deltas: readonly Delta[],
  model: Float32Array | null,
  update: Float32Array | null,
): JudgeQuestion | null {
  switch (duty.means) {
    case 'examples': {
      const { means, streamKey, examples } = duty;
      return model && { means, streamKey, examples, parameters: model, deltas };
    }
    case 'own-update':
      return update && { means: duty.means, update, deltas };
    default:
      return duty satisfies never;
  }
}
