/** What `model.save('m.keras')` of Keras 3 writes: a ZIP archive of the model's config and, in HDF5, its weights. */
import { type UnzipFileInfo, unzipSync } from 'fflate';
import { LayersFileError } from './layer-config.ts';

/** A larger one is refused before it is read: 500 million parameters, less than Node reads at once. */
export const kerasArchiveBytesMax = 2 ** 31 - 1;

const members = { config: 'config.json', weights: 'model.weights.h5' } as const;

/** Whether the file begins as ZIP archives do. */
export function isArchive(file: Uint8Array): boolean {
  return file[0] === 0x50 && file[1] === 0x4b && file[2] === 3 && file[3] === 4;
}

/** The unpacked member; what claims to be longer than `bytesMax` is not unpacked. @throws LayersFileError */
export function memberOf(archive: Uint8Array, member: keyof typeof members, bytesMax: number): Uint8Array {
  const name = members[member];
  let found: UnzipFileInfo | null = null;
  const filter = (info: UnzipFileInfo): boolean => {
    if (info.name !== name) return false;
    if (found !== null) throw new LayersFileError(`there are two ${name} in it`);
    found = info;
    // A stored member is copied by its packed size, and any other unpacked into room for the size that it claims.
    const bytes = Math.max(info.size, info.originalSize);
    if (bytes > bytesMax) throw new LayersFileError(`its ${name} has ${bytes} bytes, more than ${bytesMax}`);
    return true;
  };
  let unpacked: Record<string, Uint8Array>;
  try {
    unpacked = unzipSync(archive, { filter });
  } catch (error) {
    if (error instanceof LayersFileError) throw error;
    throw new LayersFileError('it is a damaged archive: save the model again');
  }
  const bytes = Object.hasOwn(unpacked, name) ? unpacked[name] : undefined;
  if (bytes === undefined) {
    throw new LayersFileError(
      `it is an archive without ${name}: save the model with Keras 3, model.save('m.keras')`,
    );
  }
  return bytes;
}
