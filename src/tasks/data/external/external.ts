import * as z from 'zod';
import { DataFileError } from '../../datasets/data-error.ts';
import { accuracy, loss } from '../../metrics.ts';
import type { TaskKind } from '../task-kind.ts';

const schema = z.strictObject({
  kind: z.literal('external').describe('whatever the trainer reads; docs/TRAINERS.md'),
  options: z
    .record(z.string().min(1).max(64), z.union([z.string().max(1024), z.number(), z.boolean()]))
    .default({})
    .describe('told to every trainer of the run as they are: what must be the same at all of them'),
});

export const externalTask: TaskKind<typeof schema> = {
  kind: 'external',
  schema,
  examples: [{ kind: 'external', options: { vocabulary: 320 } }],
  files: 'what its trainer reads',
  feeds: ['opaque'],
  metrics: [accuracy, loss],
  counted: 'answers',
  open: async () => {
    throw new DataFileError(
      'the data of this run is read by its trainer alone: start the node with --trainer "command" (docs/TRAINERS.md)',
    );
  },
};
