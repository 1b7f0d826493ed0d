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

export class Progress {
  readonly #options: ProgressOptions;
  readonly #aborter = new AbortController();
  #evaluating: Promise<void> | null = null;
  #nextEvaluation = 0;
  #finished = false;
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
        if (event.round >= this.#nextEvaluation) {
          this.#nextEvaluation = event.round + evaluationRounds;
          this.#evaluate(event.round - 1);
        }
        break;
      case 'phase':
        this.#finished = event.phase === 'finished';
        if (this.#finished) this.#evaluate(this.#options.manifest.rounds - 1);
        break;
      default:
        break;
    }
  }

  /** Ends what is under way. */
  async stop(): Promise<void> {
    this.#aborter.abort(new Error('the node is stopping'));
    await this.#evaluating;
  }

  #evaluate(round: number): void {
    // The last one must not be dropped: it follows the one under way.
    if (this.#evaluating && !this.#finished) return;
    this.#evaluating = (this.#evaluating ?? Promise.resolve())
      .then(() => this.#run(round))
      .finally(() => {
        this.#evaluating = null;
      });
  }

  async #run(round: number): Promise<void> {
    const { core, learner, log } = this.#options;
    try {
      const parameters = core.model();
      if (this.#finished) await this.#save(parameters);
      const metrics = await learner.evaluate(parameters, this.#aborter.signal);
      this.accuracy = metrics.accuracy;
      this.accuracyRound = round;
      log.info({ round, ...metrics }, 'evaluated');
    } catch (error) {
      if (!this.#aborter.signal.aborted) log.error({ err: error, round }, 'evaluation or saving failed');
    }
  }

  async #save(parameters: Float32Array): Promise<void> {
    const { core, manifest, runId, directory, nowMs, log } = this.#options;
    const path = join(directory, MODEL_FILE);
    const { modelHash } = core.status(nowMs());
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
