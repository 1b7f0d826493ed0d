/** A trainer of 400 numbers that says that it protects its 120 examples, and does so but for what its argument names. Each pulls all numbers its way, hard. */
import { addNoise, poissonSample, serve } from '../../../examples/trainers/node/starlings-trainer.mjs';

const size = 400;
const fault = process.argv[2];
/** Of no batch they cancel each other. */
const pull = (example) => (example % 5 === 0 ? -31 : 10);
const evaluation = { loss: 1, accuracy: 0, examples: 1 };

const trainer = {
  name: 'careless',
  version: '1',
  describe: () => ({ parameters: size, ...(fault === 'examples' ? { capabilities: ['privacy'] } : {}) }),
  init: () => 'by hand',
  initial: () => new Float32Array(size),
  async train(vector, { steps }, progress) {
    for (let step = 0; step < steps; step++) {
      for (let at = 0; at < size; at++) vector[at] += Math.fround(1 - vector[at]);
      await progress(step + 1);
    }
    return { vector, loss: 1, samples: steps };
  },
  evaluate: () => evaluation,
};

if (fault !== 'examples') {
  trainer.examples = () => 120;
  trainer.trainPrivately = async (vector, { steps, privacy }, progress) => {
    const { clipNorm, noiseMultiplier, samplingRate } = privacy;
    for (let step = 0; step < steps; step++) {
      const sum = new Float64Array(size);
      for (const example of poissonSample(120, samplingRate)) {
        const norm = Math.abs(pull(example)) * Math.sqrt(size);
        const shrink = fault === 'clipping' ? 1 : Math.min(1, clipNorm / norm);
        for (let at = 0; at < size; at++) sum[at] += shrink * pull(example);
      }
      if (fault !== 'noise') addNoise(sum, (fault === 'half' ? 0.5 : 1) * noiseMultiplier * clipNorm);
      else sum.fill(noiseMultiplier * clipNorm);
      for (let at = 0; at < size; at++) vector[at] -= (0.5 / (samplingRate * 120)) * sum[at];
      await progress(step + 1);
    }
    return { vector, loss: 1, samples: steps };
  };
}
serve(trainer);
