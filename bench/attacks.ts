/**
 * What can be read off a training, with and without noise: `npm run bench:attacks`, with `-- --png FILE` for a picture (rows: ten digits; what their
 * deltas show; what the signs that are sent show; both with DP-SGD). Then how much an audit proves of what the accountant says.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { epsilonOfSteps } from '../src/math/renyi-accountant.ts';
import { mean } from '../src/math/statistics.ts';
import {
  asSent,
  deltaOf,
  inverted,
  pictureOf,
  similarity,
  tenDigits,
} from '../test/learning/private/gradient-inversion.ts';
import { audited } from '../test/learning/private/privacy-audit.ts';

const { values } = parseArgs({
  options: {
    png: { type: 'string' },
    noise: { type: 'string', default: '1' },
    trainings: { type: 'string', default: '1000' },
  },
});
const noiseMultiplier = Number(values.noise);
const privacy = { clipNorm: 1, noiseMultiplier };
const digits = await tenDigits();
const all = (delta: Float32Array): Float32Array => delta;
const epsilon = epsilonOfSteps({ rate: 1, noiseMultiplier }, 1, 1e-5).toFixed(2);
const attacks = [
  { what: 'the delta of one step with one digit', send: all },
  { what: 'its signs, as they are sent', send: asSent },
  { what: `the delta with noise ${noiseMultiplier} (epsilon ${epsilon} for this step)`, send: all, privacy },
  { what: 'its signs', send: asSent, privacy },
];
const rows: ArrayLike<number>[][] = [digits.map(({ pixels }) => pixels)];
console.log('similarity (correlation) of the digit that is read out of');
for (const attack of attacks) {
  const images: Float64Array[] = [];
  for (const digit of digits) images.push(inverted(attack.send(await deltaOf([digit], attack.privacy))));
  rows.push(images);
  const found = images.map((image, at) => similarity(image, digits[at]!.pixels));
  console.log(`  ${attack.what}: mean ${mean(found).toFixed(3)}, most ${Math.max(...found).toFixed(3)}`);
}
if (values.png !== undefined) await writeFile(values.png, pictureOf(rows));

console.log('epsilon at delta 1e-5 by the accountant, and proven at least by guesses');
for (const settings of [
  { examples: 4, batchSize: 4, steps: 1, noiseMultiplier: 1 },
  { examples: 8, batchSize: 4, steps: 4, noiseMultiplier: 0.7 },
]) {
  const audit = await audited(settings, Number(values.trainings));
  const { steps, batchSize, examples, noiseMultiplier: noise } = settings;
  console.log(
    `  ${steps} steps with ${batchSize} of ${examples} at noise ${noise}: ${audit.epsilon.toFixed(2)}, ${audit.atLeast.toFixed(2)}`,
  );
}
