/** What annotators come to together: a label for each record. Pure functions of a project. */
import { errorModelOf, needsAnnotators } from './error-model.ts';
import type { LabelProject } from './project.ts';
import { choicesOf, type Question, wayOf } from './question.ts';
import { majoritySpans, spansOf, spansText } from './spans.ts';

/**
 * `decided`: by an adjudicator, or known before anybody answered. `agreed`: enough answered, and the rule comes to one value. `disputed`: enough answered, and it does not. `open`:
 * too few answered.
 */
export type LabelStatus = 'decided' | 'agreed' | 'disputed' | 'open';

/** Which value the answers come to: the one of more than half of them, or the most probable one by what each annotator errs on. */
export const labelRules = ['majority', 'dawid-skene'] as const;
export type LabelRule = (typeof labelRules)[number];

export interface RecordLabel {
  readonly record: string;
  readonly status: LabelStatus;
  /** Null where it is disputed or open. */
  readonly label: string | null;
  /** How often each value was answered; those of which none was are left out. */
  readonly tally: Readonly<Record<string, number>>;
  readonly answers: number;
}

/** Of all records that somebody answered or decided, in the order of their hashes. @throws RangeError where the rule says nothing of the project */
export function labelsOf(project: LabelProject, rule: LabelRule = 'majority'): readonly RecordLabel[] {
  const { answers, rulings, gold, answersMin } = project;
  const settled = settlerOf(project, rule);
  const decided = new Map([...gold, ...rulings].map(({ record, value }) => [record, value]));
  const given = Map.groupBy(answers, ({ record }) => record);
  for (const record of decided.keys()) if (!given.has(record)) given.set(record, []);
  return [...given]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([record, said]): RecordLabel => {
      const counts = new Map<string, number>();
      for (const { value } of said) counts.set(value, (counts.get(value) ?? 0) + 1);
      const ruling = decided.get(record);
      const about = { record, tally: Object.fromEntries(counts), answers: said.length };
      if (ruling !== undefined) return { ...about, status: 'decided', label: ruling };
      if (said.length < answersMin) return { ...about, status: 'open', label: null };
      const label = settled(record, counts);
      return { ...about, status: label === null ? 'disputed' : 'agreed', label };
    });
}

type Settler = (record: string, counts: ReadonlyMap<string, number>) => string | null;

function settlerOf(project: LabelProject, rule: LabelRule): Settler {
  const { question } = project;
  switch (rule) {
    case 'majority':
      return (_, counts) => majorityOf(question, counts);
    case 'dawid-skene': {
      const model = errorModelOf(project);
      if (model === null) throw new RangeError(needsAnnotators);
      return (record) => {
        const { value, probability } = model.labels.get(record)!;
        return probability > 0.5 ? value : null;
      };
    }
    default:
      return rule satisfies never;
  }
}

/** The value that more than half gave; of spans what more than half marked. Null where there is none. */
function majorityOf(question: Question, counts: ReadonlyMap<string, number>): string | null {
  const answers = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const most = [...counts].find(([, count]) => 2 * count > answers)?.[0] ?? null;
  if (most !== null || wayOf(question) !== 'mark') return most;
  const labels = choicesOf(question).length;
  const all = [...counts].flatMap(([value, count]) =>
    new Array<NonNullable<ReturnType<typeof spansOf>>>(count).fill(spansOf(value, labels) ?? []),
  );
  const spans = majoritySpans(all);
  return spans === null ? null : spansText(spans);
}

/** Records on which not all said the same and nobody has decided: disputed ones first, then those that are nearest to it. */
export function disagreementsAmong(labels: readonly RecordLabel[]): readonly RecordLabel[] {
  const isOff = ({ status }: RecordLabel): number => (status === 'disputed' ? 0 : 1);
  return labels
    .filter(({ status, tally }) => status !== 'decided' && Object.keys(tally).length > 1)
    .sort((a, b) => isOff(a) - isOff(b) || marginOf(a) - marginOf(b) || (a.record < b.record ? -1 : 1));
}

/** Answers by which the most frequent value is ahead of the next, as a share of all. */
function marginOf({ tally, answers }: RecordLabel): number {
  const [most = 0, next = 0] = Object.values(tally).sort((a, b) => b - a);
  return (most - next) / answers;
}
