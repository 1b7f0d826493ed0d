/** Labels as data: what `starlings start --data` trains on, and what other programs read. */
import { csvLine, spreadsheetLine, spreadsheetWord } from '../../../core/csv-line.ts';
import { type LabelRule, labelsOf, type RecordLabel } from '../../../entries/labels/consensus.ts';
import type { LabelProject } from '../../../entries/labels/project.ts';
import { type AnswerWay, choicesOf, type Question, wayOf } from '../../../entries/labels/question.ts';
import { spansFit, spansOf } from '../../../entries/labels/spans.ts';
import type { LabelRecord } from './label-records.ts';
import { studioResults } from './label-studio.ts';
import { textsOf, wordColumns, wordCounts } from './word-counts.ts';

interface Labelled {
  readonly record: LabelRecord;
  readonly label: RecordLabel & { readonly label: string };
}

interface LabelExport {
  readonly project: LabelProject;
  readonly labelled: readonly Labelled[];
  /** Columns that words are counted in. */
  readonly features: number;
}

interface Format {
  /** Answers that it has room for. */
  readonly ways: readonly AnswerWay[];
  write(all: LabelExport): string;
}

const all: readonly AnswerWay[] = ['choose', 'mark', 'write'];

/** By their names on the command line. */
const labelFormats = {
  table: {
    ways: ['choose'],
    write: ({ labelled, features }) =>
      [
        csvLine([...wordColumns(features), 'label']),
        ...labelled.map(({ record, label }) =>
          spreadsheetLine([...wordCounts(record, features), label.label]),
        ),
      ]
        .map((line) => `${line}\n`)
        .join(''),
  },
  chat: {
    ways: all,
    write: ({ project: { question }, labelled }) =>
      jsonLines(
        labelled.map(({ record, label }) => ({
          messages: [
            { role: 'user', content: `${question.text}\n\n${textsOf(record).join('\n\n')}` },
            { role: 'assistant', content: spoken(question, record, label.label) },
          ],
        })),
      ),
  },
  'label-studio': { ways: all, write: (given) => `${JSON.stringify(studioTasks(given), null, 1)}\n` },
  'label-studio-lines': { ways: all, write: (given) => jsonLines(studioTasks(given)) },
} as const satisfies Readonly<Record<string, Format>>;
export type LabelFormat = keyof typeof labelFormats;

const usual: Readonly<Record<AnswerWay, LabelFormat>> = {
  choose: 'table',
  mark: 'label-studio',
  write: 'chat',
};

/** Where none is asked for: what nodes of ours train on. */
export function usualFormat(question: Question): LabelFormat {
  return usual[wayOf(question)];
}

export function formatTakes(format: LabelFormat, question: Question): boolean {
  return (labelFormats[format].ways as readonly AnswerWay[]).includes(wayOf(question));
}

/** Without `completed_by`: Label Studio takes no task that names a user it does not have. */
function studioTasks({ project, labelled }: LabelExport): readonly object[] {
  const given = Map.groupBy(project.answers, ({ record }) => record);
  return labelled.map(({ record, label }) => {
    const { hash, text, other } = record;
    return {
      data: { text, ...(other === null ? {} : { other }), hash, label: label.label, status: label.status },
      annotations: (given.get(hash) ?? []).map(({ author, value }) => ({
        meta: { author },
        result: studioResults(project.question, record, value),
      })),
    };
  });
}

/** What a language model is to say. */
function spoken(question: Question, { text }: LabelRecord, label: string): string {
  if (wayOf(question) !== 'mark') return label;
  const spans = spansOf(label, choicesOf(question).length) ?? [];
  if (spans.length === 0) return 'none';
  return spans.map(([from, to, of]) => `${choicesOf(question)[of]}: ${text.slice(from, to)}`).join('\n');
}

function jsonLines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** The answer that a class of an exported table stands for; null for none. */
export function choiceOf(choices: readonly string[], name: string): string | null {
  return choices.find((choice) => choice === name || spreadsheetWord(choice) === name) ?? null;
}

interface ExportPlan {
  readonly project: LabelProject;
  /** That are to be had. */
  readonly records: readonly LabelRecord[];
  readonly rule: LabelRule;
  readonly format: LabelFormat;
  readonly features: number;
  readonly part: number;
  readonly of: number;
}

interface ExportCounts {
  readonly written: number;
  readonly disputed: number;
  /** Records with too few answers, or none. */
  readonly unlabelled: number;
  /** Whose label marks what is not in their text. */
  readonly unfit: number;
}

/** In the order of hashes, so that shares are alike whoever makes them. @throws RangeError as `labelsOf` */
export function labelledIn(plan: ExportPlan): { readonly text: string; readonly counts: ExportCounts } {
  const { project, records, rule, format, features, part, of } = plan;
  const { question } = project;
  const labels = new Map(labelsOf(project, rule).map((label) => [label.record, label]));
  const inOrder = [...new Map(records.map((record) => [record.hash, record])).values()].sort((a, b) =>
    a.hash < b.hash ? -1 : 1,
  );
  const found = inOrder.flatMap((record): Labelled[] => {
    const label = labels.get(record.hash);
    return label === undefined || label.label === null
      ? []
      : [{ record, label: { ...label, label: label.label } }];
  });
  const fit = found.filter(({ record, label }) => labelFits(question, record, label.label));
  const labelled = fit.filter((_, at) => at % of === part);
  const disputed = inOrder.filter(({ hash }) => labels.get(hash)?.status === 'disputed').length;
  return {
    text: labelFormats[format].write({ project, labelled, features }),
    counts: {
      written: labelled.length,
      ...{ disputed, unlabelled: inOrder.length - found.length - disputed },
      unfit: found.length - fit.length,
    },
  };
}

/** Who marked spans had the text, or says so. */
function labelFits(question: Question, { text }: LabelRecord, label: string): boolean {
  if (wayOf(question) !== 'mark') return true;
  const spans = spansOf(label, choicesOf(question).length);
  return spans !== null && spansFit(spans, text);
}
