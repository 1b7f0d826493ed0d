/** What `model.save('m.keras')` of Keras 3 writes: a ZIP archive of the model's config and, in HDF5, its weights. */
import {
  openZip,
  unpacked,
  type ZipArchive,
  type ZipEntry,
  ZipError,
} from '../../../platform/node/zip-archive.ts';
import { LayersFileError } from './layer-config.ts';

const members = { config: 'config.json', weights: 'model.weights.h5' } as const;

/** The unpacked member; what claims to be longer than `bytesMax` is not unpacked. @throws LayersFileError */
export async function memberOf(
  file: string,
  member: keyof typeof members,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer>> {
  let zip: ZipArchive | null = null;
  try {
    zip = await openZip(file);
    return await unpacked(entryOf(zip, members[member], bytesMax));
  } catch (error) {
    if (!(error instanceof ZipError)) throw error;
    throw new LayersFileError(`it is a damaged archive (${error.message}): save the model again`);
  } finally {
    zip?.close();
  }
}

/** @throws LayersFileError */
function entryOf(zip: ZipArchive, name: string, bytesMax: number): ZipEntry {
  const [entry, another] = zip.entries.filter((each) => each.name === name);
  if (entry === undefined) {
    throw new LayersFileError(
      `it is an archive without ${name}: save the model with Keras 3, model.save('m.keras')`,
    );
  }
  if (another !== undefined) throw new LayersFileError(`there are two ${name} in it`);
  if (entry.size > bytesMax) {
    throw new LayersFileError(`its ${name} has ${entry.size} bytes, more than ${bytesMax}`);
  }
  return entry;
}
