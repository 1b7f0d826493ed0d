import * as z from 'zod';
import { DataFileError } from '../../datasets/data-error.ts';
import { loss } from '../../metrics.ts';
import type { TaskKind } from '../task-kind.ts';

const schema = z.strictObject({
  kind: z.literal('nothing').describe('there is none: the run keeps a log and trains nothing'),
});

/** Of a run whose method trains nothing. */
export const nothingTask: TaskKind<typeof schema> = {
  kind: 'nothing',
  schema,
  examples: [{ kind: 'nothing' }],
  files: 'none: such a run trains nothing',
  feeds: ['nothing'],
  metrics: [loss],
  counted: 'examples',
  open: async () => {
    throw new DataFileError('this run keeps a log and trains nothing: it takes no data');
  },
};
