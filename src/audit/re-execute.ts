/** A training of the log executed again: from where it began to the bytes of its delta, and what that says of who published it. */
import { equals } from 'uint8arrays';
import type { DeltaCodec } from '../codec/delta-codec.ts';
import { CodecError } from '../codec/delta-codec.ts';
import { reasonOf } from '../core/as-error.ts';
import { batchStreamKey, type Learner } from '../learning/learner.ts';
import { TrainingDivergedError } from '../learning/learning-error.ts';
import { Author } from '../methods/delta-log/author.ts';
import type { Start } from '../methods/delta-log/open-start.ts';
import type { Rebuilt } from './rebuild-starts.ts';

/**
 * `same`: bit for bit the delta of the log. `unpublished`: the round was trained and the log has no delta of it, so that only what it left
 * in the residual counts. `unknown`: what is needed to tell is not here.
 */
export type AuditVerdict = 'same' | 'differs' | 'unpublished' | 'unknown';

export interface AuditedRound {
  readonly round: number;
  readonly verdict: AuditVerdict;
  /** Id of the entry that carried the delta. */
  readonly entry: string | null;
  /** Why it is not the same. */
  readonly reason: string | null;
}

export interface ReExecutionOptions {
  readonly runId: string;
  readonly codec: DeltaCodec;
  /** The codec draws lots, which nobody can repeat. */
  readonly isByChance: boolean;
  readonly decay: number;
  readonly headStart: number;
  readonly learner: Learner;
  readonly signal?: AbortSignal | undefined;
}

/** What a round that was executed again left behind: the next one has to begin with it. */
interface Left {
  readonly round: number;
  readonly residual: Uint8Array;
  readonly changes: number;
}

export class ReExecution {
  readonly #options: ReExecutionOptions;
  readonly #author: Author;
  #left: Left | null = null;

  constructor(options: ReExecutionOptions) {
    this.#options = options;
    const { codec, decay, headStart, learner } = options;
    this.#author = new Author({ codec, decay, headStart, size: learner.size });
  }

  /** To be called in order of rounds. @throws what the learner throws, but where training diverges */
  async execute({ record, delta, start }: Rebuilt): Promise<AuditedRound> {
    const left = this.#left;
    this.#left = null;
    const { round } = record;
    const said = (verdict: AuditVerdict, reason: string | null = null): AuditedRound => ({
      ...{ round, verdict, entry: delta?.id ?? null, reason },
    });
    if (delta && delta.content.steps !== record.steps)
      return said(
        'differs',
        `its delta claims ${delta.content.steps} steps, the node's own record ${record.steps}`,
      );
    if ('unknown' in start) return said('unknown', start.unknown);
    const body = await this.#bodyOf(record, start, delta !== null);
    if ('wrong' in body) return said('differs', body.wrong);
    if (this.#options.isByChance)
      return said('unknown', 'the codec of the run rounds by chance, which nobody can repeat');
    if (delta && !equals(body.bytes, delta.body))
      return said('differs', 'training it again gives another delta');
    // What a round left that differs is not known, so that the next one is not blamed for it.
    this.#left = { round, residual: this.#author.toBytes(), changes: record.changes + 1 };
    // What else changed it between, deltas that went back or rounds that were not kept, cannot be told.
    if (left && left.changes === record.changes && !equals(left.residual, record.residual))
      return said('differs', `it began with another residual than round ${left.round} left`);
    return said(delta ? 'same' : 'unpublished');
  }

  async #bodyOf(
    { author, round, steps, residual, began }: Rebuilt['record'],
    { model, scheduleRound }: Start,
    isPublished: boolean,
  ): Promise<{ readonly bytes: Uint8Array } | { readonly wrong: string }> {
    const { runId, learner, signal } = this.#options;
    const own = this.#author;
    try {
      own.become(began ?? residual);
      const parameters = own.startFrom(model);
      own.become(residual);
      const streamKey = batchStreamKey(runId, author, round);
      const request = { parameters, steps, round: scheduleRound, streamKey, share: 0 };
      const { parameters: end } = await learner.train(request, signal);
      if (!own.learn(parameters, end))
        return { wrong: 'training it again gives numbers that are not finite' };
      return { bytes: isPublished ? own.pay() : new Uint8Array() };
    } catch (error) {
      if (error instanceof TrainingDivergedError || error instanceof CodecError)
        return { wrong: reasonOf(error) };
      throw error;
    }
  }
}
