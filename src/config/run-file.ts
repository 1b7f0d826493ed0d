/** Files of runs. `model: { kind: layers, file: model.json }`: the model that the file describes stands in its place. */
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import type { VectorPaths } from '../run/run-files.ts';
import { impossibleCombination, type RunSpec, runYamlSchema } from '../run/run-spec.ts';
import { layers } from '../tasks/models/layers/layers.ts';
import { readModelFile } from '../tasks/models/layers/model-file.ts';
import { type Expansion, loadYamlFile } from './yaml-file.ts';

const namesModelFile = z.object({
  model: z.strictObject({ kind: z.literal(layers.kind), file: z.string().min(1) }),
});

/**
 * Reads the YAML description of a run, and the file of the model where it names one, by a path from its own folder.
 * @throws ConfigError with file, line and what was expected.
 */
export async function loadRunSpec(file: string): Promise<RunSpec> {
  return (await loadRunFile(file)).spec;
}

export interface LoadedRun {
  readonly spec: RunSpec;
  /** Files of weights: those that it begins at, where its seed does not give them, and of the model that it adds to, where it does; data to judge deltas on. */
  readonly vectors: VectorPaths;
}

/** As `loadRunSpec`, with what the file names besides. @throws ConfigError */
export async function loadRunFile(file: string): Promise<LoadedRun> {
  const folder = dirname(file);
  const { startFrom, base, evaluation, commonData, ...spec } = await loadYamlFile(
    file,
    runYamlSchema,
    impossibleCombination,
    (run) => expanded(run, folder),
  );
  const vectors = {
    ...(startFrom === undefined ? {} : { start: resolve(folder, startFrom) }),
    ...(base === undefined ? {} : { base: resolve(folder, base) }),
    ...(commonData === undefined ? {} : { training: resolve(folder, commonData) }),
    ...(evaluation === undefined ? {} : { evaluation: resolve(folder, evaluation) }),
  };
  return { spec, vectors };
}

async function expanded(run: unknown, folder: string): ReturnType<Expansion> {
  const named = namesModelFile.safeParse(run);
  if (!named.success) return { value: run, problem: null };
  const { file } = named.data.model;
  try {
    const model = await readModelFile(resolve(folder, file));
    return { value: { ...(run as object), model }, problem: null };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'BAD_LAYERS_FILE' ? message : `cannot be read (${code ?? message}); check the path`;
    return { value: run, problem: { path: ['model', 'file'], message: `${file}: ${why}` } };
  }
}
