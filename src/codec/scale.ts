/**
 * Log-scale magnitude codes, eight per octave, exact in integers: code c in 1..SCALE_CODE_MAX stands for
 * 2^-26 * 2^((c - 1) / 8), rounded once to a 17-bit mantissa. So a decoded magnitude is an integer number of
 * units of 2^-42 and, having 17 bits, also exactly a float32. Code 0 marks an empty chunk; 225..255 are invalid.
 * The step of 2^(1/8) puts a coded magnitude within 4.5 % of the true one; the range is 1.5e-8 to 3.7.
 */

/** One unit of the fixed-point grid is 2^-UNIT_BITS. */
export const UNIT_BITS = 42;
export const unitsPerOne = 2 ** UNIT_BITS;
export const SCALE_CODE_MAX = 224;

const CODES_PER_OCTAVE = 8;
/** round(65536 * 2^(i / 8)); 65536 units are 2^-26, the smallest magnitude. */
const MANTISSAS = [65536, 71468, 77936, 84990, 92682, 101070, 110218, 120194] as const;

const UNITS = Float64Array.from({ length: SCALE_CODE_MAX + 1 }, (_, code) =>
  code === 0 ? 0 : MANTISSAS[(code - 1) % CODES_PER_OCTAVE]! * 2 ** Math.floor((code - 1) / CODES_PER_OCTAVE),
);

/** Magnitude of a valid code in units of 2^-UNIT_BITS: an exact integer below 2^44; 0 for code 0. */
export function scaleUnits(code: number): number {
  const units = UNITS[code];
  if (units === undefined) {
    throw new RangeError(`a scale code is an integer from 0 to ${SCALE_CODE_MAX}, not ${code}`);
  }
  return units;
}

/** Magnitude of a valid code, exactly representable as float32; 0 for code 0. */
export function scaleValue(code: number): number {
  return scaleUnits(code) * 2 ** -UNIT_BITS;
}

/**
 * The code nearest to `magnitude` (>= 0) in the logarithmic domain, the larger one on a tie; 0 below half of
 * the smallest magnitude, SCALE_CODE_MAX above the largest. Comparisons and products only, no logarithm, so
 * the same code on every engine. @throws RangeError for a negative number or NaN
 */
export function nearestScaleCode(magnitude: number): number {
  if (!(magnitude >= 0)) {
    throw new RangeError(`a magnitude is a number >= 0, not ${magnitude}`);
  }
  if (magnitude < scaleValue(1) / 2) {
    return 0;
  }
  let low = 1;
  let high = SCALE_CODE_MAX;
  while (low < high) {
    const code = (low + high) >> 1;
    // Nearer to code + 1 means above the geometric mean of the two.
    if (magnitude * magnitude >= scaleValue(code) * scaleValue(code + 1)) {
      low = code + 1;
    } else {
      high = code;
    }
  }
  return low;
}
