/** Deltas of any codec, sparse or dense: what the log, its authors and the fold do with them. */
import type { Vector } from '../math/vector.ts';
import { accumulate, accumulateMeans, meanOf, type WeightedDelta } from './accumulate.ts';
import type { Compressor } from './compressor.ts';
import { type CompressorSpec, compressorKind, createContraction } from './compressors/registry.ts';
import type { Delta, DeltaCodec, DenseDelta } from './delta-codec.ts';
import { unitsPerOne } from './scale.ts';
import { addDecoded, innerProduct, squaredNorm, subtractDecoded } from './sparse-delta.ts';

/** Values of a dense delta are cut to this: a term then stays below 2^44 units, as those of scale.ts. */
const valueMax = 3.75;

/** What deltas that name the same coordinate do together: their sum, or their mean over those that name it. */
export type Overlap = 'sum' | 'mean';

/** The codec of a run. `random` (uniform in [0, 1)) is for those that round by chance. @throws RangeError */
export function createDeltaCodec(spec: CompressorSpec, size: number, random: () => number): DeltaCodec {
  const kind = compressorKind(spec);
  return kind.createDeltaCodec?.(spec, size) ?? denseCodec(createContraction(spec, size), random);
}

/** Any compressor as a codec of deltas: what was selected is what its body says. */
function denseCodec(compressor: Compressor, random: () => number): DeltaCodec {
  const decode = (body: Uint8Array): DenseDelta => {
    const values = compressor.decompress(body);
    for (let i = 0; i < values.length; i++) values[i] = Math.max(-valueMax, Math.min(valueMax, values[i]!));
    return { size: compressor.size, values, body };
  };
  return {
    id: compressor.id,
    bodyBytesMax: compressor.bodyBytesMax,
    select: (vector) => decode(compressor.compress(vector, random)),
    encode: (delta) => {
      if (!isDense(delta)) throw new RangeError(`${compressor.id} does not encode sparse deltas`);
      return delta.body;
    },
    decode,
  };
}

/** vector += what is sent. */
export function addDelta(vector: Float32Array | Float64Array, delta: Delta): void {
  if (!isDense(delta)) addDecoded(vector, delta);
  else for (let i = 0; i < vector.length; i++) vector[i] = vector[i]! + delta.values[i]!;
}

/** vector -= what is sent. */
export function subtractDelta(vector: Float32Array | Float64Array, delta: Delta): void {
  if (!isDense(delta)) subtractDecoded(vector, delta);
  else for (let i = 0; i < vector.length; i++) vector[i] = vector[i]! - delta.values[i]!;
}

/** Squared Euclidean norm of what is sent, summed in float64 from the first to the last. */
export function deltaSquaredNorm(delta: Delta): number {
  if (!isDense(delta)) return squaredNorm(delta);
  let sum = 0;
  for (let i = 0; i < delta.values.length; i++) sum += delta.values[i]! * delta.values[i]!;
  return sum;
}

/** Inner product of a vector and what is sent, summed in float64 from the first coordinate to the last. @throws RangeError */
export function deltaInnerProduct(vector: Vector, delta: Delta): number {
  if (!isDense(delta)) return innerProduct(vector, delta);
  if (vector.length !== delta.size) {
    throw new RangeError(`a delta of ${delta.size} coordinates does not fit a vector of ${vector.length}`);
  }
  let sum = 0;
  for (let i = 0; i < delta.values.length; i++) sum += vector[i]! * delta.values[i]!;
  return sum;
}

/** As `accumulate`, for deltas of one codec: the same bits in any order. */
export function accumulateDeltas(
  units: Float64Array,
  terms: readonly { readonly delta: Delta; readonly multiplier: number }[],
  limit: number,
  overlap: Overlap,
): void {
  const sparse: WeightedDelta[] = [];
  const dense: { values: Float32Array; multiplier: number }[] = [];
  for (const { delta, multiplier } of terms) {
    if (!isDense(delta)) sparse.push({ delta, multiplier });
    else if (delta.size === units.length) dense.push({ values: delta.values, multiplier });
    else throw new RangeError(`a delta of ${delta.size} does not fit ${units.length}`);
  }
  if (overlap === 'sum') accumulate(units, sparse, limit);
  else accumulateMeans(units, sparse, limit);
  if (dense.length > 0) accumulateDense(units, dense, limit, overlap);
}

/** A coordinate of value zero is not named. */
function accumulateDense(
  units: Float64Array,
  terms: readonly { readonly values: Float32Array; readonly multiplier: number }[],
  limit: number,
  overlap: Overlap,
): void {
  const factors = terms.map(({ multiplier }) => Math.abs(multiplier) * unitsPerOne);
  for (let i = 0; i < units.length; i++) {
    let sum = 0;
    let count = 0;
    for (let t = 0; t < terms.length; t++) {
      const { values, multiplier } = terms[t]!;
      const value = values[i]!;
      if (value === 0) continue;
      const magnitude = Math.round(Math.abs(value) * factors[t]!);
      sum += value < 0 === multiplier < 0 ? magnitude : -magnitude;
      count++;
    }
    const step = overlap === 'mean' ? meanOf(sum, count) : sum;
    units[i] = Math.max(-limit, Math.min(limit, units[i]! + step));
  }
}

export function isDense(delta: Delta): delta is DenseDelta {
  return 'values' in delta;
}
