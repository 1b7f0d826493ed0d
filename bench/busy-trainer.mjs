/** A trainer whose rounds are of arithmetic alone. */
import { serve } from '../examples/trainers/node/starlings-trainer.mjs';
import { work } from './busy-work.ts';

const parameters = Number(process.argv[2]);

serve({
  name: 'busy',
  version: '1',
  describe: () => ({ parameters }),
  init: () => 'passes over a vector',
  initial: () => new Float32Array(parameters),
  train: (vector, { steps }) => ({ vector: work(vector, steps), loss: 0, samples: steps }),
  evaluate: () => ({ loss: 0, accuracy: 1, examples: 1 }),
});
