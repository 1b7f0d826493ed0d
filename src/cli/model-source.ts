/** Finds the model file of a node directory, of a testnet directory or named directly, and reads it. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MODEL_FILE } from '../daemon/progress.ts';
import { ModelFileError } from '../learning/learning-error.ts';
import { readSafetensors, type SafetensorsModel } from '../learning/model-files/safetensors.ts';

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
  const nodes = names.filter((name) => /^node-\d+$/.test(name)).sort();
  for (const node of nodes) {
    const file = join(place, node, MODEL_FILE);
    if (await stat(file).catch(() => null)) return file;
  }
  throw new ModelFileError(
    `${place} holds no ${MODEL_FILE}: a node saves its model when the run is finished`,
  );
}
