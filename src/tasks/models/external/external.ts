import * as z from 'zod';
import { hex32 } from '../../../core/bytes.ts';
import type { ModelKind } from '../model-kind.ts';
import { count } from '../parts/fields.ts';
import { TrainerNeededError } from './trainer-needed-error.ts';

const hash = z.string().regex(hex32, 'is no SHA-256: 64 hexadecimal digits');

const schema = z.strictObject({
  kind: z
    .literal('external')
    .describe('known to a trainer alone, which each node names for itself (`--trainer`); docs/TRAINERS.md'),
  parameters: count(1, 2 ** 29).describe('float32 numbers of its flat vector'),
  initHash: hash.describe('SHA-256 of the start vector that the trainer builds from the seed'),
  describe: hash
    .optional()
    .describe(
      'hash of what the trainer says of itself, where all must have the same version of the same one',
    ),
});

/** A vector, and nothing else that a node without its trainer could know of. */
export const external: ModelKind<typeof schema> = {
  kind: 'external',
  schema,
  examples: [{ kind: 'external', parameters: 12, initHash: '5a'.repeat(32) }],
  takes: () => 'opaque',
  exampleShape: () => [1],
  outputs: () => 2,
  layout: ({ parameters }, layout) => layout.add('parameters', [parameters], { kind: 'given' }),
  rowsPerPass: 1,
  external: ({ initHash, describe }) => ({ initHash, describe }),
  loadForward: async () => {
    throw new TrainerNeededError('a model of kind external is computed');
  },
};
