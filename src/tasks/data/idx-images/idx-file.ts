/**
 * IDX files of unsigned bytes, packed by gzip or not, the format of MNIST (LeCun, Cortes, Burges: "The MNIST database of handwritten
 * digits"): a big-endian magic number, the dimensions, then the bytes in row-major order.
 */
import { writeFileAtomically } from '../../../platform/node/atomic-file.ts';
import { readFully } from '../../../platform/node/read-fully.ts';
import { DataFileError } from '../../datasets/data-error.ts';
import { type ByteSource, openPackedOrNot } from './packed-file.ts';

export interface IdxImages {
  readonly count: number;
  readonly rows: number;
  readonly columns: number;
  /** count * rows * columns bytes, image by image, row by row. */
  readonly pixels: Uint8Array;
}

/** A larger file is refused before anything is allocated: 2 GiB, forty times MNIST. */
export const idxFileBytesMax = 2 ** 31;

const IMAGES_MAGIC = 0x0803;
const LABELS_MAGIC = 0x0801;

/** Reads a file of images, or the same with `.gz` at its end where only that is there. @throws DataFileError naming the file, what was expected and what was found. */
export async function readIdxImages(file: string): Promise<IdxImages> {
  const { dimensions, body } = await readIdx(file, IMAGES_MAGIC, 'images');
  const [count, rows, columns] = dimensions as [number, number, number];
  return { count, rows, columns, pixels: body };
}

/** Reads a file of labels, one byte each. @throws DataFileError as `readIdxImages`. */
export async function readIdxLabels(file: string): Promise<Uint8Array> {
  return (await readIdx(file, LABELS_MAGIC, 'labels')).body;
}

/** Writes images as one IDX file; the file appears whole or not at all. */
export async function writeIdxImages(file: string, images: IdxImages): Promise<void> {
  const { count, rows, columns, pixels } = images;
  if (pixels.length !== count * rows * columns) {
    throw new RangeError(
      `${count} images of ${rows}x${columns} need ${count * rows * columns} bytes, not ${pixels.length}`,
    );
  }
  await writeFileAtomically(file, [header(IMAGES_MAGIC, [count, rows, columns]), pixels]);
}

/** Writes labels as one IDX file; the file appears whole or not at all. */
export async function writeIdxLabels(file: string, labels: Uint8Array): Promise<void> {
  await writeFileAtomically(file, [header(LABELS_MAGIC, [labels.length]), labels]);
}

function header(magic: number, dimensions: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * dimensions.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic);
  dimensions.forEach((dimension, axis) => {
    view.setUint32(4 + 4 * axis, dimension);
  });
  return bytes;
}

interface IdxFile {
  readonly dimensions: readonly number[];
  readonly body: Uint8Array;
}

async function readIdx(file: string, magic: number, what: string): Promise<IdxFile> {
  const handle = await openForReading(file, what);
  try {
    return await readOpenIdx(handle, file, magic, what);
  } finally {
    await handle.close();
  }
}

async function openForReading(file: string, what: string): Promise<ByteSource> {
  try {
    return await openPackedOrNot(file, idxFileBytesMax);
  } catch (error) {
    const why = reason(error);
    const how = why === 'ENOENT' ? 'there is no such file' : `it cannot be opened (${why})`;
    throw new DataFileError(`${file}: expected an IDX file of ${what}, but ${how}`);
  }
}

async function readOpenIdx(handle: ByteSource, file: string, magic: number, what: string): Promise<IdxFile> {
  const { size } = await handle.stat();
  const axes = magic & 0xff;
  const headerBytes = 4 + 4 * axes;
  if (size < headerBytes) {
    throw new DataFileError(
      `${file}: expected an IDX header of ${headerBytes} bytes, found a file of ${size} bytes`,
    );
  }
  if (size > idxFileBytesMax) {
    throw new DataFileError(`${file}: expected at most ${idxFileBytesMax} bytes, found ${size}`);
  }
  const start = new Uint8Array(headerBytes);
  await readExactly(handle, start, 0, file);
  const view = new DataView(start.buffer);
  const found = view.getUint32(0);
  if (found !== magic) {
    throw new DataFileError(
      `${file}: expected the magic number 0x${hex(magic)} of ${what} as unsigned bytes, found 0x${hex(found)}` +
        (found >>> 16 === 0x1f8b ? ' (gzip: its name must end in .gz)' : ''),
    );
  }
  const dimensions = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis));
  const bodyBytes = dimensions.reduce((product, dimension) => product * dimension, 1);
  if (bodyBytes === 0) {
    throw new DataFileError(
      `${file}: expected at least one of ${what}, found dimensions ${dimensions.join(' x ')}`,
    );
  }
  if (size !== headerBytes + bodyBytes) {
    throw new DataFileError(
      `${file}: its header promises ${dimensions.join(' x ')} bytes of ${what}, so ${headerBytes + bodyBytes} in all, ` +
        `found ${size}: the file is ${size < headerBytes + bodyBytes ? 'truncated' : 'too long'} or its header lies`,
    );
  }
  const body = new Uint8Array(bodyBytes);
  await readExactly(handle, body, headerBytes, file);
  return { dimensions, body };
}

async function readExactly(
  handle: ByteSource,
  into: Uint8Array,
  position: number,
  file: string,
): Promise<void> {
  const done = await readFully(handle, into, position);
  if (done < into.length) {
    throw new DataFileError(
      `${file}: expected ${position + into.length} bytes, found ${position + done}: it shrank while read`,
    );
  }
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}

function reason(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
