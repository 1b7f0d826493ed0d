/** Arrays of an `.npz` file: a ZIP archive of `.npy` files, packed or not. */
import { openZip, type ZipArchive, type ZipEntry, ZipError } from '../../../platform/node/zip-archive.ts';
import { DataFileError } from '../../datasets/data-error.ts';
import { npyArray, type OpenedArrays, type StoredArray } from './stored-array.ts';

/** @throws DataFileError */
export async function openNpz(file: string): Promise<OpenedArrays> {
  const zip = await openZip(file).catch((error: unknown) => {
    if (!(error instanceof ZipError)) throw error;
    throw new DataFileError(
      `${file}: this is no .npz file, or it is cut short (${error.message}): copy it anew, or save it with np.savez`,
    );
  });
  const close = async (): Promise<void> => zip.close();
  try {
    return { ...(await arraysOf(zip, file)), files: [file], close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function arraysOf(zip: ZipArchive, file: string): Promise<Pick<OpenedArrays, 'arrays' | 'unread'>> {
  const arrays = new Map<string, StoredArray>();
  const unread = new Map<string, string>();
  for (const entry of zip.entries) {
    const name = entry.name.replace(/\.npy$/, '');
    if (name === entry.name) continue;
    if (arrays.has(name) || unread.has(name)) {
      throw new DataFileError(`${file} has two arrays '${name}': save it anew, each under its own name`);
    }
    const place = `${file}: array '${name}'`;
    try {
      arrays.set(
        name,
        await npyArray({ name, place, size: entry.size, chunks: () => chunksOf(entry, place) }),
      );
    } catch (error) {
      if (!(error instanceof DataFileError)) throw error;
      unread.set(name, error.message);
    }
  }
  return { arrays, unread };
}

/** @throws DataFileError where it is damaged, or not as long as the archive says */
async function* chunksOf(entry: ZipEntry, place: string): AsyncGenerator<Uint8Array> {
  try {
    yield* entry.chunks();
  } catch (error) {
    if (!(error instanceof ZipError)) throw error;
    throw new DataFileError(
      `${place} cannot be unpacked (${error.message}): copy it anew, or save it with np.savez`,
    );
  }
}
