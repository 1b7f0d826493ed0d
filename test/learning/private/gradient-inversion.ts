/**
 * What of an example stands in what one step with it changed. The first layer of a dense network is given away by algebra: the gradient of its
 * kernel is the input times the gradient of its bias (Phong et al., "Privacy-preserving deep learning via additively homomorphic encryption", 2018;
 * "Deep leakage from gradients", Zhu et al. 2019, comes to the same by search, and slower).
 */
import { randomBytes } from 'node:crypto';
import { encode as encodePng } from 'fast-png';
import { addDecoded } from '../../../src/codec/sparse-delta.ts';
import { sparseSignCodec } from '../../../src/codec/sparse-sign-codec.ts';
import { initialVector } from '../../../src/learning/initial.ts';
import type { PrivacyOfTraining } from '../../../src/learning/learner.ts';
import { createTfjsLearner } from '../../../src/learning/tfjs/tfjs-learner.ts';
import { readIdxFolder } from '../../../src/tasks/data/idx-images/idx-folder.ts';
import { mnistFolder } from '../../../src/tasks/data/idx-images/mnist-folder.ts';
import { LabelledRows } from '../../../src/tasks/datasets/labelled-rows.ts';
import { modelSchema } from '../../../src/tasks/models/registry.ts';
import { smallTraining } from '../small-data.ts';

const [inputs, hidden] = [784, 64];
const model = modelSchema.parse({ kind: 'mlp', inputs, hidden: [hidden], outputs: 10 });
const side = 28;

export interface Digit {
  readonly pixels: Float32Array;
  readonly label: number;
}

/** The first of each class among the images to learn from. */
export async function tenDigits(): Promise<Digit[]> {
  const { train } = await readIdxFolder(model, mnistFolder());
  const labels = [...train.labels];
  return Array.from({ length: 10 }, (_, label) => {
    const row = labels.indexOf(label);
    const pixels = Float32Array.from(
      train.inputs.subarray(row * inputs, (row + 1) * inputs),
      (value) => value * train.scale,
    );
    return { pixels, label };
  });
}

/** Start minus end of one step with these as the batch, by the learner that nodes have. */
export async function deltaOf(batch: readonly Digit[], privacy?: PrivacyOfTraining): Promise<Float32Array> {
  const rows = new Float32Array(batch.length * inputs);
  batch.forEach(({ pixels }, at) => {
    rows.set(pixels, at * inputs);
  });
  const labels = Int32Array.from(batch, ({ label }) => label);
  const share = new LabelledRows({ features: inputs, inputs: rows, scale: 1, labels });
  const learner = await createTfjsLearner({
    ...{ model, training: { ...smallTraining, batchSize: batch.length }, rounds: 1, backend: 'wasm' },
    ...{ shares: [share], heldOut: share },
  });
  try {
    const parameters = initialVector(model, 1);
    const streamKey = randomBytes(8).toString('hex');
    const trained = await learner.train({ parameters, steps: 1, round: 0, streamKey, share: 0, privacy });
    return parameters.map((value, at) => value - trained.parameters[at]!);
  } finally {
    await learner.close();
  }
}

/** As the default compressor sends it: signs of the largest, a scale for each chunk. */
export function asSent(delta: Float32Array): Float32Array {
  const codec = sparseSignCodec({ size: delta.length, chunk: 4096, perChunk: 64 });
  const sent = new Float32Array(delta.length);
  addDecoded(sent, codec.decode(codec.encode(codec.select(delta))));
  return sent;
}

/**
 * The input that explains the delta of the first layer best: its leading singular vector, by the power method from what the gradient of the bias points at.
 * Of one example that is the image itself; the sign is that of most of its weight, for pixels are not negative.
 */
export function inverted(delta: Float32Array): Float64Array {
  let units = Float64Array.from({ length: hidden }, (_, unit) => delta[inputs * hidden + unit]! || 1e-9);
  let image = new Float64Array(inputs);
  for (let turn = 0; turn < 50; turn++) {
    image = Float64Array.from({ length: inputs }, (_, pixel) =>
      units.reduce((sum, weight, unit) => sum + weight * delta[pixel * hidden + unit]!, 0),
    );
    const norm = Math.hypot(...image) || 1;
    image = image.map((value) => value / norm);
    units = units.map((_, unit) =>
      image.reduce((sum, value, pixel) => sum + value * delta[pixel * hidden + unit]!, 0),
    );
  }
  const total = image.reduce((sum, value) => sum + value, 0);
  return total < 0 ? image.map((value) => -value) : image;
}

/** Pearson's correlation of two images: 1 is the same but for brightness and contrast, 0 has nothing of it. */
export function similarity(one: ArrayLike<number>, other: ArrayLike<number>): number {
  const centred = (image: ArrayLike<number>): number[] => {
    const values = Array.from(image);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.map((value) => value - mean);
  };
  const [a, b] = [centred(one), centred(other)];
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, at) => sum + value * y[at]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b) || 1);
}

/** Images in rows, each from its darkest to its brightest. */
export function pictureOf(rows: readonly (readonly ArrayLike<number>[])[]): Uint8Array {
  const [width, height] = [side * Math.max(...rows.map((row) => row.length)), side * rows.length];
  const data = new Uint8Array(width * height);
  rows.forEach((row, down) => {
    row.forEach((image, right) => {
      const values = Array.from(image);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      values.forEach((value, at) => {
        const [y, x] = [down * side + Math.floor(at / side), right * side + (at % side)];
        data[y * width + x] = (255 * (value - low)) / (high - low || 1);
      });
    });
  });
  return encodePng({ width, height, data, channels: 1, depth: 8 });
}
