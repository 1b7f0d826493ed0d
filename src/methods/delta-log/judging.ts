/** Our own part in judging the deltas of others: what we are drawn for, asked of the learner one round after the other. */
import type { Delta } from '../../codec/delta-codec.ts';
import type { Input, JudgeQuestion, Output, OutputSink, PeerKey, ProtocolEvent } from '../../core/io.ts';
import type { DeltaKind } from '../../entries/delta/delta-kind.ts';
import type { Duty, JudgingKind } from '../../entries/judging-kind.ts';
import { deltaStateOf, isDelta } from './log-parts.ts';
import { OwnUpdates } from './own-updates.ts';
import { type Speaking, say } from './words.ts';

interface Question {
  readonly round: number;
  readonly question: JudgeQuestion;
}

export interface JudgingOptions extends Speaking {
  readonly kind: JudgingKind;
  /** Of the kind among those of the run. */
  readonly number: number;
  readonly delta: DeltaKind;
  readonly self: PeerKey;
}

/** Questions that wait, each with a model; the oldest goes first. Guess. */
const waitingMax = 4;

export class Judging {
  readonly #options: JudgingOptions;
  readonly #updates = new OwnUpdates();
  /** The model after this round: what deltas of the next one are judged by. */
  #before: { readonly round: number; readonly parameters: Float32Array } | null = null;
  #waiting: Question[] = [];
  /** The round that the learner is asked about. */
  #asked: number | null = null;

  constructor(options: JudgingOptions) {
    this.#options = options;
  }

  /** Our own training of a round, in which we publish, came to this. Neither vector is kept. */
  noteTrained(round: number, start: Float32Array, end: Float32Array): void {
    if (this.#options.kind.remembersUpdates) this.#updates.note(round, start, end);
  }

  /** Deltas of a round are judged by the model that they were added to. */
  noteFinal(event: ProtocolEvent): void {
    if (!(event.kind === 'finalised' || event.kind === 'passed')) return;
    const { kind, number, delta, self, log } = this.#options;
    const { base, log: book } = log.replica;
    const round = event.kind === 'passed' ? event.through : event.round;
    // It may be another history that was looked into.
    if (round !== base.round) return;
    const parameters = delta.parameters(deltaStateOf(base));
    const before = this.#before;
    this.#before = { round, parameters };
    const update = this.#updates.take(round);
    const duty = kind.dutyIn(base.kinds[number], round, self);
    if (!duty) return;
    const deltas = book
      .places(round)
      .flatMap(({ held }) => (held.kind === 'entry' && isDelta(held.entry) ? [held.entry] : []));
    const judged = duty.authors.flatMap((author) => deltas.find((one) => one.author === author) ?? []);
    if (judged.length !== duty.authors.length) return;
    const contents = judged.map(({ content }) => content.delta);
    const model = before?.round === round - 1 ? before.parameters : null;
    const question = questionOf(duty, contents, model, update);
    if (question) this.#waiting = [...this.#waiting, { round, question }].slice(-waitingMax);
  }

  /** Asks the learner what is due, unless an answer is awaited. */
  ask(out: OutputSink, nowMs: number): void {
    const { kind, log } = this.#options;
    const slot = log.clock.slotAt(nowMs);
    this.#waiting = this.#waiting.filter(({ round }) => kind.isInTime(round, slot));
    if (this.#asked !== null) return;
    const next = this.#waiting.shift();
    if (!next) return;
    this.#asked = next.round;
    out.push({ type: 'judge', ...next });
  }

  /** What was found out goes into the present round, unless it is stale, too late or nothing. */
  judged(out: Output[], { round: about, scores }: Input & { type: 'judged' }, nowMs: number): void {
    const { kind, number, log } = this.#options;
    const round = log.clock.slotAt(nowMs);
    const isAsked = this.#asked === about;
    if (isAsked) this.#asked = null;
    if (isAsked && scores && kind.isInTime(about, round)) {
      const [body, claims] = [kind.compose(scores), [about]];
      if (kind.decode(body, claims) !== null) say(out, { round, kind: number, claims, body }, this.#options);
    }
    this.ask(out, nowMs);
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
