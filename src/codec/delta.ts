/** Deltas of any codec, sparse or dense: what the log, its authors and the fold do with them. */
import { accumulate } from './accumulate.ts';
import type { Compressor } from './compressor.ts';
import { type CompressorSpec, createCompressor } from './create-compressor.ts';
import type { Delta, DeltaCodec, DenseDelta, SparseDelta } from './delta-codec.ts';
import { UNIT_BITS } from './scale.ts';
import { addDecoded, sparseSignCodec, squaredNorm, subtractDecoded } from './sparse-sign.ts';

const unitsPerOne = 2 ** UNIT_BITS;
/** Values of a dense delta are cut to this: a term then stays below 2^44 units, as those of scale.ts. */
const valueMax = 3.75;

/** The codec of a run. `random` (uniform in [0, 1)) is for those that round by chance. @throws RangeError */
export function createDeltaCodec(spec: CompressorSpec, size: number, random: () => number): DeltaCodec {
  if (spec.id === 'sparse-sign') return sparseSignCodec({ size, chunk: spec.chunk, perChunk: spec.perChunk });
  return denseCodec(createCompressor(spec, size), random);
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

/** As `accumulate`, for deltas of one codec: the same bits in any order. */
export function accumulateDeltas(
  units: Float64Array,
  terms: readonly { readonly delta: Delta; readonly multiplier: number }[],
  limit: number,
): void {
  const sparse: { delta: SparseDelta; multiplier: number }[] = [];
  for (const { delta, multiplier } of terms) {
    if (!isDense(delta)) {
      sparse.push({ delta, multiplier });
      continue;
    }
    if (delta.size !== units.length)
      throw new RangeError(`a delta of ${delta.size} does not fit ${units.length}`);
    const factor = Math.abs(multiplier) * unitsPerOne;
    for (let i = 0; i < units.length; i++) {
      const value = delta.values[i]!;
      if (value === 0) continue;
      const magnitude = Math.round(Math.abs(value) * factor);
      units[i] = units[i]! + (value < 0 === multiplier < 0 ? magnitude : -magnitude);
    }
  }
  accumulate(units, sparse, limit);
  if (sparse.length === terms.length) return;
  for (let i = 0; i < units.length; i++) units[i] = Math.max(-limit, Math.min(limit, units[i]!));
}

function isDense(delta: Delta): delta is DenseDelta {
  return 'values' in delta;
}
