import * as z from 'zod';
import { defineMessageAttack } from './message-attack.ts';

export const silent = defineMessageAttack({
  id: 'silent',
  schema: z.strictObject({
    id: z
      .literal('silent')
      .describe('trains nothing and publishes nothing: what attacks are measured against'),
  }),
  examples: [{ id: 'silent' }],
  equivocates: false,
  isSilent: false,
  act: (output) => (output.type === 'train' ? [] : [output]),
});
