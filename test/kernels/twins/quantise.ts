/** The readable twins of the quantisers: one number after the other, each operation rounded to float32. */
import {
  bitsPerCode,
  type Quantised,
  type QuantiseScheme,
  twoBitLevels,
} from '../../../src/kernels/quantise.ts';
import { sumOfLanes } from './dense.ts';

const f = Math.fround;

function roundHalfToEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

/** Mean over eight float64 lanes. */
function meanOf(values: readonly number[]): number {
  const lanes = new Float64Array(8);
  values.forEach((value, i) => {
    lanes[i % 8] = lanes[i % 8]! + value;
  });
  return sumOfLanes(lanes) / values.length;
}

function scaleOf(block: readonly number[], scheme: QuantiseScheme): number {
  if (scheme === 'sign') return f(meanOf(block.map(Math.abs)));
  if (scheme === 'two-bit') return f(Math.sqrt(meanOf(block.map((x) => x * x))));
  return f(Math.max(...block.map(Math.abs)) / (scheme === 'int4' ? 7 : 127));
}

function codeOf(x: number, scale: number, scheme: QuantiseScheme): number {
  if (scheme === 'sign') return x < 0 ? 1 : 0;
  if (scheme === 'two-bit') {
    const isLarge = Math.abs(x) >= f(f(twoBitLevels.threshold) * scale);
    return (isLarge ? 1 : 0) + (x < 0 ? 2 : 0);
  }
  const levels = scheme === 'int4' ? 7 : 127;
  // A code is an integer: there is no -0.
  return scale === 0 ? 0 : Math.max(-levels, Math.min(levels, roundHalfToEven(f(x / scale)))) + 0;
}

function levelOf(code: number, scale: number, scheme: QuantiseScheme): number {
  if (scheme === 'sign') return code === 1 ? -scale : scale;
  if (scheme === 'two-bit') {
    const size = f((code & 1 ? twoBitLevels.large : twoBitLevels.small) * scale);
    return code & 2 ? -size : size;
  }
  return f(scale * code);
}

/** Codes of all numbers and, for each, what stands for it. */
export function quantise(vector: Float32Array, scheme: QuantiseScheme, block: number): Quantised {
  const bits = bitsPerCode[scheme];
  const scales: number[] = [];
  const bytes: number[] = [];
  for (let from = 0; from < vector.length; from += block) {
    const values = Array.from(vector.subarray(from, from + block));
    const scale = scaleOf(values, scheme);
    const codes = values.map((x) => codeOf(x, scale, scheme));
    codes.forEach((code, i) => {
      vector[from + i] = values[i]! + levelOf(code, -scale, scheme);
    });
    const text = codes.map((code) => (code & (2 ** bits - 1)).toString(2).padStart(bits, '0'));
    const perByte = 8 / bits;
    for (let i = 0; i < text.length; i += perByte) {
      bytes.push(
        Number.parseInt(
          text
            .slice(i, i + perByte)
            .reverse()
            .join(''),
          2,
        ),
      );
    }
    scales.push(scale);
  }
  return {
    scheme,
    length: vector.length,
    block,
    scales: Float32Array.from(scales),
    packed: Uint8Array.from(bytes),
  };
}
