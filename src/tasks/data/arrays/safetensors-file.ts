/** Arrays of a safetensors file, as data: an 8-byte little-endian length, a JSON header, then the elements without gaps. */
import { type FileHandle, open } from 'node:fs/promises';
import * as z from 'zod';
import { parseJson } from '../../../core/parse-json.ts';
import { writeFileAtomically } from '../../../platform/node/atomic-file.ts';
import { readFully } from '../../../platform/node/read-fully.ts';
import { DataFileError } from '../../datasets/data-error.ts';
import { type ElementType, elementTypeNames, isElementType } from './element-types.ts';
import { bytesOfArray, type OpenedArrays, type StoredArray, shapeInWords } from './stored-array.ts';

/** A longer header is refused before it is read. */
const headerBytesMax = 1 << 20;

const count = z.int().min(0);
const headerSchema = z.object({ __metadata__: z.record(z.string(), z.string()).optional() }).catchall(
  z.strictObject({
    dtype: z.string().max(20),
    shape: z.array(count).max(8),
    data_offsets: z.tuple([count, count]),
  }),
);

/** @throws DataFileError */
export async function openSafetensors(file: string): Promise<OpenedArrays> {
  const handle = await open(file, 'r');
  const close = () => handle.close();
  try {
    return { ...(await arraysOf(handle, file)), files: [file], close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function arraysOf(handle: FileHandle, file: string): Promise<Pick<OpenedArrays, 'arrays' | 'unread'>> {
  const { size } = await handle.stat();
  const length = Buffer.alloc(8);
  const isLong = (await readFully(handle, length, 0)) === 8;
  const headerBytes = isLong ? length.readBigUInt64LE() : 0n;
  if (!isLong || headerBytes > BigInt(Math.min(headerBytesMax, size - 8))) {
    throw new DataFileError(
      `${file}: this is no safetensors file, or it is cut short: copy it anew, or save it with safetensors.numpy.save_file`,
    );
  }
  const header = Buffer.alloc(Number(headerBytes));
  await readFully(handle, header, 8);
  const parsed = headerSchema.safeParse(parseJson(header.toString('utf8')));
  if (!parsed.success) {
    throw new DataFileError(`${file}: its header is not that of a safetensors file: save it anew`);
  }
  const arrays = new Map<string, StoredArray>();
  const unread = new Map<string, string>();
  let end = 0;
  const { __metadata__, ...tensors } = parsed.data;
  const inOrder = Object.entries(tensors).sort(
    ([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1],
  );
  for (const [name, { dtype, shape, data_offsets }] of inOrder) {
    const [from, to] = data_offsets;
    if (from !== end || to < from) throw lies(`${file}: array '${name}'`);
    end = to;
    const place = `${file}: array '${name}'`;
    if (!isElementType(dtype)) {
      unread.set(
        name,
        `${place} has elements of the type ${dtype}, expected ${elementTypeNames.join(', ')}: convert it`,
      );
      continue;
    }
    if (bytesOfArray(place, dtype, shape) !== to - from) throw lies(place);
    const at = 8 + header.length + from;
    const bytes = () => readAt(handle, place, at, to - from);
    arrays.set(name, { name, place, type: dtype, shape, isFortran: false, bytes });
  }
  if (end !== size - 8 - header.length) {
    throw new DataFileError(
      `${file}: expected ${end} bytes of arrays, found ${size - 8 - header.length}: it is cut short or too long, copy it anew`,
    );
  }
  return { arrays, unread };
}

function lies(place: string): DataFileError {
  return new DataFileError(`${place} does not lie where and as the header says: save the file anew`);
}

async function readAt(handle: FileHandle, place: string, at: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  if ((await readFully(handle, bytes, at)) === length) return bytes;
  throw new DataFileError(`${place} ends before its time: try again when nobody writes to the file`);
}

export interface WrittenArray {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** C order, little-endian. */
  readonly bytes: Uint8Array;
}

/** The file appears whole or not at all. */
export async function writeArrays(file: string, arrays: readonly WrittenArray[]): Promise<void> {
  let end = 0;
  const header = arrays.map(({ name, type: dtype, shape, bytes }) => {
    const from = end;
    end += bytes.length;
    if (bytesOfArray(name, dtype, shape) !== bytes.length) {
      throw new RangeError(`${name}: ${shapeInWords(shape)} of ${dtype} are not ${bytes.length} bytes`);
    }
    return [name, { dtype, shape, data_offsets: [from, end] }] as const;
  });
  // The format asks for data at a multiple of 8 and allows spaces after the JSON.
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, ' ');
  padded.set(json);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  await writeFileAtomically(file, [length, padded, ...arrays.map(({ bytes }) => bytes)]);
}
