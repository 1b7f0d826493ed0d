/**
 * Speed and size of the default codec: `npm run bench:codec`, with `-- --json` for machines. Every time is also
 * given as a ratio to copying the dense float32 vector (`Float32Array.set`) in the same run, which travels better
 * between machines than milliseconds do.
 */
import { parseArgs } from 'node:util';
import { accumulate } from '../src/codec/accumulate.ts';
import { sparseSignCodec } from '../src/codec/sparse-sign-codec.ts';
import { rngFor } from '../src/math/rng.ts';
import { measure } from './measure.ts';

const SIZE = 10_000_000;
const CHUNK = 4096;
const PER_CHUNK = 64;
const RUNS = { warmUp: 3, counted: 15 };
const BYTES_PER_GB = 1e9;

/** Bits per index that no code for uniformly random k-subsets and signs can beat: log2 C(n, k) / k + 1. */
function boundBitsPerIndex(n: number, k: number): number {
  let bits = 0;
  for (let i = 0; i < k; i++) {
    bits += Math.log2((n - i) / (k - i));
  }
  return bits / k + 1;
}

/** Normal values with another scale in every chunk, as residuals of different layers have. */
function input(): Float32Array {
  const rng = rngFor('bench/codec');
  const vector = new Float32Array(SIZE);
  let scale = 0;
  for (let i = 0; i < SIZE; i++) {
    if (i % CHUNK === 0) {
      scale = 0.01 * 2 ** rng.uniform(-2, 2);
    }
    vector[i] = scale * (rng.float() + rng.float() + rng.float() + rng.float() - 2);
  }
  return vector;
}

const vector = input();
const codec = sparseSignCodec({ size: SIZE, chunk: CHUNK, perChunk: PER_CHUNK });
const delta = codec.select(vector);
const body = codec.encode(delta);
const copy = new Float32Array(SIZE);
const units = new Float64Array(SIZE);

const measurements = measure(
  {
    memcpy: () => copy.set(vector),
    select: () => void codec.select(vector),
    encode: () => void codec.encode(delta),
    'select+encode': () => void codec.encode(codec.select(vector)),
    decode: () => void codec.decode(body),
    'decode+accumulate': () => accumulate(units, [{ delta: codec.decode(body), multiplier: 0.25 }]),
  },
  'memcpy',
  RUNS,
);

const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
if (options.json) {
  console.log(JSON.stringify(measurements, null, 2));
} else {
  console.log(`${SIZE} parameters, ${PER_CHUNK} of ${CHUNK}, median of ${RUNS.counted} runs\n`);
  console.log('task                      ms   GB/s of float32   times memcpy');
  for (const { name, medianMs, ratio } of measurements) {
    const gigabytesPerSecond = (SIZE * 4) / BYTES_PER_GB / (medianMs / 1000);
    console.log(
      name.padEnd(18),
      medianMs.toFixed(2).padStart(9),
      gigabytesPerSecond.toFixed(2).padStart(17),
      ratio.toFixed(2).padStart(14),
    );
  }
  const bits = body.length * 8;
  const chunkBound = (boundBitsPerIndex(CHUNK, PER_CHUNK) * PER_CHUNK) / CHUNK;
  console.log(
    `\nbody: ${body.length} bytes, ${(bits / SIZE).toFixed(5)} bit per parameter, ` +
      `${((32 * SIZE) / bits).toFixed(1)} times below float32`,
  );
  console.log(
    `per index: ${(bits / delta.indices.length).toFixed(4)} bits, scale codes included; ` +
      `bound log2 C(n, k) / k + 1: ${boundBitsPerIndex(CHUNK, PER_CHUNK).toFixed(4)} ` +
      `(${chunkBound.toFixed(5)} bit per parameter, ${(32 / chunkBound).toFixed(1)} times)`,
  );
}
