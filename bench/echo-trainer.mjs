/** A trainer that does nothing: what is left is the way to it and back. */
import { serve } from '../examples/trainers/node/starlings-trainer.mjs';

const parameters = Number(process.argv[2]);

serve({
  name: 'echo',
  version: '1',
  describe: () => ({ parameters }),
  init: () => 'gives back what it is given',
  initial: () => new Float32Array(parameters),
  train: (vector) => ({ vector, loss: 0, samples: 1 }),
  evaluate: () => ({ loss: 0, accuracy: 1, examples: 1 }),
  score: (vectors) => vectors.map(() => 0),
});
