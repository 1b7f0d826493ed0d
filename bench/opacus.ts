/**
 * Our DP-SGD beside that of Opacus at the same settings: `npm run bench:opacus`. MNIST, MLP 784-64-10 from the same start vector, the same sampling rate,
 * clip norm, noise and steps. Needs a Python with PyTorch and Opacus: STARLINGS_PYTHON, or what scripts/python-environment.sh made.
 */
import { parseArgs } from 'node:util';
import { oneOfEach, opacusPython, withoutOpacus } from '../test/python/opacus.ts';

const { values } = parseArgs({
  options: {
    batch: { type: 'string', default: '1024' },
    steps: { type: 'string', default: '600' },
    rate: { type: 'string', default: '2' },
    clip: { type: 'string', default: '1' },
    epsilon: { type: 'string', default: '3' },
    runs: { type: 'string', default: '2' },
  },
});
if (withoutOpacus !== false) {
  console.error(withoutOpacus);
  process.exit(1);
}
const settings = {
  ...{ batchSize: Number(values.batch), steps: Number(values.steps), learningRate: Number(values.rate) },
  ...{ clipNorm: Number(values.clip), epsilon: Number(values.epsilon), delta: 1e-5 },
};
console.log(`${opacusPython}; ${JSON.stringify(settings)}`);
const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
for (let run = 1; run <= Number(values.runs); run++) {
  const { ours, opacus, noiseMultiplier } = await oneOfEach(settings, run);
  console.log(`run ${run}, noise ${noiseMultiplier}: ours ${percent(ours)}, Opacus ${percent(opacus)}`);
}
