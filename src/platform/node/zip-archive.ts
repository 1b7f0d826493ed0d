/** ZIP archives of others, one entry at a time: what claims more than it can hold is not unpacked. */

import { crc32 } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { reasonOf } from '../../core/as-error.ts';

/** An archive that is damaged, cut short or made to do harm; `message` is the reason alone. */
export class ZipError extends Error {
  override readonly name = 'ZipError';
  readonly code = 'BAD_ZIP';
}

export interface ZipEntry {
  readonly name: string;
  /** Unpacked, as the archive says it; what comes of it is held against that. */
  readonly size: number;
  /** Whoever stops early returns from it, and has no checksum checked. @throws ZipError */
  chunks(): AsyncIterable<Uint8Array>;
}

export interface ZipArchive {
  readonly entries: readonly ZipEntry[];
  close(): void;
}

/** Guess; nobody names so many arrays, and no model has so many files. */
const entriesMax = 1000;
/** What DEFLATE can make of a byte, and a little for the shortest. */
const unpackedPerByteMax = 1032;
/** Of a reason: it may quote a name of the archive. */
const reasonLengthMax = 120;

/** Reads the directory of the archive alone. @throws ZipError */
export async function openZip(file: string): Promise<ZipArchive> {
  const zip = await openPromise(file, { autoClose: false }).catch((error: unknown) => {
    throw zipError(error);
  });
  try {
    return { entries: await entriesOf(zip), close: () => zip.close() };
  } catch (error) {
    zip.close();
    throw zipError(error);
  }
}

/** All of an entry. The caller bounds its size. @throws ZipError */
export async function unpacked(entry: ZipEntry): Promise<Uint8Array<ArrayBuffer>> {
  let bytes: Uint8Array<ArrayBuffer> | null = null;
  let at = 0;
  for await (const chunk of entry.chunks()) {
    bytes ??= new Uint8Array(entry.size);
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes ?? new Uint8Array(0);
}

async function entriesOf(zip: ZipFile): Promise<ZipEntry[]> {
  if (zip.entryCount > entriesMax) {
    throw new ZipError(`${zip.entryCount} files in it, expected at most ${entriesMax}`);
  }
  const entries: ZipEntry[] = [];
  for await (const entry of zip.eachEntry()) {
    entries.push({
      ...{ name: entry.fileName, size: entry.uncompressedSize },
      chunks: () => chunksOf(zip, entry),
    });
  }
  return entries;
}

/** No more than the entry claims: yauzl holds what comes against it. */
async function* chunksOf(zip: ZipFile, entry: Entry): AsyncGenerator<Uint8Array> {
  const { compressedSize: packed, uncompressedSize: size } = entry;
  if (size > unpackedPerByteMax * (packed + 1)) {
    throw new ZipError(`it claims ${size} bytes packed into ${packed}, which no packing can`);
  }
  let sum = 0;
  try {
    for await (const chunk of await zip.openReadStreamPromise(entry)) {
      sum = crc32(chunk as Buffer, sum);
      yield chunk as Buffer;
    }
  } catch (error) {
    throw zipError(error);
  }
  if (sum !== entry.crc32) throw new ZipError('its checksum is another');
}

function zipError(error: unknown): ZipError {
  if (error instanceof ZipError) return error;
  const reason = reasonOf(error);
  return new ZipError(reason.slice(0, reasonLengthMax).replaceAll(/\p{Cc}/gu, '?'), { cause: error });
}
