/** Our own part in judging the deltas of others: what we are drawn for, asked of the learner one round after the other. */
import type { Delta } from '../../codec/delta-codec.ts';
import type { Input, JudgeQuestion, Output, OutputSink, PeerKey, ProtocolEvent } from '../../core/io.ts';
import type { DeltaKind } from '../../entries/delta/delta-kind.ts';
import type { Duty, JudgingKind } from '../../entries/judging-kind.ts';
import type { Replica } from '../../log/replica.ts';
import { deltaStateOf, isDelta } from './log-parts.ts';
import { OwnUpdates } from './own-updates.ts';
import { openEntries } from './training-record.ts';
import { type Speaking, say } from './words.ts';

interface Task {
  readonly round: number;
  /** Null where it cannot be asked here. */
  readonly question: () => JudgeQuestion | null;
  /** It holds a model until it is asked. */
  readonly isLarge: boolean;
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
  #waiting: Task[] = [];
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
    const { base } = log.replica;
    const round = event.kind === 'passed' ? event.through : event.round;
    // It may be another history that was looked into.
    if (round !== base.round) return;
    const parameters = delta.parameters(deltaStateOf(base));
    const before = this.#before;
    this.#before = { round, parameters };
    const update = this.#updates.take(round);
    for (const about of kind.appealedIn(base.kinds[number], self)) this.#takeUp(about);
    const duty = kind.dutyIn(base.kinds[number], round, self);
    const deltas = duty && judgedIn(log.replica, round, duty);
    if (!deltas) return;
    const model = before?.round === round - 1 ? before.parameters : null;
    const question = questionOf(duty, deltas, model, update);
    if (question) this.#wait({ round, question: () => question, isLarge: true });
  }

  /** Others have said different things of a round: it is judged from the log, when its turn comes. */
  #takeUp(round: number): void {
    const { kind, number, delta, self, log } = this.#options;
    if (round === this.#asked || this.#waiting.some((task) => task.round === round) || this.#hasSaid(round))
      return;
    const question = (): JudgeQuestion | null => {
      const { replica } = log;
      const duty = kind.dutyIn(replica.base.kinds[number], round, self);
      const deltas = duty && judgedIn(replica, round, duty);
      const branch = deltas && replica.branchAt(round - 1);
      if (!branch) return null;
      return questionOf(duty, deltas, delta.parameters(deltaStateOf(branch.stateAfter(round - 1))), null);
    };
    this.#wait({ round, question, isLarge: false });
  }

  /** Also before we started again. */
  #hasSaid(about: number): boolean {
    const { number, self, log } = this.#options;
    return openEntries(log.replica).some(
      ({ author, kind, claims }) => author === self && kind === number && claims[0] === about,
    );
  }

  #wait(task: Task): void {
    this.#waiting.push(task);
    const [oldest, ...large] = this.#waiting.filter(({ isLarge }) => isLarge);
    if (large.length >= waitingMax) this.#waiting = this.#waiting.filter((one) => one !== oldest);
  }

  /** Asks the learner what is due, unless an answer is awaited. */
  ask(out: OutputSink, nowMs: number): void {
    const { kind, number, log } = this.#options;
    const slot = log.clock.slotAt(nowMs);
    const state = log.replica.base.kinds[number];
    this.#waiting = this.#waiting.filter(({ round }) => kind.isInTime(state, round, slot));
    while (this.#asked === null) {
      const next = this.#waiting.shift();
      if (!next) return;
      const question = next.question();
      if (!question) continue;
      this.#asked = next.round;
      out.push({ type: 'judge', round: next.round, question });
    }
  }

  /** What was found out goes into the present round, unless it is stale, too late or nothing. */
  judged(out: Output[], { round: about, scores }: Input & { type: 'judged' }, nowMs: number): void {
    const { kind, number, log } = this.#options;
    const round = log.clock.slotAt(nowMs);
    const isAsked = this.#asked === about;
    if (isAsked) this.#asked = null;
    if (isAsked && scores && kind.isInTime(log.replica.base.kinds[number], about, round)) {
      const [body, claims] = [kind.compose(scores), [about]];
      if (kind.decode(body, claims) !== null) say(out, { round, kind: number, claims, body }, this.#options);
    }
    this.ask(out, nowMs);
  }
}

/** The deltas of a round that are to be judged, in the order of their authors; null where the log has not all of them. */
function judgedIn({ log }: Replica, round: number, { authors }: Duty): readonly Delta[] | null {
  const deltas = log
    .places(round)
    .flatMap(({ held }) => (held.kind === 'entry' && isDelta(held.entry) ? [held.entry] : []));
  const judged = authors.flatMap((author) => deltas.find((one) => one.author === author) ?? []);
  return judged.length === authors.length ? judged.map(({ content }) => content.delta) : null;
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
