/** How far annotators agree with each other. Pure functions of a project. */
import { cohenKappa, fleissKappa, krippendorffAlpha } from '../../math/agreement.ts';
import { median } from '../../math/statistics.ts';
import { disagreementsAmong, type LabelStatus, labelsOf, type RecordLabel } from './consensus.ts';
import { type ErrorModel, errorModelOf } from './error-model.ts';
import type { Answer, GoldAnswer, LabelProject } from './project.ts';
import { type Comparison, choicesOf, comparisonOf, type Question, wayOf } from './question.ts';
import { type SpanMatches, spanF1, spanMatches, spansOf } from './spans.ts';

/** Some of so many. */
export interface ShareOf {
  readonly count: number;
  readonly of: number;
}

/** Where suggestions are followed more often than they are hit upon, people are led by them. */
export interface SuggestedShares {
  readonly shown: ShareOf;
  readonly hidden: ShareOf;
}

export interface AnnotatorFigures {
  readonly author: string;
  readonly answers: number;
  readonly skipped: number;
  /** Of an answer, in milliseconds; null where none says. */
  readonly medianMs: number | null;
  /** Share of its answers on labelled records that are the label; null for none. A label is made of its own answer too. */
  readonly asLabelled: number | null;
  /** On records whose right answer was known before it answered. */
  readonly gold: ShareOf;
  /** Answers that are what a model suggested. */
  readonly suggested: SuggestedShares;
  /** How often it is right by Dawid and Skene's model; null where there is none. */
  readonly accuracy: number | null;
}

/** Of records that two or more answered. Null where nothing can be told, and where the question has no such figure. */
interface Coefficients {
  /** Share of pairs of answers that are the same. */
  readonly same: number | null;
  /** Of pairs of answers: twice the spans that both marked alike, by all that they marked. */
  readonly spanF1: number | null;
  readonly kappa: number | null;
}

export interface PairFigures extends Coefficients {
  readonly pair: readonly [string, string];
  /** Records that both answered. */
  readonly records: number;
}

/** What comes of the answers by what each annotator errs on. */
export interface ModelledLabels {
  readonly steps: number;
  readonly hasSettled: boolean;
  /** Records that are something else than by the majority, or have a label that they had not. */
  readonly otherwise: readonly {
    readonly record: string;
    readonly label: string;
    readonly probability: number;
  }[];
}

export interface AgreementReport extends Coefficients {
  /** Krippendorff's, by the metric of the question. */
  readonly alpha: number | null;
  readonly comparison: Comparison;
  /** Records that two or more answered. */
  readonly compared: number;
  readonly annotators: readonly AnnotatorFigures[];
  /** Cohen's kappa among theirs, of each two; of all together it is Fleiss'. */
  readonly pairs: readonly PairFigures[];
  readonly counts: Readonly<Record<LabelStatus, number>>;
  readonly suggested: SuggestedShares;
  readonly disagreements: readonly RecordLabel[];
  /** Null of fewer than three annotators, and where answers are not chosen from a list. */
  readonly modelled: ModelledLabels | null;
}

/** Of pairs there are as many as squares of annotators: more are left out. */
const annotatorsPairedMax = 32;

export function agreementOf(project: LabelProject): AgreementReport {
  const { answers, question } = project;
  const labels = labelsOf(project);
  const model = errorModelOf(project);
  const given = [...Map.groupBy(answers, ({ record }) => record).values()].map((said) =>
    said.map(({ value }) => value),
  );
  const counts = { decided: 0, agreed: 0, disputed: 0, open: 0 };
  for (const { status } of labels) counts[status] += 1;
  const comparison = comparisonOf(question);
  const { values, numbers } = numbered(question, given);
  const metric = comparison === 'spans' || comparison === 'exact' ? null : comparison;
  return {
    alpha: metric && krippendorffAlpha(numbers, values, metric),
    comparison,
    kappa: metric && fleissKappa(numbers, values),
    ...sharesOf(question, given),
    compared: given.filter(({ length }) => length > 1).length,
    annotators: annotatorsOf(project, labels, model),
    pairs: pairsOf(project),
    suggested: suggestedOf(answers),
    counts,
    disagreements: disagreementsAmong(labels),
    modelled: model && modelledOf(model, labels),
  };
}

