/** What annotators err on, and what records are where that is taken into account: Dawid and Skene's model of a project. */
import { type DawidSkene, dawidSkene } from '../../math/dawid-skene.ts';
import type { LabelProject } from './project.ts';
import { choicesOf, wayOf } from './question.ts';

/** Two who differ leave open which of them errs. */
const modelledAnnotatorsMin = 3;
/** Who has answered fewer than these share one row of errors: keys cost nothing, and each row is a square of the values. Guess. */
const ownRowsMax = 256;

export interface ErrorModel {
  /** Of each record that was answered: its most probable value, and how probable it is. */
  readonly labels: ReadonlyMap<string, { readonly value: string; readonly probability: number }>;
  /** How often each annotator is right, as the model has it; of those who share a row the same. */
  readonly accuracies: ReadonlyMap<string, number>;
  readonly steps: number;
  readonly hasSettled: boolean;
}

/** What is to be said where there is no such model. */
export const needsAnnotators =
  'labels by what annotators err on need three annotators who answered, and a question with a list of answers';

/** Without making it, which takes a while. */
export function hasErrorModel({ answers, question }: LabelProject): boolean {
  if (wayOf(question) !== 'choose') return false;
  return new Set(answers.map(({ author }) => author)).size >= modelledAnnotatorsMin;
}

/** Null of fewer than three annotators, and where answers are not chosen from a list. */
export function errorModelOf(project: LabelProject): ErrorModel | null {
  if (!hasErrorModel(project)) return null;
  const { answers, question } = project;
  const values = choicesOf(question);
  const authors = byAnswers(answers);
  // Records in the order of their hashes: the sums are the same on every node.
  const records = [...new Set(answers.map(({ record }) => record))].sort();
  const things = new Map(records.map((record, thing) => [record, thing]));
  const people = new Map(authors.map((author, at) => [author, Math.min(at, ownRowsMax)]));
  const said = answers
    .map(({ author, record, value }) => ({
      thing: things.get(record)!,
      person: people.get(author)!,
      value: values.indexOf(value),
    }))
    .sort((a, b) => a.thing - b.thing || a.person - b.person || a.value - b.value);
  const found = dawidSkene(said, {
    things: records.length,
    people: Math.min(authors.length, ownRowsMax + 1),
    values: values.length,
  });
  return {
    labels: new Map(
      records.map((record, thing) => [record, mostProbable(found.probabilities[thing]!, values)]),
    ),
    accuracies: new Map(authors.map((author) => [author, accuracyOf(found, people.get(author)!)])),
    steps: found.steps,
    hasSettled: found.hasSettled,
  };
}

/** Whoever answered most first. */
function byAnswers(answers: LabelProject['answers']): readonly string[] {
  const counts = new Map<string, number>();
  for (const { author } of answers) counts.set(author, (counts.get(author) ?? 0) + 1);
  return [...counts]
    .sort(([a, some], [b, others]) => others - some || (a < b ? -1 : 1))
    .map(([author]) => author);
}

function mostProbable(row: readonly number[], values: readonly string[]) {
  const probability = Math.max(...row);
  return { value: values[row.indexOf(probability)]!, probability };
}

/** Of the true values that it was seen with, each as often as it is. */
function accuracyOf({ shares, errors }: DawidSkene, person: number): number {
  let right = 0;
  let seen = 0;
  for (const [truth, row] of errors[person]!.entries()) {
    if (row === null) continue;
    right += shares[truth]! * row[truth]!;
    seen += shares[truth]!;
  }
  return seen > 0 ? right / seen : 0;
}
