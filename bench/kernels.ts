/**
 * Speed of the compiled kernels: `npm run bench:kernels`, with `-- --json` for machines. Passes over vectors are given as a
 * ratio to the time that memcpy of this run would take for their traffic (bytes read plus bytes written, each once): 1 is all
 * of the memory bandwidth, 1.67 is 60 percent of it. What makes or reads a delta is counted as a pass over the dense vector that
 * the delta stands for. Matrix products and convolutions are given as a ratio to a product of
 * 512 x 512 matrices of as many operations.
 */
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { accumulate } from '../src/codec/accumulate.ts';
import { sparseSignCodec } from '../src/codec/sparse-sign-codec.ts';
import { absMax, axpy, decayAndAdd, scaledToFloat32, squaredNorm } from '../src/kernels/dense-vectors.ts';
import { addQuantised, type QuantiseScheme, quantise } from '../src/kernels/quantise.ts';
import { rngFor } from '../src/math/rng.ts';
import { startBackend } from '../src/tensor/tfjs-backend.ts';
import { type Measurement, measure } from './measure.ts';

const size = 10_000_000;
const runs = { warmUp: 2, counted: 11 };
const deltas = 16;
const quantiseBlock = 4096;

interface Task {
  readonly run: () => void;
  /** Bytes read and written, or operations. */
  readonly work: number;
}

/** Times the tasks in turn; each ratio is to the reference task, scaled by the work. */
function compare(tasks: Readonly<Record<string, Task>>, reference: string): Measurement[] {
  const runsOf = Object.fromEntries(Object.entries(tasks).map(([name, { run }]) => [name, run]));
  const { work: referenceWork } = tasks[reference]!;
  return measure(runsOf, reference, runs).map((row) => ({
    ...row,
    ratio: (row.ratio * referenceWork) / tasks[row.name]!.work,
  }));
}

function vectorTasks(): Record<string, Task> {
  const vector = (key: string): Float32Array => {
    const values = new Float32Array(size);
    rngFor(`bench/kernels/${key}`).fillUniform(values, -0.01, 0.01);
    return values;
  };
  const [x, y, residual, copy] = [vector('x'), vector('y'), vector('residual'), vector('copy')];
  const units = Float64Array.from(x, (value) => Math.round(value * 2 ** 42));
  const codec = sparseSignCodec({ size, chunk: 4096, perChunk: 64 });
  const terms = Array.from({ length: deltas }, (_, d) => ({
    delta: codec.select(vector(`delta/${d}`)),
    multiplier: 0.1,
  }));
  const delta = terms[0]!.delta;
  const body = codec.encode(delta);
  const [float, double] = [4 * size, 8 * size];
  const sparse = 5 * delta.indices.length;
  const tasks: Record<string, Task> = {
    memcpy: { run: () => copy.set(x), work: 2 * float },
    axpy: { run: () => axpy(1e-6, x, y), work: 3 * float },
    'residual: decay and add': { run: () => decayAndAdd(residual, 0.9, x, y), work: 4 * float },
    'squared norm': { run: () => void squaredNorm(x), work: float },
    'largest magnitude': { run: () => void absMax(x), work: float },
    'units to float32': { run: () => void scaledToFloat32(units, 2 ** -42), work: double + float },
    'delta: top 64 of 4096': { run: () => void codec.select(x), work: float },
    'delta: select and encode': { run: () => void codec.encode(codec.select(x)), work: float },
    'delta: rice encode': { run: () => void codec.encode(delta), work: float },
    'delta: rice decode': { run: () => void codec.decode(body), work: float },
    'delta: decode and fold': {
      run: () => accumulate(units, [{ delta: codec.decode(body), multiplier: 1e-3 }]),
      work: float,
    },
    [`fold of ${deltas} deltas`]: {
      run: () => accumulate(units, terms, 2 ** 52),
      work: 2 * double + deltas * sparse,
    },
  };
  const schemes: readonly QuantiseScheme[] = ['sign', 'two-bit', 'int4', 'int8'];
  for (const scheme of schemes) {
    const quantised = quantise(x.slice(), scheme, quantiseBlock);
    const packed = quantised.packed.length;
    tasks[`quantise: ${scheme}`] = {
      run: () => void quantise(residual, scheme, quantiseBlock),
      work: 2 * float + packed,
    };
    tasks[`add quantised: ${scheme}`] = {
      run: () => addQuantised(y, quantised, 1e-6),
      work: 2 * float + packed,
    };
  }
  return tasks;
}

async function productTasks(): Promise<Record<string, Task>> {
  await startBackend('wasm');
  const product = (
    rows: number,
    depth: number,
    columns: number,
    transposeA = false,
    transposeB = false,
  ): Task => {
    const a = tf.randomUniform<tf.Rank.R2>(transposeA ? [depth, rows] : [rows, depth]);
    const b = tf.randomUniform<tf.Rank.R2>(transposeB ? [columns, depth] : [depth, columns]);
    const work = 2 * rows * depth * columns;
    const repeats = Math.max(1, Math.round(5e7 / work));
    return {
      run: () => {
        for (let i = 0; i < repeats; i++) tf.matMul(a, b, transposeA, transposeB).dispose();
      },
      work: work * repeats,
    };
  };
  const x = tf.randomUniform<tf.Rank.R4>([8, 32, 32, 32]);
  const filter = tf.randomUniform<tf.Rank.R4>([5, 5, 32, 32]);
  const convolve = (x: tf.Tensor, filter: tf.Tensor): tf.Tensor =>
    tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same');
  const forwardWork = 2 * 8 * 32 * 32 * 25 * 32 * 32;
  return {
    'product 512 x 512 x 512': product(512, 512, 512),
    'product 64 x 784 x 256': product(64, 784, 256),
    'product 784 x 64 x 256, first transposed': product(784, 64, 256, true),
    'product 64 x 256 x 784, second transposed': product(64, 256, 784, false, true),
    'product 1024 x 128 x 512': product(1024, 128, 512),
    'convolution 5 x 5, 32 to 32 channels, 8 images of 32 x 32': {
      run: () => convolve(x, filter).dispose(),
      work: forwardWork,
    },
    'the same with both gradients': {
      run: () => {
        const { value, grads } = tf.valueAndGrads((x, filter) => tf.sum(convolve(x!, filter!)))([x, filter]);
        tf.dispose([value, grads]);
      },
      work: 3 * forwardWork,
    },
  };
}

const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const passes = vectorTasks();
const products = await productTasks();
const rows = [...compare(passes, 'memcpy'), ...compare(products, 'product 512 x 512 x 512')];
if (options.json) {
  console.log(JSON.stringify(rows, null, 2));
} else {
  console.log(`${size} parameters, medians of ${runs.counted} runs\n`);
  console.log(`${'kernel'.padEnd(60)}      ms        speed   times the reference's time`);
  for (const { name, medianMs, ratio } of rows) {
    const pass = passes[name];
    const perSecond = (pass ?? products[name]!).work / medianMs / 1e6;
    const speed = `${perSecond.toFixed(1)} ${pass ? 'GB/s' : 'GFLOP/s'}`;
    console.log(
      name.padEnd(60),
      medianMs.toFixed(2).padStart(7),
      speed.padStart(12),
      ratio.toFixed(2).padStart(8),
    );
  }
}
