/** Texts and dialogues in JSON Lines, as data sets for language models are passed around: an object a line. */
import * as z from 'zod';
import { parseJson } from '../../../core/parse-json.ts';
import { DataFileError } from '../../datasets/data-error.ts';
import type { ChatTemplate } from './text.ts';

interface Turn {
  readonly role: string;
  readonly content: string;
}

const content = z.string();
const role = z.string().min(1).max(64);

/** The forms that records have, each with what it says; a record may hold more fields than are asked for. */
const textSchema = z.object({ text: content }).transform(({ text }) => text);
const dialogueSchemas = [
  /** As the interfaces of OpenAI and of Hugging Face have it. */
  z.object({ messages: z.array(z.object({ role, content })).min(1) }).transform(({ messages }) => messages),
  /** ShareGPT. */
  z
    .object({ conversations: z.array(z.object({ from: role, value: content })).min(1) })
    .transform(({ conversations }) =>
      conversations.map(({ from, value }) => ({ role: shareGptRoles[from] ?? from, content: value })),
    ),
  /** Alpaca. */
  z
    .object({ instruction: content, input: content.optional(), output: content })
    .transform(({ instruction, input, output }) =>
      dialogue(input ? `${instruction}\n\n${input}` : instruction, output),
    ),
  z.object({ prompt: content, completion: content }).transform((one) => dialogue(one.prompt, one.completion)),
  z.object({ question: content, answer: content }).transform((one) => dialogue(one.question, one.answer)),
];

const shareGptRoles: Readonly<Record<string, string>> = { human: 'user', gpt: 'assistant' };

function dialogue(asked: string, answered: string): Turn[] {
  return [
    { role: 'user', content: asked },
    { role: 'assistant', content: answered },
  ];
}

const forms =
  'text, messages, conversations, instruction and output, prompt and completion, or question and answer';

/**
 * The records of `lines` one after the other, each as the template has it. Blank lines are passed over. A line that is no record is told to
 * `refuse`, which may throw; where it returns, the line is left out.
 */
export function renderJsonLines(
  lines: string,
  file: string,
  template: ChatTemplate,
  refuse: (sentence: string) => void = throwFirst,
): string {
  const rendered: string[] = [];
  for (const [index, line] of lines.split('\n').entries()) {
    if (line.trim() === '') continue;
    const record = render(parseJson(index === 0 ? line.replace(/^\uFEFF/, '') : line), template);
    if (record !== null) rendered.push(record);
    else
      refuse(
        `${file}:${index + 1}: expected a JSON object with ${forms}, found '${line.slice(0, 40).trim()}'`,
      );
  }
  return rendered.join('');
}

/** Whether a line is one of the records of text, or at least none of another kind. */
export function isTextRecord(line: string): boolean {
  const record = parseJson(line.replace(/^\uFEFF/, ''));
  return typeof record !== 'object' || record === null || render(record, 'plain') !== null;
}

function throwFirst(sentence: string): never {
  throw new DataFileError(sentence);
}

function render(record: unknown, template: ChatTemplate): string | null {
  const text = textSchema.safeParse(record);
  if (text.success) return `${text.data}\n`;
  for (const schema of dialogueSchemas) {
    const turns = schema.safeParse(record);
    if (turns.success) return templates[template](turns.data);
  }
  return null;
}

const templates: Readonly<Record<ChatTemplate, (turns: readonly Turn[]) => string>> = {
  chatml: (turns) => turns.map((turn) => `<|im_start|>${turn.role}\n${turn.content}<|im_end|>\n`).join(''),
  plain: (turns) => `${turns.map((turn) => `${turn.role}: ${turn.content}\n`).join('')}\n`,
};