/** Answers as numbers, where they are chosen from a list. */
function numbered(question: Question, given: readonly (readonly string[])[]) {
  const values = choicesOf(question);
  return { values: values.length, numbers: given.map((said) => said.map((value) => values.indexOf(value))) };
}

function sharesOf(
  question: Question,
  given: readonly (readonly string[])[],
): Pick<Coefficients, 'same' | 'spanF1'> {
  let same = 0;
  let pairs = 0;
  for (const said of given) {
    const counts = new Map<string, number>();
    for (const value of said) counts.set(value, (counts.get(value) ?? 0) + 1);
    for (const count of counts.values()) same += (count * (count - 1)) / 2;
    pairs += (said.length * (said.length - 1)) / 2;
  }
  return { same: pairs === 0 ? null : same / pairs, spanF1: f1Of(question, given) };
}

function f1Of(question: Question, given: readonly (readonly string[])[]): number | null {
  if (wayOf(question) !== 'mark') return null;
  const labels = choicesOf(question).length;
  return spanF1(
    given.map((said): SpanMatches => spanMatches(said.map((value) => spansOf(value, labels) ?? []))),
  );
}

function modelledOf(model: ErrorModel, labels: readonly RecordLabel[]): ModelledLabels {
  const { steps, hasSettled } = model;
  const otherwise = labels.flatMap(({ record, status, label }) => {
    const found = status === 'open' || status === 'decided' ? undefined : model.labels.get(record);
    return found === undefined || found.value === label
      ? []
      : [{ record, label: found.value, probability: found.probability }];
  });
  return { steps, hasSettled, otherwise };
}

function annotatorsOf(
  project: LabelProject,
  labels: readonly RecordLabel[],
  model: ErrorModel | null,
): readonly AnnotatorFigures[] {
  const { answers, skipped } = project;
  const known = new Map(project.gold.map((one) => [one.record, one]));
  const labelled = new Map(labels.flatMap(({ record, label }) => (label === null ? [] : [[record, label]])));
  const answered = Map.groupBy(answers, ({ author }) => author);
  const passed = Map.groupBy(skipped, ({ author }) => author);
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
      gold: onGold(own, known),
      suggested: suggestedOf(own),
      accuracy: model?.accuracies.get(author) ?? null,
    };
  });
}

/** Who knew the answer is not tried, nor who had answered before it was hashed: what is known may have been chosen by that. */
function onGold(own: readonly Answer[], known: ReadonlyMap<string, GoldAnswer>): ShareOf {
  const tried = own.flatMap(({ author, record, value, round }) => {
    const right = known.get(record);
    return right === undefined || right.author === author || round <= right.committed
      ? []
      : [value === right.value];
  });
  return { count: tried.filter((isRight) => isRight).length, of: tried.length };
}

function suggestedOf(answers: readonly Answer[]): SuggestedShares {
  const shareOf = (isShown: boolean): ShareOf => {
    const met = answers.filter(({ suggestion }) => suggestion?.isShown === isShown);
    return { count: met.filter(({ suggestion }) => suggestion!.isSame).length, of: met.length };
  };
  return { shown: shareOf(true), hidden: shareOf(false) };
}

function pairsOf({ answers, question }: LabelProject): readonly PairFigures[] {
  const said = new Map<string, Map<string, string>>();
  for (const { author, record, value } of answers as readonly Answer[]) {
    const own = said.get(author) ?? new Map<string, string>();
    said.set(author, own.set(record, value));
  }
  const isChosen = wayOf(question) === 'choose';
  const authors = [...said.keys()].sort().slice(0, annotatorsPairedMax);
  return authors.flatMap((one, at) =>
    authors.slice(at + 1).map((other): PairFigures => {
      const theirs = said.get(other)!;
      const both = [...said.get(one)!].flatMap(([record, value]) => {
        const again = theirs.get(record);
        return again === undefined ? [] : [[value, again] as const];
      });
      const { values, numbers } = numbered(question, both);
      const kappa = isChosen ? cohenKappa(numbers as [number, number][], values) : null;
      return { pair: [one, other], records: both.length, kappa, ...sharesOf(question, both) };
    }),
  );
}
