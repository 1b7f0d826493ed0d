/** Labels as data: what `starlings start --data` trains on, and what other programs read. */
import { csvLine } from '../../core/csv-line.ts';
import { labelsOf, type RecordLabel } from '../../entries/labels/consensus.ts';
import type { LabelProject } from '../../entries/labels/project.ts';
import type { LabelRecord } from './label-records.ts';

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

type Format = (all: LabelExport) => string;

/** By their names on the command line. */
const labelFormats: Readonly<Record<string, Format>> = {
  table: ({ labelled, features }) =>
    [
      csvLine([...Array.from({ length: features }, (_, at) => columnOf(at)), 'label']),
      ...labelled.map(({ record, label }) => csvLine([...countsOf(record, features), label.label])),
    ]
      .map((line) => `${line}\n`)
      .join(''),
  chat: ({ project, labelled }) =>
    jsonLines(
      labelled.map(({ record, label }) => ({
        messages: [
          { role: 'user', content: `${project.question.text}\n\n${textsOf(record).join('\n\n')}` },
          { role: 'assistant', content: label.label },
        ],
      })),
    ),
  'label-studio': ({ project, labelled }) => {
    const given = new Map<string, { author: string; value: string }[]>();
    for (const { record, author, value } of project.answers)
      given.set(record, [...(given.get(record) ?? []), { author, value }]);
    return jsonLines(
      labelled.map(({ record: { hash, text, other }, label }) => ({
        data: { text, ...(other === null ? {} : { other }), hash, label: label.label, status: label.status },
        annotations: (given.get(hash) ?? []).map(({ author, value }) => ({
          completed_by: author,
          result: [{ from_name: 'label', to_name: 'text', type: 'choices', value: { choices: [value] } }],
        })),
      })),
    );
  },
};

function jsonLines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

function textsOf({ text, other }: LabelRecord): string[] {
  return other === null ? [text] : [text, other];
}

function columnOf(feature: number): string {
  return `w${String(feature).padStart(4, '0')}`;
}

/** How often a word occurs that falls into each column ("feature hashing", Weinberger et al. 2009, without signs). */
function countsOf(record: LabelRecord, features: number): number[] {
  const counts = new Array<number>(features).fill(0);
  for (const text of textsOf(record)) {
    for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu))
      counts[placeOf(word) % features]! += 1;
  }
  return counts;
}

/** FNV-1a over UTF-8, 32 bits. */
function placeOf(word: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(word)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

interface ExportPlan {
  readonly project: LabelProject;
  /** That are to be had. */
  readonly records: readonly LabelRecord[];
  readonly format: string;
  readonly features: number;
  readonly part: number;
  readonly of: number;
}

interface ExportCounts {
  readonly written: number;
  readonly disputed: number;
  /** Records with too few answers, or none. */
  readonly unlabelled: number;
}

/** In the order of hashes, so that shares are alike whoever makes them. */
export function labelledIn(plan: ExportPlan): { readonly text: string; readonly counts: ExportCounts } {
  const { project, records, format, features, part, of } = plan;
  const labels = new Map(labelsOf(project).map((label) => [label.record, label]));
  const inOrder = [...new Map(records.map((record) => [record.hash, record])).values()].sort((a, b) =>
    a.hash < b.hash ? -1 : 1,
  );
  const all = inOrder.flatMap((record): Labelled[] => {
    const label = labels.get(record.hash);
    return label === undefined || label.label === null
      ? []
      : [{ record, label: { ...label, label: label.label } }];
  });
  const labelled = all.filter((_, at) => at % of === part);
  const disputed = inOrder.filter(({ hash }) => labels.get(hash)?.status === 'disputed').length;
  const text = labelFormats[format]!({ project, labelled, features });
  const unlabelled = inOrder.length - all.length - disputed;
  return { text, counts: { written: labelled.length, disputed, unlabelled } };
}
