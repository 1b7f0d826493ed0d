import * as z from 'zod';
import type { ModelKind } from '../model-kind.ts';

const schema = z.strictObject({
  kind: z.literal('nothing').describe('there is none: the run keeps a log and trains nothing'),
});

/** Of a run whose method trains nothing. */
export const nothing: ModelKind<typeof schema> = {
  kind: 'nothing',
  schema,
  examples: [{ kind: 'nothing' }],
  takes: () => 'nothing',
  exampleShape: () => [0],
  outputs: () => 0,
  layout: () => {},
  rowsPerPass: 1,
  isNothing: true,
  loadForward: async () => {
    throw new TypeError('there is no model to compute');
  },
};
