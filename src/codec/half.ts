/** Numbers of 16 bits: IEEE 754 binary16, and bfloat16, the upper half of a float32. Rounded to nearest, ties to even. */

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

export const float16Max = 65504;

/** Bits of the nearest binary16; magnitudes above `float16Max` are cut to it, -0 is 0. */
export function toFloat16(value: number): number {
  const sign = value < 0 ? 0x8000 : 0;
  const magnitude = Math.min(Math.abs(value), float16Max);
  if (magnitude < 2 ** -14) {
    const steps = roundEven(magnitude * 2 ** 24);
    return steps === 0 ? 0 : sign | steps;
  }
  let exponent = Math.floor(Math.log2(magnitude));
  if (2 ** exponent > magnitude) exponent--;
  else if (2 ** (exponent + 1) <= magnitude) exponent++;
  const steps = roundEven((magnitude / 2 ** exponent) * 1024);
  return Math.min(sign | (((exponent + 15) << 10) + (steps - 1024)), sign | 0x7bff);
}

export function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** Bits of the nearest bfloat16, the largest finite one at most; -0 is 0. */
export function toBfloat16(value: number): number {
  float[0] = value;
  const bits = word[0]!;
  const rounded = (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
  const finite = (rounded & 0x7f80) === 0x7f80 ? (rounded & 0x8000) | 0x7f7f : rounded;
  return finite === 0x8000 ? 0 : finite;
}

export function fromBfloat16(bits: number): number {
  word[0] = bits << 16;
  return float[0]!;
}

function roundEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
