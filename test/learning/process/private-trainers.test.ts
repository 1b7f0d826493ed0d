/** Trainers that make DP-SGD's steps: what the node asks of them, what they do, and those that do not. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { initialVector, vectorHash } from '../../../src/learning/initial.ts';
import type { Learner } from '../../../src/learning/learner.ts';
import { samplingRate } from '../../../src/learning/private/poisson-sample.ts';
import { checkTrainer, type Verdict } from '../../../src/learning/process/check-trainer.ts';
import type { TrainerWork } from '../../../src/learning/process/described-work.ts';
import { ExaminedTrainer } from '../../../src/learning/process/examined-trainer.ts';
import { createProcessLearner } from '../../../src/learning/process/process-learner.ts';
import { wallClock } from '../../../src/platform/node/wall-clock.ts';
import { trainingSchema } from '../../../src/run/run-spec.ts';
import {
  imageModel,
  nodeTrainer,
  numpyTrainer,
  plainTrainer,
  withoutNumpy,
  withoutPython,
  writeImages,
} from './trainers.ts';

const { data } = await writeImages();
const work: TrainerWork = {
  ...{ model: imageModel, task: { kind: 'idx-images' } as const, rounds: 10, seed: 1, dataPath: data },
  training: trainingSchema.parse({ localSteps: 10, batchSize: 12, learningRate: 0.5 }),
};
const numbers: TrainerWork = {
  ...work,
  model: { kind: 'external', parameters: 400, initHash: vectorHash(new Float32Array(400)) },
  task: { kind: 'external', options: {} },
};
const careless = fileURLToPath(new URL('careless-private-trainer.mjs', import.meta.url));
const start = initialVector(imageModel, 1);
const signal = new AbortController().signal;

async function learning<T>(line: string, act: (learner: Learner) => Promise<T>): Promise<T> {
  const learner = await createProcessLearner({ ...work, command: { line }, onPrinted: () => {} });
  try {
    return await act(learner);
  } finally {
    await learner.close();
  }
}

async function verdictOn(line: string, of: TrainerWork = work): Promise<Verdict | undefined> {
  const command = { line };
  const trainer = await ExaminedTrainer.make({ command, clock: wallClock, onPrinted: () => {}, signal });
  const verdicts = new Map<string, Verdict>();
  const onVerdict = (verdict: Verdict) => verdicts.set(verdict.check, verdict);
  try {
    await checkTrainer({
      trainer,
      work: of,
      initHash: null,
      graceMs: 5_000,
      printed: () => 0,
      onVerdict,
      signal,
    });
  } finally {
    await trainer.remove();
  }
  return verdicts.get('protects examples');
}

for (const [name, line, absent] of [
  ['in JavaScript', nodeTrainer, false],
  ['in Python', plainTrainer, withoutPython],
] as const) {
  describe(`a trainer ${name} that knows DP-SGD`, { skip: absent }, () => {
    test('says how many examples it has, and learns where the noise leaves something to learn', () =>
      learning(line, async (learner) => {
        assert.deepEqual(learner.samplingRates, [samplingRate(12, 120)]);
        const train = { parameters: start.slice(), steps: 120, round: 0, streamKey: 'private', share: 0 };
        const { parameters } = await learner.train({
          ...train,
          privacy: { clipNorm: 1, noiseMultiplier: 0.5 },
        });
        const [before, after] = [await learner.evaluate(start), await learner.evaluate(parameters)];
        assert.ok(after.loss < 0.8 * before.loss, `${before.loss} became ${after.loss}`);
      }));

    test('adds the noise that it is told, clips what examples add, and draws again each time', async () => {
      const verdict = await verdictOn(line);
      assert.equal(verdict?.passed, true, verdict?.words);
      assert.match(verdict.words, /where 340 was asked for, and examples that add no more than clipNorm/);
    });
  });
}

describe('trainers that protect nothing', () => {
  test('are refused where examples are to be protected', { skip: withoutNumpy }, () =>
    learning(numpyTrainer, async (learner) => {
      assert.equal(learner.samplingRates, undefined);
      const train = { parameters: start.slice(), steps: 1, round: 0, streamKey: 'x', share: 0 };
      await assert.rejects(
        learner.train({ ...train, privacy: { clipNorm: 1, noiseMultiplier: 1 } }),
        /knows no DP-SGD/,
      );
    }),
  );

  for (const [fault, words] of [
    ['noise', /same noise/],
    ['half', /the noise on a step has deviation 1.. where 340/],
    ['clipping', /examples add .* times clipNorm/],
    ['examples', /does not say how many examples/],
  ] as const) {
    test(`are found out by \`trainer check\`: ${fault}`, async () => {
      const verdict = await verdictOn(`"${process.execPath}" "${careless}" ${fault}`, numbers);
      assert.equal(verdict?.passed, false, verdict?.words);
      assert.match(verdict.words, words);
    });
  }
});
