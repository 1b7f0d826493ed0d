/** Arrays of an `.npz` file: a ZIP archive of `.npy` files, packed or not. */
import { crc32 } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { DataFileError } from '../../datasets/data-error.ts';
import { npyArray, type OpenedArrays, type StoredArray } from './stored-array.ts';

/** Guess; nobody names so many arrays. */
const entriesMax = 1000;
/** What DEFLATE can make of a byte, and a little for the shortest. */
const unpackedPerByteMax = 1032;

/** @throws DataFileError */
export async function openNpz(file: string): Promise<OpenedArrays> {
  const zip = await openPromise(file, { autoClose: false }).catch((error: Error) => {
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

async function arraysOf(zip: ZipFile, file: string): Promise<Pick<OpenedArrays, 'arrays' | 'unread'>> {
  const arrays = new Map<string, StoredArray>();
  const unread = new Map<string, string>();
  if (zip.entryCount > entriesMax) {
    throw new DataFileError(
      `${file} has ${zip.entryCount} files in it, expected at most ${entriesMax} arrays: save those that are used, np.savez(file, x=x, y=y)`,
    );
  }
  for (const entry of await entriesOf(zip, file)) {
    const name = entry.fileName.replace(/\.npy$/, '');
    if (name === entry.fileName) continue;
    if (arrays.has(name) || unread.has(name)) {
      throw new DataFileError(`${file} has two arrays '${name}': save it anew, each under its own name`);
    }
    try {
      arrays.set(name, await arrayOf(zip, entry, name, file));
    } catch (error) {
      if (!(error instanceof DataFileError)) throw error;
      unread.set(name, error.message);
    }
  }
  return { arrays, unread };
}

async function entriesOf(zip: ZipFile, file: string): Promise<Entry[]> {
  try {
    const entries: Entry[] = [];
    for await (const entry of zip.eachEntry()) entries.push(entry);
    return entries;
  } catch (error) {
    throw damaged(file, error);
  }
}

function arrayOf(zip: ZipFile, entry: Entry, name: string, file: string) {
  const place = `${file}: array '${name}'`;
  const { compressedSize, uncompressedSize: size } = entry;
  if (size > unpackedPerByteMax * (compressedSize + 1)) {
    throw new DataFileError(
      `${place} claims ${size} bytes packed into ${compressedSize}, which no packing can: the file is damaged or was made to do harm, save it anew`,
    );
  }
  return npyArray({ name, place, size, chunks: () => unpacked(zip, entry, place) });
}

/** @throws DataFileError where it is damaged, or not as long as the archive says */
async function* unpacked(zip: ZipFile, entry: Entry, place: string): AsyncGenerator<Uint8Array> {
  let sum = 0;
  try {
    for await (const chunk of await zip.openReadStreamPromise(entry)) {
      sum = crc32(chunk as Buffer, sum);
      yield chunk as Buffer;
    }
  } catch (error) {
    throw damaged(place, error);
  }
  if (sum !== entry.crc32) throw damaged(place, new Error('its checksum is another'));
}

function damaged(place: string, error: unknown): DataFileError {
  const reason = error instanceof Error ? error.message : String(error);
  return new DataFileError(`${place} cannot be unpacked (${reason}): copy it anew, or save it with np.savez`);
}
