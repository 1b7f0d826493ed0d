/** An array in a file: what its head says, and its numbers. */
import { DataFileError } from '../../datasets/data-error.ts';
import { type ElementType, elementTypes } from './element-types.ts';
import {
  ArrayProblem,
  type NpyHeader,
  npyHeaderBytes,
  npyPreambleBytes,
  parseNpyHeader,
} from './npy-header.ts';

export interface StoredArray {
  readonly name: string;
  /** Where it stands, for sentences: `file: array 'x'`. */
  readonly place: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** The first axis varies fastest, as in Fortran. */
  readonly isFortran: boolean;
  /** All of it in C order, little-endian. @throws DataFileError */
  bytes(): Promise<Uint8Array>;
}

export interface OpenedArrays {
  readonly files: readonly string[];
  readonly arrays: ReadonlyMap<string, StoredArray>;
  /** Sentences on those that are no numbers that can be learned from. */
  readonly unread: ReadonlyMap<string, string>;
  close(): Promise<void>;
}

/** More of one array are refused before room is made for them: 2 GiB. */
const arrayBytesMax = 2 ** 31;

export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** What an array of the type and shape takes. @throws DataFileError for none, and for more than are read */
export function bytesOfArray(place: string, type: ElementType, shape: readonly number[]): number {
  const bytes = elementsOf(shape) * elementTypes[type].bytes;
  if (bytes <= arrayBytesMax) return bytes;
  throw new DataFileError(
    `${place} claims ${shapeInWords(shape)} numbers of ${elementTypes[type].name}, more than ${arrayBytesMax} bytes: divide it, or save it in a smaller type`,
  );
}

export function shapeInWords(shape: readonly number[]): string {
  return shape.length === 0 ? 'no axes' : shape.join(' x ');
}

/** What an `.npy` array is read from. */
export interface NpySource {
  readonly name: string;
  readonly place: string;
  /** Of head and elements, by what holds it. */
  readonly size: number;
  /** From the beginning; whoever stops early returns from it. */
  chunks(): AsyncIterable<Uint8Array>;
}

/** Reads the head alone. @throws DataFileError */
export async function npyArray(source: NpySource): Promise<StoredArray> {
  const { name, place, size } = source;
  const head = await headOf(source);
  const { type, shape, isFortran, isBigEndian, bytes: from } = head;
  const length = bytesOfArray(place, type, shape);
  if (size !== from + length) {
    throw new DataFileError(
      `${place} claims ${shapeInWords(shape)} numbers of ${elementTypes[type].name}, ${length} bytes, and has ${size - from}: ` +
        'the file is cut short or its header lies, copy or save it anew',
    );
  }
  return {
    ...{ name, place, type, shape, isFortran },
    bytes: async () => {
      const elements = await readFrom(source, from, length);
      if (isBigEndian) swapBytes(elements, elementTypes[type].bytes);
      return isFortran ? inCOrder(elements, shape, elementTypes[type].bytes) : elements;
    },
  };
}

async function headOf(source: NpySource): Promise<NpyHeader> {
  let start: Buffer = Buffer.alloc(0);
  try {
    let wanted = npyPreambleBytes;
    for await (const chunk of source.chunks()) {
      start = Buffer.concat([start, chunk]);
      if (start.length < npyPreambleBytes) continue;
      wanted = npyHeaderBytes(start);
      if (start.length >= wanted) break;
    }
    if (start.length < npyPreambleBytes) npyHeaderBytes(start);
    return parseNpyHeader(start);
  } catch (error) {
    if (error instanceof ArrayProblem) throw new DataFileError(`${source.place} ${error.message}`);
    throw error;
  }
}

async function readFrom({ place, chunks }: NpySource, from: number, length: number): Promise<Uint8Array> {
  const elements = new Uint8Array(length);
  // All is read, so that what a container checks at its end is checked.
  let at = 0;
  for await (const chunk of chunks()) {
    const own = chunk.subarray(Math.max(0, Math.min(chunk.length, from - at)));
    const to = Math.max(0, at - from);
    if (to + own.length > length) throw changed(place);
    elements.set(own, to);
    at += chunk.length;
  }
  if (at !== from + length) throw changed(place);
  return elements;
}

function changed(place: string): DataFileError {
  return new DataFileError(
    `${place} has not as many bytes as it had a moment ago: try again when nobody writes to it`,
  );
}

/** In place. */
function swapBytes(elements: Uint8Array, width: number): void {
  for (let at = 0; at < elements.length; at += width) elements.subarray(at, at + width).reverse();
}

/** Of elements in which the first axis varies fastest. */
function inCOrder(elements: Uint8Array, shape: readonly number[], width: number): Uint8Array {
  const ordered = new Uint8Array(elements.length);
  const strides = shape.map((_, axis) => width * elementsOf(shape.slice(0, axis)));
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < ordered.length; to += width) {
    for (let byte = 0; byte < width; byte++) ordered[to + byte] = elements[from + byte]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return ordered;
}
