/** What a trainer is tried on: a run, or where none is named the model that the trainer says it has. */
import { resolve } from 'node:path';
import { ConfigError } from '../../config/config-error.ts';
import { loadRunSpec } from '../../config/run-file.ts';
import { startHash } from '../../learning/initial.ts';
import type { TrainerWork } from '../../learning/process/described-work.ts';
import type { ExaminedTrainer } from '../../learning/process/examined-trainer.ts';
import { TrainerAnswerError } from '../../learning/process/trainer-error.ts';
import { readManifestFile } from '../../node/files/manifest-file.ts';
import { createCrypto } from '../../platform/node/crypto.ts';
import { type RunSpec, trainingSchema } from '../../run/run-spec.ts';
import { taskKindOf } from '../../tasks/data/registry.ts';
import { DataFileError } from '../../tasks/datasets/data-error.ts';

export interface NamedWork {
  readonly work: TrainerWork;
  /** Of the run's start vector; null where no run is named. */
  readonly initHash: string | null;
}

/** Of a run, signed or as YAML. @throws ConfigError, ManifestError */
export async function workOfRun(file: string, data: string | undefined): Promise<NamedWork> {
  const isYaml = /\.ya?ml$/i.test(file);
  const spec: RunSpec = isYaml
    ? await loadRunSpec(file)
    : (await readManifestFile(file, createCrypto())).manifest;
  const { model, task, training, rounds, seed } = spec;
  const path = data ?? (await taskKindOf(task).bundledData?.());
  if (path === undefined) {
    throw new ConfigError('BAD_USAGE', `a run of ${task.kind} needs --data: examples that the trainer reads`);
  }
  const work = { model, task, training, rounds, seed, dataPath: resolve(path) };
  return { work, initHash: startHash(model, seed) };
}

/** Of a model that the trainer alone knows; its start vector is not known yet. @throws ConfigError where it knows none; what `ExaminedTrainer.describe` throws */
export async function workOfTrainer(
  trainer: ExaminedTrainer,
  data: string | undefined,
  seed: number,
): Promise<NamedWork> {
  const { parameters } = await trainer.describe().catch((error: unknown) => {
    // It was asked without a model, as one that has its own can be.
    if (!(error instanceof DataFileError || error instanceof TrainerAnswerError)) throw error;
    throw new ConfigError(
      'BAD_USAGE',
      `the trainer names no model of its own (${error.message}): \`trainer check\` with --run tries it on that of a run`,
    );
  });
  const work: TrainerWork = {
    model: { kind: 'external', parameters, initHash: '00'.repeat(32) },
    task: { kind: 'external', options: {} },
    training: trainingSchema.parse({}),
    ...{ rounds: 10, seed, dataPath: resolve(data ?? '.') },
  };
  return { work, initHash: null };
}
