/** The head of an `.npy` file (NumPy enhancement proposal 1, format versions 1 to 3): a Python dictionary, of which nothing is executed. */
import { type ElementType, elementTypeNames } from './element-types.ts';

export interface NpyHeader {
  readonly type: ElementType;
  readonly isBigEndian: boolean;
  /** The first axis varies fastest. */
  readonly isFortran: boolean;
  readonly shape: readonly number[];
  /** Bytes before the elements. */
  readonly bytes: number;
}

/** Magic number, version and length of the dictionary, at most. */
export const npyPreambleBytes = 12;
/** A longer dictionary is refused; that of an array of 32 axes takes under 1 KiB. */
const dictionaryBytesMax = 1 << 16;
const axesMax = 8;

const magic = '\x93NUMPY';

/** Types by numpy's kind and size. */
const types: ReadonlyMap<string, ElementType> = new Map([
  ['b1', 'BOOL'],
  ['u1', 'U8'],
  ['i1', 'I8'],
  ['u2', 'U16'],
  ['i2', 'I16'],
  ['u4', 'U32'],
  ['i4', 'I32'],
  ['u8', 'U64'],
  ['i8', 'I64'],
  ['f2', 'F16'],
  ['f4', 'F32'],
  ['f8', 'F64'],
]);

/** Says in words what is wrong with an array, to follow its name. */
export class ArrayProblem extends Error {}

/** Bytes of the whole head, by its first `npyPreambleBytes`. @throws ArrayProblem */
export function npyHeaderBytes(start: Buffer): number {
  if (start.toString('latin1', 0, 6) !== magic || start.length < npyPreambleBytes) {
    throw new ArrayProblem('is no .npy array: write it with np.save or np.savez');
  }
  const version = start[6]!;
  if (version < 1 || version > 3) {
    throw new ArrayProblem(
      `has version ${version} of the .npy format, expected 1 to 3: save it with another numpy`,
    );
  }
  const length = version === 1 ? start.readUInt16LE(8) : start.readUInt32LE(8);
  if (length > dictionaryBytesMax) {
    throw new ArrayProblem(
      `claims a header of ${length} bytes, expected at most ${dictionaryBytesMax}: the file is damaged or no array`,
    );
  }
  return (version === 1 ? 10 : 12) + length;
}

/** Of the whole head. @throws ArrayProblem */
export function parseNpyHeader(head: Buffer): NpyHeader {
  const bytes = npyHeaderBytes(head);
  if (head.length < bytes) throw new ArrayProblem('ends within its header: copy the file anew');
  const fields = dictionary(head.toString('latin1', head[6] === 1 ? 10 : 12, bytes));
  const order = fields.fortran_order;
  if (order !== 'True' && order !== 'False') throw noHeader();
  return { ...typeOf(fields.descr), isFortran: order === 'True', shape: shapeOf(fields.shape), bytes };
}

type Fields = Readonly<Record<'descr' | 'fortran_order' | 'shape', string>>;

const field =
  /\s*'(descr|fortran_order|shape)'\s*:\s*('[^'\\]*'|True|False|\([\d\sL,]*\)|\[.*\])\s*(,|(?=\}))/y;

/** Each of the three fields once and nothing else. @throws ArrayProblem */
function dictionary(text: string): Fields {
  const found = new Map<string, string>();
  let at = /^\s*\{/.exec(text)?.[0].length ?? text.length;
  for (;;) {
    field.lastIndex = at;
    const match = field.exec(text);
    if (match === null) break;
    if (found.has(match[1]!)) throw noHeader();
    found.set(match[1]!, match[2]!);
    at = field.lastIndex;
  }
  if (!/^\s*\}\s*$/.test(text.slice(at)) || found.size !== 3) throw noHeader();
  return Object.fromEntries(found) as Fields;
}

function noHeader(): ArrayProblem {
  return new ArrayProblem('has a header that numpy does not write: save it anew with np.save or np.savez');
}

function typeOf(descr: string): Pick<NpyHeader, 'type' | 'isBigEndian'> {
  const [, order, kind = ''] = /^'([<>|]?)(\w+)'$/.exec(descr) ?? [];
  const type = types.get(kind);
  if (order !== undefined && type !== undefined) return { type, isBigEndian: order === '>' };
  if (kind.startsWith('O')) {
    throw new ArrayProblem(
      'holds Python objects, which are pickled and never read, for reading them runs code: save numbers, np.asarray(x, dtype="float32")',
    );
  }
  if (/^[US]\d/.test(kind)) {
    throw new ArrayProblem(
      'holds texts, expected numbers: np.unique(y, return_inverse=True) gives each its number',
    );
  }
  if (descr.startsWith('[')) {
    throw new ArrayProblem('holds records of several fields, expected numbers: save each field as an array');
  }
  throw new ArrayProblem(
    `has elements of the type ${descr}, expected one of ${elementTypeNames.filter((name) => name !== 'bfloat16').join(', ')}: convert it with .astype`,
  );
}

/** `(3,)`, `(3, 4)`, `()`; Python 2 wrote `(3L, 4L)`. */
function shapeOf(text: string): number[] {
  // Each sign can be read in one way only: else 60 KB of spaces take a minute.
  if (!/^\(\s*(\d+L?\s*(,\s*\d+L?\s*)*(,\s*)?)?\)$/.test(text)) throw noHeader();
  const shape = (text.match(/\d+/g) ?? []).map(Number);
  if (shape.length > axesMax || !shape.every(Number.isSafeInteger)) {
    throw new ArrayProblem(`has the shape ${text.slice(0, 80)}, which no array of examples has`);
  }
  return shape;
}
