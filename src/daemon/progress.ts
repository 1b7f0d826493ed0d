/** What a daemon knows of itself beyond the core: its last evaluation, what it published, where its model is. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { ProtocolCore, ProtocolEvent } from '../core/io.ts';
import type { Learner } from '../learning/learner.ts';
import { writeSafetensors } from '../learning/model-files/safetensors.ts';
import type { RunManifest } from '../run/manifest.ts';

/** Rounds between evaluations while training. Guess: 10,000 images take about as long as a local round. */
const evaluationRounds = 5;

export const MODEL_FILE = 'model.safetensors';

export interface ProgressOptions {
  readonly core: ProtocolCore;
  readonly learner: Learner;
  readonly manifest: RunManifest;
  readonly runId: string;
  readonly directory: string;
  readonly nowMs: () => number;
  readonly log: Logger;
}

/** One at a time, in order. A save holds the model as it was when the run finished. */
type Job =
  | { readonly kind: 'evaluate'; readonly round: number; readonly parameters: Float32Array }
  | { readonly kind: 'save'; readonly modelHash: string; readonly parameters: Float32Array };

export class Progress {
  readonly #options: ProgressOptions;
  readonly #aborter = new AbortController();
  #waiting: Job[] = [];
  #working: Promise<void> | null = null;
  #nextEvaluation = 0;
  accuracy: number | null = null;
  accuracyRound: number | null = null;
  deltasPublished = 0;
  announcedBytes = 0;
  modelPath: string | null = null;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  note(event: ProtocolEvent): void {
    switch (event.kind) {
      case 'published':
        this.deltasPublished += 1;
        this.announcedBytes += event.bodyBytes;
        break;
      case 'round-started':
        // Where evaluation is slower than training, rounds go by without one.
        if (event.round >= this.#nextEvaluation && this.#working === null) {
          this.#nextEvaluation = event.round + evaluationRounds;
          this.#enqueue({ kind: 'evaluate', round: event.round - 1, parameters: this.#options.core.model() });
        }
        break;
      case 'phase':
        if (event.phase === 'finished') this.#finish();
        break;
      default:
        break;
    }
  }

  /** Ends an evaluation under way and drops those that wait; saves are done to the end. */
  async stop(): Promise<void> {
    this.#aborter.abort(new Error('the node is stopping'));
    this.#waiting = this.#waiting.filter(({ kind }) => kind === 'save');
    await this.#working;
  }

  #finish(): void {
    const { core, manifest, nowMs } = this.#options;
    const parameters = core.model();
    // Of what waits nothing is newer: a run that finishes again after a fork replaces what it said before.
    this.#waiting = [];
    this.#enqueue({ kind: 'save', modelHash: core.status(nowMs()).modelHash, parameters });
    this.#enqueue({ kind: 'evaluate', round: manifest.rounds - 1, parameters });
  }

  #enqueue(job: Job): void {
    this.#waiting.push(job);
    this.#working ??= this.#work();
  }

  async #work(): Promise<void> {
    for (let job = this.#waiting.shift(); job; job = this.#waiting.shift()) {
      try {
        if (job.kind === 'save') await this.#save(job);
        else await this.#evaluate(job);
      } catch (error) {
        const { log } = this.#options;
        if (job.kind === 'save') log.error({ err: error }, 'the model could not be saved');
        else if (!this.#aborter.signal.aborted)
          log.error({ err: error, round: job.round }, 'evaluation failed');
      }
    }
    this.#working = null;
  }

  async #evaluate({ round, parameters }: Job & { kind: 'evaluate' }): Promise<void> {
    const { signal } = this.#aborter;
    if (signal.aborted) return;
    const metrics = await this.#options.learner.evaluate(parameters, signal);
    this.accuracy = metrics.accuracy;
    this.accuracyRound = round;
    this.#options.log.info({ round, ...metrics }, 'evaluated');
  }

  async #save({ parameters, modelHash }: Job & { kind: 'save' }): Promise<void> {
    const { manifest, runId, directory, log } = this.#options;
    const path = join(directory, MODEL_FILE);
    await writeSafetensors(path, manifest.model, parameters, {
      runId,
      modelHash,
      round: String(manifest.rounds - 1),
      task: JSON.stringify(manifest.task),
    });
    this.modelPath = path;
    log.info({ path, modelHash }, 'model saved');
  }
}
