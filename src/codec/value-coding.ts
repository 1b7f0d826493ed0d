/** How the chosen values of a chunk are written. */
import type { BitReader, BitWriter } from './bits.ts';
import { CodecError } from './delta-codec.ts';
import { fromFloat16, toFloat16 } from './half.ts';
import { nearestScaleCode, SCALE_CODE_MAX, scaleValue } from './scale.ts';

export type ValueCoding = 'float32' | 'fp16' | 'sign' | 'two-bit';

/** Bits of one value, and of what a chunk says once. */
export const valueBits: Readonly<Record<ValueCoding, number>> = {
  float32: 32,
  fp16: 16,
  sign: 1,
  'two-bit': 2,
};
export const chunkBits: Readonly<Record<ValueCoding, number>> = {
  float32: 0,
  fp16: 0,
  sign: 8,
  'two-bit': 16,
};

/** Bits that a chunk's shared magnitudes say. */
export const chunkInformation: Readonly<Record<ValueCoding, number>> = {
  float32: 0,
  fp16: 0,
  sign: Math.log2(SCALE_CODE_MAX + 1),
  'two-bit': 2 * Math.log2(SCALE_CODE_MAX + 1),
};

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);
/** Steps of Lloyd's iteration; four levels settle in fewer. */
const lloydSteps = 12;

/**
 * sign: one magnitude, the mean, and a bit each. two-bit: two magnitudes by Lloyd's iteration ("Least squares quantization in
 * PCM", 1982) from the mean, a bit for which and one for the sign. Magnitudes are codes of scale.ts.
 */
export function writeValues(writer: BitWriter, coding: ValueCoding, values: readonly number[]): void {
  switch (coding) {
    case 'float32':
      for (const value of values) {
        float[0] = value + 0;
        writer.bits(word[0]!, 32);
      }
      return;
    case 'fp16':
      for (const value of values) writer.bits(toFloat16(value), 16);
      return;
    case 'sign': {
      const code = nearestScaleCode(meanMagnitude(values));
      writer.bits(code, 8);
      for (const value of values) writer.bit(code > 0 && value < 0 ? 1 : 0);
      return;
    }
    case 'two-bit': {
      const { threshold, small, large } = twoLevels(values);
      const codes = [nearestScaleCode(small), nearestScaleCode(large)] as const;
      // Where both levels have one code there is one level, the smaller.
      const isOne = codes[0] === codes[1];
      writer.bits(codes[0], 8);
      writer.bits(codes[1], 8);
      for (const value of values) {
        const isLarge = !isOne && Math.abs(value) > threshold;
        const level = isLarge ? codes[1] : codes[0];
        writer.bit(isLarge ? 1 : 0);
        writer.bit(level > 0 && value < 0 ? 1 : 0);
      }
      return;
    }
    default:
      coding satisfies never;
  }
}

/** @throws CodecError for what `writeValues` could not have written */
export function readValues(reader: BitReader, coding: ValueCoding, count: number): number[] {
  switch (coding) {
    case 'float32':
      return times(count, () => {
        word[0] = reader.bits(32);
        return checked(float[0]!);
      });
    case 'fp16':
      return times(count, () => checked(fromFloat16(reader.bits(16))));
    case 'sign': {
      const level = readLevel(reader);
      return times(count, () => signed(reader.bit(), level));
    }
    case 'two-bit': {
      const small = readLevel(reader);
      const large = readLevel(reader);
      if (large < small) throw new CodecError('the two levels of a chunk are in the wrong order');
      return times(count, () => {
        const isLarge = reader.bit() === 1;
        if (isLarge && small === large)
          throw new CodecError('a value is of a level that its chunk does not have');
        return signed(reader.bit(), isLarge ? large : small);
      });
    }
  }
}

function readLevel(reader: BitReader): number {
  const code = reader.bits(8);
  if (code > SCALE_CODE_MAX) throw new CodecError(`there is no scale code ${code}`);
  return scaleValue(code);
}

function signed(bit: number, level: number): number {
  if (bit === 1 && level === 0) throw new CodecError('zero has no sign');
  return bit === 1 ? -level : level;
}

function checked(value: number): number {
  if (!Number.isFinite(value) || Object.is(value, -0)) throw new CodecError('a value has no such encoding');
  return value;
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}

function meanMagnitude(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + Math.abs(value), 0) / Math.max(1, values.length);
}

function twoLevels(values: readonly number[]): { threshold: number; small: number; large: number } {
  let threshold = meanMagnitude(values);
  let [small, large] = [threshold, threshold];
  for (let step = 0; step < lloydSteps; step++) {
    const above = values.filter((value) => Math.abs(value) > threshold);
    const below = values.filter((value) => Math.abs(value) <= threshold);
    small = below.length > 0 ? meanMagnitude(below) : large;
    large = above.length > 0 ? meanMagnitude(above) : small;
    threshold = (small + large) / 2;
  }
  return { threshold, small, large };
}
