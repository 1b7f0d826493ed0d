/** Trains a run's built-in dense network (mlp, logistic-regression) on MNIST-like files in plain JavaScript: slow, and short. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { addNoise, poissonSample, serve, TrainerError } from './starlings-trainer.mjs';

const scored = 128;
let layers = [];
let job = null;
let learned = null;
let heldOut = null;

function readIdx(name, headBytes) {
  const file = join(job.data, name);
  try {
    const bytes = existsSync(file) ? readFileSync(file) : gunzipSync(readFileSync(`${file}.gz`));
    return bytes.subarray(headBytes);
  } catch (error) {
    throw new TrainerError(
      'data',
      `${file}: expected an IDX file, packed or not (${error.code ?? error.message})`,
    );
  }
}

function readSplit(prefix) {
  const pixels = readIdx(`${prefix}-images-idx3-ubyte`, 16);
  const labels = readIdx(`${prefix}-labels-idx1-ubyte`, 8);
  if (labels.length > 0 && pixels.length === labels.length * layers[0].inputs) return { pixels, labels };
  throw new TrainerError(
    'data',
    `${job.data}: ${labels.length} labels and ${pixels.length} pixels do not fit the model`,
  );
}

/** Numbers of the examples of a step: the same for the same stream. */
function draw(stream, step) {
  return Array.from({ length: job.training.batchSize }, (_, index) => {
    const hash = createHash('sha256').update(`${stream}/${step}/${index}`).digest();
    return hash.readUInt32BE(0) % learned.labels.length;
  });
}

/** The values of every layer, the pixels first. */
function forward(weights, { pixels }, row) {
  const values = [
    Float64Array.from(pixels.subarray(row * layers[0].inputs, (row + 1) * layers[0].inputs), (p) => p / 255),
  ];
  layers.forEach(({ inputs, units, kernel, bias }, index) => {
    const out = Float64Array.from(weights.subarray(bias, bias + units));
    for (let input = 0; input < inputs; input++) {
      const value = values[index][input];
      if (value === 0) continue;
      for (let unit = 0; unit < units; unit++) out[unit] += value * weights[kernel + input * units + unit];
    }
    values.push(index + 1 < layers.length ? out.map((value) => Math.max(0, value)) : out);
  });
  return values;
}

function lossOf(logits, label) {
  const top = Math.max(...logits);
  const powers = logits.map((value) => Math.exp(value - top));
  const total = powers.reduce((sum, value) => sum + value, 0);
  return { loss: Math.log(total) + top - logits[label], probabilities: powers.map((value) => value / total) };
}

/** Adds `rate` times the gradient of one example to `sum`; returns its loss. */
function addGradient(weights, row, rate, sum) {
  const values = forward(weights, learned, row);
  const label = learned.labels[row];
  const { loss, probabilities } = lossOf(values.at(-1), label);
  let errors = probabilities;
  errors[label] -= 1;
  for (let index = layers.length - 1; index >= 0; index--) {
    const { inputs, units, kernel, bias } = layers[index];
    const before = new Float64Array(inputs);
    for (let unit = 0; unit < units; unit++) sum[bias + unit] += rate * errors[unit];
    for (let input = 0; input < inputs; input++) {
      const value = values[index][input];
      if (value === 0) continue;
      for (let unit = 0; unit < units; unit++) {
        const at = kernel + input * units + unit;
        sum[at] += rate * value * errors[unit];
        before[input] += weights[at] * errors[unit];
      }
    }
    errors = before;
  }
  return loss;
}

function judge(vector, set, count) {
  let loss = 0;
  let right = 0;
  for (let row = 0; row < count; row++) {
    const logits = forward(vector, set, row).at(-1);
    loss += lossOf(logits, set.labels[row]).loss;
    right += logits.indexOf(Math.max(...logits)) === set.labels[row] ? 1 : 0;
  }
  return { loss: loss / count, accuracy: right / count, examples: count };
}

serve({
  name: 'node-mlp',
  version: '1',
  endsEarly: true,
  describe({ model, layout }) {
    if (!['mlp', 'logistic-regression'].includes(model?.kind)) {
      throw new TrainerError(
        'data',
        'this trainer knows models of kind mlp and logistic-regression, as the `model` of a run',
      );
    }
    layers = layout.flatMap(({ shape: [inputs, units], offset }, index) =>
      index % 2 === 0 ? [{ inputs, units, kernel: offset, bias: layout[index + 1].offset }] : [],
    );
    const { bias, units } = layers.at(-1);
    return { parameters: bias + units };
  },
  init(request) {
    const { task, training } = request;
    if (task.kind !== 'idx-images')
      throw new TrainerError('data', `this trainer reads idx-images, not ${task.kind}`);
    const { optimiser, schedule, clipNorm } = training;
    if (
      optimiser.id !== 'sgd' ||
      optimiser.momentum !== 0 ||
      schedule.id !== 'constant' ||
      clipNorm !== null
    ) {
      throw new TrainerError(
        'data',
        'this trainer does plain SGD: no momentum, no clipNorm, a constant learning rate',
      );
    }
    job = request;
    learned = readSplit('train');
    heldOut = readSplit('t10k');
    return `plain JavaScript in Node ${process.versions.node}`;
  },
  async train(vector, { steps, streamKey }, progress) {
    const { batchSize, learningRate } = job.training;
    let weights = vector;
    let [total, made] = [0, 0];
    for (let step = 0; step < steps; step++) {
      const next = Float64Array.from(weights);
      const rows = draw(streamKey, step);
      const loss = rows.reduce(
        (sum, row) => sum + addGradient(weights, row, -learningRate / batchSize, next),
        0,
      );
      if (!Number.isFinite(loss))
        throw new TrainerError('diverged', `the loss is not a number at step ${step}`);
      weights = next;
      total += loss / batchSize;
      made = step + 1;
      if (await progress(made)) break;
    }
    return { vector: weights, loss: total / made, samples: made * batchSize };
  },
  examples: () => learned.labels.length,
  /** DP-SGD (Abadi et al. 2016): what each example adds is clipped, the sum gets noise, and the divisor does not depend on who takes part. */
  async trainPrivately(vector, { steps, privacy }, progress) {
    const { clipNorm, noiseMultiplier, samplingRate } = privacy;
    const weights = Float64Array.from(vector);
    const expected = samplingRate * learned.labels.length;
    const one = new Float64Array(weights.length);
    const sum = new Float64Array(weights.length);
    let [total, samples] = [0, 0];
    for (let step = 0; step < steps; step++) {
      sum.fill(0);
      for (const row of poissonSample(learned.labels.length, samplingRate)) {
        one.fill(0);
        total += addGradient(weights, row, 1, one);
        samples += 1;
        const shrink = Math.min(
          1,
          clipNorm / Math.sqrt(one.reduce((squares, value) => squares + value * value, 0)),
        );
        for (let at = 0; at < sum.length; at++) sum[at] += shrink * one[at];
      }
      if (!Number.isFinite(total))
        throw new TrainerError('diverged', `the loss is not a number at step ${step}`);
      addNoise(sum, noiseMultiplier * clipNorm);
      for (let at = 0; at < sum.length; at++) weights[at] -= (job.training.learningRate / expected) * sum[at];
      if (await progress(step + 1)) break;
    }
    return { vector: weights, loss: samples === 0 ? 0 : total / samples, samples };
  },
  evaluate: (vector) => judge(vector, heldOut, heldOut.labels.length),
  score: (vectors) =>
    vectors.map((vector) => judge(vector, learned, Math.min(scored, learned.labels.length)).loss),
});
