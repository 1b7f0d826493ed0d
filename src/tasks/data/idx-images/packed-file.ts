/** Files as data sets are handed out: as they are, or packed by gzip under the same name with `.gz`. */
import { open, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { ReadableAt } from '../../../platform/node/read-fully.ts';
import { readPlain } from '../../../platform/node/read-plain.ts';

/** What is read from: part of `node:fs`'s FileHandle. */
export interface ByteSource extends ReadableAt {
  /** `size` in bytes, unpacked. */
  stat(): Promise<{ readonly size: number }>;
  close(): Promise<void>;
}

/** `file`, or `file.gz` where only that is there. */
export async function packedOrNot(file: string): Promise<string> {
  const isThere = (path: string): Promise<boolean> =>
    stat(path).then(
      () => true,
      () => false,
    );
  return !(await isThere(file)) && (await isThere(`${file}.gz`)) ? `${file}.gz` : file;
}

/**
 * Opens `file`, or unpacks `file.gz` in memory where only that is there.
 * @throws of `node:fs`; of `node:zlib` where the packed file is damaged or holds more than `bytesMax`
 */
export async function openPackedOrNot(file: string, bytesMax: number): Promise<ByteSource> {
  const path = await packedOrNot(file);
  return path === file ? open(file, 'r') : unpacked(path, bytesMax);
}

async function unpacked(path: string, bytesMax: number): Promise<ByteSource> {
  const packed = await readPlain(path, bytesMax);
  if (packed === null) throw Object.assign(new Error(`${path} is too large`), { code: 'EFBIG' });
  const bytes = await promisify(gunzip)(packed, { maxOutputLength: bytesMax });
  return {
    read: async (into, offset, length, position) => {
      const part = bytes.subarray(position, position + length);
      into.set(part, offset);
      return { bytesRead: part.length };
    },
    stat: async () => ({ size: bytes.length }),
    close: async () => {},
  };
}
