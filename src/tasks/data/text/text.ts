import * as z from 'zod';
import { accuracy, loss, perplexity } from '../../metrics.ts';
import type { TaskKind } from '../task-kind.ts';

const schema = z.strictObject({
  kind: z.literal('text').describe('the bytes of .txt files, and of the texts and dialogues in .jsonl files'),
  heldOutFraction: z
    .number()
    .min(0.001)
    .max(0.5)
    .default(0.1)
    .describe('the end of each file that is held out for evaluation'),
  chat: z
    .enum(['chatml', 'plain'])
    .default('chatml')
    .describe(
      'how dialogues of .jsonl files are written: `<|im_start|>role ... <|im_end|>` as Qwen has it, or `role: ...`',
    ),
});
export type ChatTemplate = z.infer<typeof schema>['chat'];
export type TextTask = z.infer<typeof schema>;

/** `open` reads one file or a folder of `.txt` and `.jsonl` files. */
export const text: TaskKind<typeof schema> = {
  kind: 'text',
  schema,
  examples: [{ kind: 'text', heldOutFraction: 0.1, chat: 'chatml' }],
  files:
    'a text file or JSON Lines (.jsonl) of texts or dialogues, or a folder of .txt and .jsonl files; the end of each is held out',
  feeds: ['bytes'],
  metrics: [accuracy, loss, perplexity],
  counted: 'bytes',
  open: async (task, model, path) => {
    const { readText } = await import('./text-files.ts');
    return readText(task, model, path);
  },
  writeShares: async (task, request) => {
    const { splitText } = await import('./text-files.ts');
    return splitText(task, request);
  },
  recognise: async (path) => {
    const { isText } = await import('./inspect-text.ts');
    return (await isText(path)) ? { kind: 'text', heldOutFraction: 0.1, chat: 'chatml' } : null;
  },
  inspect: async (task, path) => {
    const { inspectText } = await import('./inspect-text.ts');
    return inspectText(task, path);
  },
  exampleSize: () => ({ shape: [], outputs: 256 }),
};
