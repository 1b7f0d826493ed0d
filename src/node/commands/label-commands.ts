/** What people do in a run that is a project of annotation: the part of the table of commands that is about it. */
import * as z from 'zod';
import { hex32 } from '../../core/bytes.ts';
import { recordsTop } from '../../entries/labels/batch-kind.ts';
import { type LabelProject, projectOf } from '../../entries/labels/project.ts';
import { choicesOf, valueCharactersMax } from '../../entries/labels/question.ts';
import { NodeError } from '../node-error.ts';
import { amount } from '../words/amount.ts';
import {
  command,
  type NodeCommand,
  type NodeControl,
  path,
  reading,
  run,
  viewOf,
  wholeLog,
  written,
  writtenWithFile,
} from './node-command.ts';

export const LABEL_COMMANDS: readonly NodeCommand[] = [
  command(
    'batch',
    'offer records to the annotators of a project: their file is kept here and handed on',
    z.strictObject({
      run,
      file: path.describe('records as `starlings label import` writes them'),
      name: z.string().min(1).max(63).describe('what it is called'),
      records: z.coerce.number().int().min(1).max(recordsTop).describe('that are in it'),
    }),
    async (control, { file, name, records, ...given }) => {
      const { runId } = viewOf(control, given.run);
      const { blob, ...result } = await writtenWithFile(control, file, {
        ...{ runId, kind: 'batch', refusal: `${name} was not offered` },
        textOf: (kept) => JSON.stringify({ name, records, ...kept }),
      });
      return {
        json: { runId, ...result, ...blob },
        lines: [`offered   ${name}, ${amount(records, 'record')} (${result.entryId})`],
      };
    },
  ),
  reading(
    command(
      'labels',
      'what is asked in a project of annotation, of what, and what everybody has answered',
      z.strictObject({ run }),
      async (control, given) => {
        const { runId } = viewOf(control, given.run);
        const project = await projectIn(control, runId);
        const { question, batches, answers, skipped, rulings, ...rest } = project;
        const { peerKey } = control.summary();
        return {
          json: {
            ...{ runId, peerKey, question, batches, rulings, ...rest },
            ...packed(answers, skipped),
          },
          lines: projectLines(project),
        };
      },
    ),
  ),
  command(
    'decide',
    'say what a record is on which annotators disagree: those alone whom the project names',
    z.strictObject({
      run,
      record: z.string().regex(hex32, 'is no hash of a record'),
      value: z
        .string()
        .min(1)
        .max(valueCharactersMax)
        .describe(
          'an answer as the question has it; spans as JSON: `[[from,to,label],...]`, labels by number from 0',
        ),
      over: z
        .string()
        .min(1)
        .max(valueCharactersMax)
        .optional()
        .describe('the right answer that was told of the record, where it was wrong'),
    }),
    async (control, { record, value, over, ...given }) => {
      const { runId } = viewOf(control, given.run);
      checkTold(await projectIn(control, runId), { record, value, over });
      const result = await written(control, {
        ...{ runId, kind: 'ruling', text: JSON.stringify({ record, value }) },
        refusal: `${record.slice(0, 16)} was not decided`,
      });
      return {
        json: { runId, ...result },
        lines: [`decided   ${record.slice(0, 16)} is ${value.replaceAll(/\s+/g, ' ')} (${result.entryId})`],
      };
    },
  ),
];

interface Decided {
  readonly record: string;
  readonly value: string;
  /** What was told of it, as whoever decides knows it. */
  readonly over: string | undefined;
}

/** What was known before anybody answered is not decided otherwise by mistake. @throws NodeError */
function checkTold({ gold }: LabelProject, { record, value, over }: Decided): void {
  const told = gold.find((one) => one.record === record);
  if (told === undefined || told.value === value || told.value === over) return;
  const quoted = JSON.stringify(told.value);
  throw new NodeError(
    'NOT_PUBLISHED',
    `${record.slice(0, 16)} was not decided: its right answer was told, ${quoted}; where that is wrong, say so with --over ${quoted}`,
  );
}

