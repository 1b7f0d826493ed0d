/** Finds the model file of a node directory, of a testnet directory or named directly, and reads it. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MODEL_FILE, RUNS_FOLDER } from '../../../daemon/directory.ts';
import { ModelFileError } from '../../../learning/learning-error.ts';
import { readSafetensors, type SafetensorsModel } from '../../../learning/model-files/safetensors.ts';

export interface FoundModel extends SafetensorsModel {
  readonly file: string;
}

/** Of a testnet the first node's model that was saved. @throws ModelFileError where there is none. */
export async function findModel(place: string): Promise<FoundModel> {
  const file = await modelFile(place);
  return { ...(await readSafetensors(file)), file };
}

async function modelFile(place: string): Promise<string> {
  const found = await stat(place).catch(() => null);
  if (found === null)
    throw new ModelFileError(`${place} does not exist; name a model file or the directory of a node`);
  if (!found.isDirectory()) return place;
  const names = await readdir(place);
  if (names.includes(MODEL_FILE)) return join(place, MODEL_FILE);
  const own = await modelsOfRuns(place);
  if (own.length > 1) {
    throw new ModelFileError(`${place} holds the models of ${own.length} runs; name one:\n${own.join('\n')}`);
  }
  if (own.length === 1) return own[0]!;
  const nodes = names.filter((name) => /^node-\d+$/.test(name)).sort();
  for (const node of nodes) {
    const [file] = await modelsOfRuns(join(place, node));
    if (file !== undefined) return file;
  }
  throw new ModelFileError(
    `${place} holds no ${MODEL_FILE}: a node saves its model when the run is finished`,
  );
}

/** Of a node's directory. */
async function modelsOfRuns(directory: string): Promise<string[]> {
  const runs = await readdir(join(directory, RUNS_FOLDER)).catch(() => []);
  const files = runs.sort().map((run) => join(directory, RUNS_FOLDER, run, MODEL_FILE));
  const isThere = await Promise.all(files.map((file) => stat(file).catch(() => null)));
  return files.filter((_, index) => isThere[index] !== null);
}
