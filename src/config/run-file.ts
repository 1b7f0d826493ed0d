import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { modelFileBytesMax, modelFileOf, withModelOf } from '../run/model-file.ts';
import type { VectorPaths } from '../run/run-files.ts';
import { impossibleCombination, type RunSpec, runYamlSchema } from '../run/run-spec.ts';
import { type Expansion, loadYamlFile } from './yaml-file.ts';

/**
 * Reads the YAML description of a run, and the file of the model where it names one, by a path from its own folder.
 * @throws ConfigError with file, line and what was expected.
 */
export async function loadRunSpec(file: string): Promise<RunSpec> {
  return (await loadRunFile(file)).spec;
}

export interface LoadedRun {
  readonly spec: RunSpec;
  /** Files of weights: those that it begins at, where its seed does not give them, and of the model that it adds to, where it does. */
  readonly vectors: VectorPaths;
}

/** As `loadRunSpec`, with what the file names besides. @throws ConfigError */
export async function loadRunFile(file: string): Promise<LoadedRun> {
  const folder = dirname(file);
  const { startFrom, base, ...spec } = await loadYamlFile(file, runYamlSchema, impossibleCombination, (run) =>
    expanded(run, folder),
  );
  const vectors = {
    ...(startFrom === undefined ? {} : { start: resolve(folder, startFrom) }),
    ...(base === undefined ? {} : { base: resolve(folder, base) }),
  };
  return { spec, vectors };
}

function expanded(run: unknown, folder: string): ReturnType<Expansion> {
  const file = modelFileOf(run);
  if (file === null) return { value: run, problem: null };
  try {
    return { value: withModelOf(run, readModelFile(resolve(folder, file))), problem: null };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'BAD_LAYERS_FILE' ? message : `cannot be read (${code ?? message}); check the path`;
    return { value: run, problem: { path: ['model', 'file'], message: `${file}: ${why}` } };
  }
}

function readModelFile(path: string): Uint8Array {
  const { size } = statSync(path);
  if (size > modelFileBytesMax) throw new RangeError(`${size} bytes, more than ${modelFileBytesMax}`);
  return readFileSync(path);
}
