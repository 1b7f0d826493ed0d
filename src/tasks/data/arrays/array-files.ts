/** Arrays at a path, whatever the format: `.npz`, `.safetensors`, `.npy`, or a folder of those. */
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { DataFileError } from '../../datasets/data-error.ts';
import { npyArray, type OpenedArrays, type StoredArray } from './stored-array.ts';

const chunkBytes = 1 << 20;
/** Guess; nobody names so many arrays. */
const filesMax = 1000;
const containers = ['.npz', '.safetensors'];

/** Whether it is named like arrays, or a folder of such. */
export async function looksLikeArrays(path: string): Promise<boolean> {
  if (!(await stat(path)).isDirectory()) return isArrayName(path);
  return (await readdir(path)).some(isArrayName);
}

function isArrayName(name: string): boolean {
  return ['.npy', ...containers].includes(extname(name).toLowerCase()) && !basename(name).startsWith('.');
}

/** Gives what is at the path to `use`, and closes it. @throws DataFileError */
export async function withArrays<T>(path: string, use: (opened: OpenedArrays) => Promise<T>): Promise<T> {
  const opened = await openArrays(path);
  try {
    return await use(opened);
  } finally {
    await opened.close();
  }
}

async function openArrays(path: string): Promise<OpenedArrays> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new DataFileError(
      `${path}: expected arrays, but it cannot be opened (${error.code}); check the path`,
    );
  });
  if (!found.isDirectory()) return openFiles([path], path);
  const names = (await readdir(path)).filter(isArrayName).sort();
  return openFiles(
    names.map((name) => join(path, name)),
    path,
  );
}

async function openFiles(files: readonly string[], path: string): Promise<OpenedArrays> {
  const [first] = files;
  const isContainer = (file: string): boolean => containers.includes(extname(file).toLowerCase());
  if (first === undefined || files.length > filesMax || (files.length > 1 && files.some(isContainer))) {
    throw new DataFileError(
      `${path}: expected one .npz or .safetensors file, or .npy files alone, found ${files.length} files of arrays: give the path of one, or take the others out`,
    );
  }
  switch (extname(first).toLowerCase()) {
    case '.npz': {
      const { openNpz } = await import('./npz-file.ts');
      return openNpz(first);
    }
    case '.safetensors': {
      const { openSafetensors } = await import('./safetensors-file.ts');
      return openSafetensors(first);
    }
    case '.npy':
      return openNpys(files);
    default:
      throw new DataFileError(
        `${first}: expected a file named .npz, .npy or .safetensors: rename or convert it`,
      );
  }
}

async function openNpys(files: readonly string[]): Promise<OpenedArrays> {
  const arrays = new Map<string, StoredArray>();
  const unread = new Map<string, string>();
  const handles: FileHandle[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(handles.map((handle) => handle.close()));
  };
  try {
    for (const file of files) {
      const name = basename(file, extname(file));
      const handle = await open(file, 'r');
      handles.push(handle);
      const { size } = await handle.stat();
      const source = { name, place: file, size, chunks: () => chunksOf(handle) };
      try {
        arrays.set(name, await npyArray(source));
      } catch (error) {
        if (!(error instanceof DataFileError)) throw error;
        unread.set(name, error.message);
      }
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { files, arrays, unread, close };
}

async function* chunksOf(handle: FileHandle): AsyncGenerator<Uint8Array> {
  for (let position = 0; ; ) {
    const chunk = new Uint8Array(chunkBytes);
    const { bytesRead } = await handle.read(chunk, 0, chunkBytes, position);
    if (bytesRead === 0) return;
    yield chunk.subarray(0, bytesRead);
    position += bytesRead;
  }
}
