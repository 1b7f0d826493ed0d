/** `model: { kind: layers, file: model.json }` of run files: the model that the file describes stands in its place. */
import * as z from 'zod';
import { parseJson } from '../core/parse-json.ts';
import { LayersFileError } from '../tasks/models/layers/layer-config.ts';
import { layers } from '../tasks/models/layers/layers.ts';
import { readLayers } from '../tasks/models/layers/read-layers.ts';

const namesFile = z.object({
  model: z.strictObject({ kind: z.literal(layers.kind), file: z.string().min(1) }),
});

/** The file that the description of a run, unchecked, names as its model; null where it names none. */
export function modelFileOf(run: unknown): string | null {
  const parsed = namesFile.safeParse(run);
  return parsed.success ? parsed.data.model.file : null;
}

/** The description of the run with the model that `text`, a `model.json`, describes. @throws LayersFileError */
export function withModelOf(run: unknown, text: string): unknown {
  const json = parseJson(text);
  if (json === undefined) {
    throw new LayersFileError('is no JSON; a .keras file is an archive, take config.json out of it');
  }
  return { ...(run as object), model: readLayers(json) };
}
