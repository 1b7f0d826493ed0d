/** A file that describes a model of layers: a `model.json`, or an archive that Keras saved. */
import { open, stat } from 'node:fs/promises';
import { parseJson } from '../../../core/parse-json.ts';
import { readFully } from '../../../platform/node/read-fully.ts';
import { readPlain } from '../../../platform/node/read-plain.ts';
import { memberOf } from './keras-archive.ts';
import { LayersFileError } from './layer-config.ts';
import type { LayersSpec } from './layers-spec.ts';
import { readLayers } from './read-layers.ts';

/** Of the JSON of a model; what is larger is refused before it is read. With the weights' names a graph of 1,000 layers has 2 MiB. */
export const modelJsonBytesMax = 8 << 20;

const archiveStart = Buffer.from('PK\x03\x04', 'latin1');
const hdf5Start = Buffer.from('\x89HDF', 'latin1');

/** @throws LayersFileError, and what the file system says where the file cannot be read */
export async function readModelFile(file: string): Promise<LayersSpec> {
  const parsed = parseJson(new TextDecoder().decode(await jsonOf(file)));
  if (parsed === undefined) throw new LayersFileError('is no JSON, and no archive of Keras');
  return readLayers(parsed);
}

async function jsonOf(file: string): Promise<Uint8Array> {
  const info = await stat(file);
  if (!info.isFile()) throw new LayersFileError('is no file');
  const start = await startOf(file);
  if (start.equals(archiveStart)) return memberOf(file, 'config', modelJsonBytesMax);
  if (start.equals(hdf5Start)) {
    throw new LayersFileError(
      "it is HDF5, as older versions of Keras write it: load it there, then model.save('m.keras')",
    );
  }
  const bytes = await readPlain(file, modelJsonBytesMax);
  if (bytes === null) throw new LayersFileError(`it has ${info.size} bytes, more than ${modelJsonBytesMax}`);
  return bytes;
}

async function startOf(file: string): Promise<Buffer> {
  const start = Buffer.alloc(archiveStart.length);
  const handle = await open(file);
  try {
    await readFully(handle, start, 0);
  } finally {
    await handle.close();
  }
  return start;
}
