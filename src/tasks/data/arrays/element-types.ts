/** Numbers as they lie in files of arrays, by the names that safetensors has for them; little-endian. */
import { fromBfloat16, fromFloat16 } from '../../../codec/half.ts';

interface Element {
  readonly bytes: 1 | 2 | 4 | 8;
  readonly isFloat: boolean;
  /** Its name in numpy, but for `bfloat16`. */
  readonly name: string;
  readonly read: (view: DataView, at: number) => number;
}

const whole = (bytes: Element['bytes'], name: string, read: Element['read']): Element => ({
  bytes,
  isFloat: false,
  name,
  read,
});
const float = (bytes: Element['bytes'], name: string, read: Element['read']): Element => ({
  bytes,
  isFloat: true,
  name,
  read,
});

/** What is beyond 2^53 is rounded: as an input nobody tells it from its neighbour, a label is never so large. */
export const elementTypes = {
  BOOL: whole(1, 'bool', (view, at) => view.getUint8(at)),
  U8: whole(1, 'uint8', (view, at) => view.getUint8(at)),
  I8: whole(1, 'int8', (view, at) => view.getInt8(at)),
  U16: whole(2, 'uint16', (view, at) => view.getUint16(at, true)),
  I16: whole(2, 'int16', (view, at) => view.getInt16(at, true)),
  U32: whole(4, 'uint32', (view, at) => view.getUint32(at, true)),
  I32: whole(4, 'int32', (view, at) => view.getInt32(at, true)),
  U64: whole(8, 'uint64', (view, at) => Number(view.getBigUint64(at, true))),
  I64: whole(8, 'int64', (view, at) => Number(view.getBigInt64(at, true))),
  F16: float(2, 'float16', (view, at) => fromFloat16(view.getUint16(at, true))),
  BF16: float(2, 'bfloat16', (view, at) => fromBfloat16(view.getUint16(at, true))),
  F32: float(4, 'float32', (view, at) => view.getFloat32(at, true)),
  F64: float(8, 'float64', (view, at) => view.getFloat64(at, true)),
} as const satisfies Record<string, Element>;

export type ElementType = keyof typeof elementTypes;

export function isElementType(name: string): name is ElementType {
  return Object.hasOwn(elementTypes, name);
}

export const elementTypeNames: readonly string[] = Object.values(elementTypes).map(({ name }) => name);
