/** `model: { kind: layers, file: model.json }` of run files: the model that the file describes stands in its place. */
import * as z from 'zod';
import { parseJson } from '../core/parse-json.ts';
import { isArchive, kerasArchiveBytesMax, memberOf } from '../tasks/models/layers/keras-archive.ts';
import { LayersFileError } from '../tasks/models/layers/layer-config.ts';
import { layers } from '../tasks/models/layers/layers.ts';
import type { LayersSpec } from '../tasks/models/layers/layers-spec.ts';
import { readLayers } from '../tasks/models/layers/read-layers.ts';

/** Of the JSON of a model; what is larger is refused before it is read. With the weights' names a graph of 1,000 layers has 2 MiB. */
export const modelJsonBytesMax = 8 << 20;

/** Of the file, which may hold weights beside. */
export const modelFileBytesMax = kerasArchiveBytesMax;

const namesFile = z.object({
  model: z.strictObject({ kind: z.literal(layers.kind), file: z.string().min(1) }),
});

/** The file that the description of a run, unchecked, names as its model; null where it names none. */
export function modelFileOf(run: unknown): string | null {
  const parsed = namesFile.safeParse(run);
  return parsed.success ? parsed.data.model.file : null;
}

/** The description of the run with the model that `file`, a `model.json` or an archive of Keras, describes. @throws LayersFileError */
export function withModelOf(run: unknown, file: Uint8Array): { readonly model: LayersSpec } {
  const json = isArchive(file) ? memberOf(file, 'config', modelJsonBytesMax) : file;
  if (json.length > modelJsonBytesMax) {
    throw new LayersFileError(`it has ${json.length} bytes, more than ${modelJsonBytesMax}`);
  }
  const parsed = parseJson(new TextDecoder().decode(json));
  if (parsed === undefined) {
    throw new LayersFileError(
      isHdf5(file)
        ? "it is HDF5, as older versions of Keras write it: load it there, then model.save('m.keras')"
        : 'is no JSON, and no archive of Keras',
    );
  }
  return { ...(run as object), model: readLayers(parsed) };
}

function isHdf5(file: Uint8Array): boolean {
  return file[0] === 0x89 && file[1] === 0x48 && file[2] === 0x44 && file[3] === 0x46;
}
