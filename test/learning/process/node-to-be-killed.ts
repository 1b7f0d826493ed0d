/** Has a trainer, tells what that prints, and waits to be killed. */
import { fileURLToPath } from 'node:url';
import { createProcessLearner } from '../../../src/learning/process/process-learner.ts';
import { trainingSchema } from '../../../src/run/run-spec.ts';

const script = fileURLToPath(new URL('some-trainer.mjs', import.meta.url));

const learner = await createProcessLearner({
  command: { line: `"${process.execPath}" "${script}" tells` },
  model: { kind: 'external', parameters: 3, initHash: '00'.repeat(32) },
  task: { kind: 'external', options: {} },
  training: trainingSchema.parse({ localSteps: 4 }),
  ...{ rounds: 10, seed: 1, dataPath: '.' },
  onPrinted: (line) => process.stdout.write(`${line}\n`),
});
setInterval(() => learner.backend, 1000);
