/** What annotators come to together: a label for each record, and how far they agree. Pure functions of a project. */
import { cohenKappa, fleissKappa, krippendorffAlpha } from '../../math/agreement.ts';
import { median } from '../../math/statistics.ts';
import type { Answer, LabelProject } from './project.ts';
import { metricOf, valuesOf } from './question.ts';

/**
 * `decided`: by an adjudicator. `agreed`: enough answered, and more than half of them alike. `disputed`: enough answered, and no value has more
 * than half. `open`: too few answered.
 */
export type LabelStatus = 'decided' | 'agreed' | 'disputed' | 'open';

export interface RecordLabel {
  readonly record: string;
  readonly status: LabelStatus;
  /** Null where it is disputed or open. */
  readonly label: string | null;
  /** How often each value was answered; those of which none was are left out. */
  readonly tally: Readonly<Record<string, number>>;
  readonly answers: number;
}

/** Of all records that somebody answered or decided, in the order of their hashes. */
export function labelsOf({ answers, rulings, answersMin }: LabelProject): readonly RecordLabel[] {
  const decided = new Map(rulings.map(({ record, value }) => [record, value]));
  const given = groupedBy(answers, 'record');
  for (const record of decided.keys()) if (!given.has(record)) given.set(record, []);
  return [...given]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([record, said]): RecordLabel => {
      const counts = new Map<string, number>();
      for (const { value } of said) counts.set(value, (counts.get(value) ?? 0) + 1);
      const most = [...counts].find(([, count]) => 2 * count > said.length)?.[0] ?? null;
      const ruling = decided.get(record);
      const about = { record, tally: Object.fromEntries(counts), answers: said.length };
      if (ruling !== undefined) return { ...about, status: 'decided', label: ruling };
      if (said.length < answersMin) return { ...about, status: 'open', label: null };
      return most === null
        ? { ...about, status: 'disputed', label: null }
        : { ...about, status: 'agreed', label: most };
    });
}

/** In one pass: in an open project there may be as many annotators as answers. */
function groupedBy<Key extends 'record' | 'author', Row extends Pick<Answer, Key>>(
  rows: readonly Row[],
  key: Key,
): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(row[key]);
    if (group) group.push(row);
    else groups.set(row[key], [row]);
  }
  return groups;
}

export interface AnnotatorFigures {
  readonly author: string;
  readonly answers: number;
  readonly skipped: number;
  /** Of an answer, in milliseconds; null where none says. */
  readonly medianMs: number | null;
  /** Share of its answers on labelled records that are the label; null for none. A label is made of its own answer too. */
  readonly asLabelled: number | null;
}

export interface PairFigures {
  readonly pair: readonly [string, string];
  /** Records that both answered. */
  readonly records: number;
  readonly kappa: number | null;
}

export interface AgreementReport {
  /** Krippendorff's, by the metric of the question; null where nothing can be told. */
  readonly alpha: number | null;
  readonly metric: string;
  /** Fleiss'. */
  readonly kappa: number | null;
  /** Records that two or more answered. */
  readonly compared: number;
  readonly annotators: readonly AnnotatorFigures[];
  /** Cohen's, of each two. */
  readonly pairs: readonly PairFigures[];
  readonly counts: Readonly<Record<LabelStatus, number>>;
  /** Records on which not all said the same and nobody has decided: disputed ones first, then those that are nearest to it. */
  readonly disagreements: readonly RecordLabel[];
}

/** Of pairs there are as many as squares of annotators: more are left out. */
const annotatorsPairedMax = 32;

export function agreementOf(project: LabelProject): AgreementReport {
  const { answers, question } = project;
  const values = valuesOf(question);
  const labels = labelsOf(project);
  const given = [...groupedBy(answers, 'record').values()].map((said) =>
    said.map(({ value }) => values.indexOf(value)),
  );
  const counts = { decided: 0, agreed: 0, disputed: 0, open: 0 };
  for (const { status } of labels) counts[status] += 1;
  return {
    alpha: krippendorffAlpha(given, values.length, metricOf(question)),
    metric: metricOf(question),
    kappa: fleissKappa(given, values.length),
    compared: given.filter(({ length }) => length > 1).length,
    annotators: annotatorsOf(project, labels),
    pairs: pairsOf(answers, values),
    counts,
    disagreements: labels
      .filter(({ status, tally }) => status !== 'decided' && Object.keys(tally).length > 1)
      .sort((a, b) => marginOf(a) - marginOf(b) || (a.record < b.record ? -1 : 1)),
  };
}

/** Answers by which the most frequent value is ahead of the next, as a share of all. */
function marginOf({ tally, answers }: RecordLabel): number {
  const [most = 0, next = 0] = Object.values(tally).sort((a, b) => b - a);
  return (most - next) / answers;
}

function annotatorsOf(
  { answers, skipped }: LabelProject,
  labels: readonly RecordLabel[],
): readonly AnnotatorFigures[] {
  const labelled = new Map(labels.flatMap(({ record, label }) => (label === null ? [] : [[record, label]])));
  const answered = groupedBy(answers, 'author');
  const passed = groupedBy(skipped, 'author');
  const authors = [...new Set([...answered.keys(), ...passed.keys()])].sort();
  return authors.map((author) => {
    const own = answered.get(author) ?? [];
    const times = own.flatMap(({ ms }) => ms ?? []);
    const judged = own.filter(({ record }) => labelled.has(record));
    const same = judged.filter(({ record, value }) => labelled.get(record) === value).length;
    return {
      ...{ author, answers: own.length },
      skipped: passed.get(author)?.length ?? 0,
      medianMs: times.length === 0 ? null : median(times),
      asLabelled: judged.length === 0 ? null : same / judged.length,
    };
  });
}

function pairsOf(answers: readonly Answer[], values: readonly string[]): readonly PairFigures[] {
  const said = new Map<string, Map<string, number>>();
  for (const { author, record, value } of answers) {
    const own = said.get(author) ?? new Map<string, number>();
    said.set(author, own.set(record, values.indexOf(value)));
  }
  const authors = [...said.keys()].sort().slice(0, annotatorsPairedMax);
  return authors.flatMap((one, at) =>
    authors.slice(at + 1).map((other): PairFigures => {
      const theirs = said.get(other)!;
      const both = [...said.get(one)!].flatMap(([record, value]) => {
        const again = theirs.get(record);
        return again === undefined ? [] : [[value, again] as const];
      });
      return { pair: [one, other], records: both.length, kappa: cohenKappa(both, values.length) };
    }),
  );
}
