import * as z from 'zod';
import { accuracy, loss, perplexity } from '../../metrics.ts';
import type { TaskKind } from '../task-kind.ts';

const schema = z.strictObject({
  kind: z.literal('text').describe('the bytes of .txt files'),
  heldOutFraction: z
    .number()
    .min(0.001)
    .max(0.5)
    .default(0.1)
    .describe('the end of each file that is held out for evaluation'),
});
export type TextTask = z.infer<typeof schema>;

/** `open` reads one file or a folder of `.txt` files. */
export const text: TaskKind<typeof schema> = {
  kind: 'text',
  schema,
  examples: [{ kind: 'text', heldOutFraction: 0.1 }],
  files: 'a text file, or a folder of .txt files; the end of each is held out',
  feeds: ['bytes'],
  metrics: [accuracy, loss, perplexity],
  counted: 'bytes',
  open: async (task, model, path) => {
    const { readText } = await import('./text-files.ts');
    return readText(task, model, path);
  },
  writeShares: async (_, request) => {
    const { splitText } = await import('./text-files.ts');
    return splitText(request);
  },
  recognise: async (path) => {
    const { isText } = await import('./inspect-text.ts');
    return (await isText(path)) ? { kind: 'text', heldOutFraction: 0.1 } : null;
  },
  inspect: async (task, path) => {
    const { inspectText } = await import('./inspect-text.ts');
    return inspectText(task, path);
  },
};
