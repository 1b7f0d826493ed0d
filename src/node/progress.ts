/** Evaluates a run's model on the held-out examples now and then, and saves it when the run is finished. */

import { dirname, join, parse } from 'node:path';
import { reasonOf } from '../core/as-error.ts';
import type { ProtocolCore, ProtocolEvent } from '../core/io.ts';
import type { Learner } from '../learning/learner.ts';
import { writeSafetensors } from '../learning/model-files/safetensors.ts';
import type { SignedManifest } from '../run/manifest.ts';
import { figuresOf } from '../tasks/assessment.ts';
import type { Metrics } from '../tasks/metrics.ts';
import { frozenOf } from '../tasks/models/model-layout.ts';
import { ModelParts } from '../tasks/models/personal-layers.ts';
import { modelKindOf } from '../tasks/models/registry.ts';
import type { SessionEvent } from './events.ts';

/** Rounds between evaluations while training. Guess: 10,000 images take about as long as a local round. */
const evaluationRounds = 5;

/** Beside a saved model that of the twin that trained alone, where there was one. */
export function twinFileOf(modelFile: string): string {
  return join(dirname(modelFile), 'alone.safetensors');
}

/** Beside a saved model what was trained of it, where it adds to another. */
function addedFileOf(modelFile: string): string {
  const { dir, name } = parse(modelFile);
  return join(dir, name === 'model' ? 'adapter.safetensors' : `${name}-adapter.safetensors`);
}

export interface ProgressOptions {
  readonly core: ProtocolCore;
  readonly learner: Learner;
  readonly run: SignedManifest;
  /** Where the finished model goes; its folder must exist. Null: it is not saved. */
  readonly modelFile: string | null;
  /** What the model adds to, where it does. */
  readonly base: () => Promise<Float32Array | null>;
  readonly nowMs: () => number;
  readonly onEvent: (event: SessionEvent) => void;
}

/** One at a time, in order. A save holds the model as it was when the run finished. */
type Job =
  | {
      readonly kind: 'evaluate';
      readonly round: number;
      readonly parameters: Float32Array;
      readonly asked: PromiseWithResolvers<Metrics> | null;
    }
  | {
      readonly kind: 'save';
      readonly path: string;
      readonly round: number;
      readonly modelHash: string;
      readonly parameters: Float32Array;
    };

export class Progress {
  readonly #options: ProgressOptions;
  readonly #aborter = new AbortController();
  #waiting: Job[] = [];
  #working: Promise<void> | null = null;
  #nextEvaluation = 0;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  note(event: ProtocolEvent): void {
    if (event.kind === 'phase' && event.phase === 'finished') this.#finish();
    // Where evaluation is slower than training, rounds go by without one.
    if (event.kind !== 'round-started' || event.round < this.#nextEvaluation) return;
    if (this.#working !== null) return;
    this.#nextEvaluation = event.round + evaluationRounds;
    this.#enqueue({
      kind: 'evaluate',
      round: event.round - 1,
      parameters: this.#options.core.model(),
      asked: null,
    });
  }

  /** Evaluates the model as it is now, after what waits. @throws what the learner throws; the reason of a stop */
  async evaluate(): Promise<Metrics> {
    const { core, nowMs } = this.#options;
    this.#aborter.signal.throwIfAborted();
    const asked = Promise.withResolvers<Metrics>();
    const round = core.status(nowMs()).finalisedRound;
    this.#enqueue({ kind: 'evaluate', round, parameters: core.model(), asked });
    return asked.promise;
  }

  /** Ends an evaluation under way and drops those that wait; saves are done to the end. */
  async stop(): Promise<void> {
    this.#aborter.abort(new Error('the node is stopping'));
    this.#keep(({ kind }) => kind === 'save');
    await this.#working;
  }

  #finish(): void {
    const { core, nowMs, modelFile } = this.#options;
    const parameters = core.model();
    const { modelHash, finalisedRound: round } = core.status(nowMs());
    // Of what waits nothing is newer: a run that finishes again after a fork replaces what it said before.
    this.#keep((job) => job.kind === 'evaluate' && job.asked !== null);
    if (modelFile !== null) {
      this.#enqueue({ kind: 'save', path: modelFile, round, modelHash, parameters });
    }
    this.#enqueue({ kind: 'evaluate', round, parameters, asked: null });
  }

  #keep(which: (job: Job) => boolean): void {
    const dropped = this.#waiting.filter((job) => !which(job));
    this.#waiting = this.#waiting.filter(which);
    for (const job of dropped) if (job.kind === 'evaluate') job.asked?.reject(this.#aborter.signal.reason);
  }

  #enqueue(job: Job): void {
    this.#waiting.push(job);
    this.#working ??= this.#work();
  }

  async #work(): Promise<void> {
    for (let job = this.#waiting.shift(); job; job = this.#waiting.shift()) {
      if (job.kind === 'save') await this.#save(job);
      else await this.#evaluate(job);
    }
    this.#working = null;
  }

  async #evaluate({ round, parameters, asked }: Job & { kind: 'evaluate' }): Promise<void> {
    const { signal } = this.#aborter;
    const { learner, onEvent } = this.#options;
    try {
      const metrics = await learner.evaluate(parameters, signal);
      const { assessment, ...measured } = metrics;
      const figures = assessment ? { figures: figuresOf(assessment) } : {};
      onEvent({ kind: 'evaluated', round, ...measured, ...figures });
      asked?.resolve(metrics);
    } catch (error) {
      if (!signal.aborted) onEvent({ kind: 'evaluation-failed', round, reason: reasonOf(error) });
      asked?.reject(error);
    }
  }

  async #save({ parameters, modelHash, path, round }: Job & { kind: 'save' }): Promise<void> {
    const { manifest, runId } = this.#options.run;
    const { learner, onEvent } = this.#options;
    const task = JSON.stringify(manifest.task);
    try {
      // What is not shared is of this node and no other; the hash is that of what is.
      const { personalNames } = new ModelParts(manifest.model, manifest.shared);
      const personal = personalNames.length > 0 ? { personal: JSON.stringify(personalNames) } : {};
      const about = { runId, modelHash, round: String(round), task, ...personal };
      await this.#write(path, learner.whole?.(parameters) ?? parameters, about);
      const twin = (await learner.twin?.()) ?? null;
      if (twin !== null) await this.#write(twinFileOf(path), twin, { runId, task });
      onEvent({ kind: 'saved', path, modelHash });
    } catch (error) {
      onEvent({ kind: 'save-failed', path, reason: reasonOf(error) });
    }
  }

  /** A model that adds to another is written merged with it, as people use it, and beside it what was trained. */
  async #write(path: string, vector: Float32Array, about: Readonly<Record<string, string>>): Promise<void> {
    const { model } = this.#options.run.manifest;
    const frozen = frozenOf(model);
    // Read when it is needed: it may be a gigabyte.
    const base = frozen && (await this.#options.base());
    if (frozen === null || base === null) {
      await writeSafetensors(path, model, vector, about);
      return;
    }
    await writeSafetensors(addedFileOf(path), model, vector, about);
    await writeSafetensors(path, frozen, await modelKindOf(model).merge!(model, base, vector), about);
  }
}