/** With what is not final yet; of a part of the log nothing is said. @throws NodeError */
async function projectIn(control: NodeControl, runId: string): Promise<LabelProject> {
  await wholeLog(control, runId);
  const project = projectOf((kind) => control.stateOf(runId, kind)?.live);
  if (project !== null) return project;
  throw new NodeError('NO_BLOBS', `run ${runId} is no project of annotation: it logs no answers`);
}

type Suggestion = LabelProject['answers'][number]['suggestion'];

/** There are many of them: authors, records and values are named by their numbers. No value: a record that was skipped. */
const packedSchema = z.object({
  authors: z.array(z.string()),
  records: z.array(z.string()),
  values: z.array(z.string()),
  answers: z.array(
    z.tuple([z.int(), z.int(), z.int().nullable(), z.number().nullable(), z.int(), z.int()] as const),
  ),
});
type Packed = z.infer<typeof packedSchema>;

/** Gives each text a number, the same whenever it comes. */
class Numbering {
  readonly #numbers = new Map<string, number>();

  numberOf(text: string): number {
    const known = this.#numbers.get(text) ?? this.#numbers.size;
    this.#numbers.set(text, known);
    return known;
  }

  get texts(): string[] {
    return [...this.#numbers.keys()];
  }
}

function packed(answers: LabelProject['answers'], skipped: LabelProject['skipped']): Packed {
  const [authors, records, values] = [new Numbering(), new Numbering(), new Numbering()];
  const who = ({ author, record }: { readonly author: string; readonly record: string }) =>
    [authors.numberOf(author), records.numberOf(record)] as const;
  const rows = [
    ...answers.map((row): Packed['answers'][number] => [
      ...([...who(row), values.numberOf(row.value), row.ms] as const),
      ...([row.round, suggestionCode(row.suggestion)] as const),
    ]),
    ...skipped.map((row): Packed['answers'][number] => [...who(row), null, null, 0, 0]),
  ];
  return { authors: authors.texts, records: records.texts, values: values.texts, answers: rows };
}

/** 0 for none, then hidden and another, hidden and the same, shown and another, shown and the same. */
function suggestionCode(suggestion: Suggestion): number {
  return suggestion === null ? 0 : 1 + (suggestion.isShown ? 2 : 0) + (suggestion.isSame ? 1 : 0);
}

function suggestionOf(code: number): Suggestion {
  return code === 0 ? null : { isShown: code > 2, isSame: code % 2 === 0 };
}

/** The other way; `answered` is what `labels` answers in JSON. */
export function projectFrom(answered: Readonly<Record<string, unknown>>): LabelProject {
  const { authors, records, values, answers } = packedSchema.parse(answered);
  const rows = answers.map(([author, record, value, ms, round, code]) => ({
    ...{ author: authors[author]!, record: records[record]!, value: value === null ? null : values[value]! },
    ...{ ms, round, suggestion: suggestionOf(code) },
  }));
  return {
    ...(answered as unknown as LabelProject),
    answers: rows.flatMap(({ value, ...row }) => (value === null ? [] : [{ ...row, value }])),
    skipped: rows.flatMap(({ author, record, value }) => (value === null ? [{ author, record }] : [])),
  };
}

function projectLines(project: LabelProject): string[] {
  const { question, answersMin, batches, answers, rulings, gold, goldHidden, refused } = project;
  const records = batches.reduce((sum, batch) => sum + batch.records, 0);
  const authors = new Set(answers.map(({ author }) => author)).size;
  return [
    `question  ${question.text} (${choicesOf(question).join(', ') || 'free text'}), by ${amount(answersMin, 'annotator')} or more`,
    ...batches.map(
      ({ name, records: count, author }) =>
        `batch     ${name}, ${amount(count, 'record')}, by ${author.slice(0, 8)}`,
    ),
    `answers   ${answers.length} of ${amount(authors, 'annotator')} on ${amount(records, 'record')}, ${rulings.length} decided`,
    ...(goldHidden.length + gold.length > 0
      ? [
          `known     ${amount(gold.length, 'record')} by right answer; ${amount(goldHidden.length, 'list')} not told yet`,
        ]
      : []),
    ...refused.map(
      ({ kind, author, what, reason }) => `refused   ${kind} of ${what} by ${author.slice(0, 8)}: ${reason}`,
    ),
  ];
}
