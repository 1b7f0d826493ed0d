/** What a file says of its records, as answers to the question of a project. */
import type { GivenAnswer } from '../../../api/label-work.ts';
import { isAnswer, type Question } from '../../../entries/labels/question.ts';
import type { KnownAnswer } from './gold-file.ts';
import type { LabelRecord, ReadRecords } from './label-records.ts';
import { studioAnswer } from './label-studio.ts';
import type { StudioAnnotation } from './studio-annotations.ts';

/** `wrong`: how many are said to be right, and are no answers. */
export function knownAnswers(
  question: Question,
  { records, remarks }: ReadRecords,
): { readonly known: readonly KnownAnswer[]; readonly wrong: number } {
  const said = records.flatMap((record) => {
    const { known, annotations = [] } = remarks.get(record.hash) ?? {};
    const truth = annotations.find(({ isKnown }) => isKnown);
    if (known === undefined && truth === undefined) return [];
    const value = known ?? studioAnswer(question, record, truth!.results);
    return [{ record: record.hash, value: value !== null && isAnswer(question, value) ? value : null }];
  });
  const known = said.flatMap(({ record, value }) => (value === null ? [] : [{ record, value }]));
  return { known, wrong: said.length - known.length };
}

/** Of one of the users of Label Studio, by number or address; the last annotation of each record. */
export function annotationsOf(
  question: Question,
  { records, remarks }: ReadRecords,
  who: string,
): { readonly answers: readonly GivenAnswer[]; readonly wrong: number } {
  const said = records.flatMap((record) => {
    const own = remarks.get(record.hash)?.annotations?.findLast(({ by }) => by.includes(who));
    return own === undefined ? [] : [{ record, own }];
  });
  const answers = said.flatMap(({ record, own }) => answerOf(question, record, own) ?? []);
  return { answers, wrong: said.length - answers.length };
}

/** Users of Label Studio who annotated any of the records, each as the file names it: by number, or address. */
export function annotatorsOf({ remarks }: ReadRecords): readonly string[] {
  const all = [...remarks.values()].flatMap(({ annotations = [] }) =>
    annotations.map(({ by }) => by.join(' or ')),
  );
  return [...new Set(all)].filter((who) => who !== '').sort();
}

function answerOf(
  question: Question,
  record: LabelRecord,
  { isSkipped, results }: StudioAnnotation,
): GivenAnswer | null {
  const value = isSkipped ? null : studioAnswer(question, record, results);
  return value === null && !isSkipped ? null : { record: record.hash, value };
}
