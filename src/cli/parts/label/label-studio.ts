/** Answers in the form of Label Studio: what its annotations hold for each kind of question. */
import { choicesOf, isAnswer, type Question, wayOf } from '../../../entries/labels/question.ts';
import { type Span, spansFit, spansOf, spansText } from '../../../entries/labels/spans.ts';
import type { LabelRecord } from './label-records.ts';
import type { StudioResult } from './studio-annotations.ts';

type Said = StudioResult['value'];

interface StudioForm {
  /** Type of its results. */
  readonly type: string;
  /** What an answer is there: none where nothing was marked, and where neither text is preferred. */
  write(value: string, record: LabelRecord, choices: readonly string[]): readonly object[];
  /** The answer that it is; null where it is none. */
  read(said: readonly Said[], record: LabelRecord, choices: readonly string[]): string | null;
}

const forms: Readonly<Record<Question['kind'], StudioForm>> = {
  choice: {
    ...{ type: 'choices', write: (value) => [{ choices: [value] }] },
    read: ([said]) => onlyOf(said?.['choices']),
  },
  rating: {
    ...{ type: 'rating', write: (value) => [{ rating: Number(value) }] },
    read: ([said]) => (typeof said?.['rating'] === 'number' ? String(said['rating']) : null),
  },
  text: {
    ...{ type: 'textarea', write: (value) => [{ text: [value] }] },
    read: ([said]) => wordsOf(said?.['text']),
  },
  preference: {
    type: 'pairwise',
    write: (value) => (value === 'neither' ? [] : [{ selected: value === 'first' ? 'left' : 'right' }]),
    read: ([said]) =>
      said === undefined
        ? 'neither'
        : said['selected'] === 'left'
          ? 'first'
          : said['selected'] === 'right'
            ? 'second'
            : null,
  },
  span: {
    type: 'labels',
    write: (value, { text }, choices) =>
      (spansOf(value, choices.length) ?? []).map(([start, end, label]) => ({
        ...{ start, end, text: text.slice(start, end), labels: [choices[label]!] },
      })),
    read: (said, { text }, choices) => {
      // Of a text with other ends of lines the places are others.
      const isMoved = said.some(
        ({ start, end, text: part }) =>
          typeof part === 'string' && part !== text.slice(Number(start), Number(end)),
      );
      const spans = said.map(
        ({ start, end, labels }): Span => [Number(start), Number(end), choices.indexOf(onlyOf(labels) ?? '')],
      );
      return isMoved ? null : spansText(spans);
    },
  },
};

function onlyOf(given: unknown): string | null {
  return Array.isArray(given) && given.length === 1 && typeof given[0] === 'string' ? given[0] : null;
}

/** One text, or a line of each of several. */
function wordsOf(given: unknown): string | null {
  const lines = Array.isArray(given) ? given : [given];
  return lines.every((line) => typeof line === 'string')
    ? lines.join('\n').replaceAll('\r\n', '\n').trim()
    : null;
}

/** As `<Choices name="label" toName="text">` and the like give it; of a pair the first text is named, for one name is all that its SDK takes. */
const names = { from_name: 'label', to_name: 'text' };

export function studioResults(question: Question, record: LabelRecord, value: string): readonly object[] {
  const { type, write } = forms[question.kind];
  return write(value, record, choicesOf(question)).map((said) => ({
    ...{ ...names, type, value: said },
  }));
}

/** The answer to the question that stands in the results of an annotation; null where none does. */
export function studioAnswer(
  question: Question,
  record: LabelRecord,
  results: readonly StudioResult[],
): string | null {
  const { type, read } = forms[question.kind];
  const own = results.filter((result) => result.type === type);
  // Results of other questions alone: this one was not answered.
  if (own.length === 0 && results.length > 0) return null;
  const choices = choicesOf(question);
  const said = own.map((result) => result.value);
  const value = read(said, record, choices);
  if (value === null || !isAnswer(question, value)) return null;
  const spans = wayOf(question) === 'mark' ? spansOf(value, choices.length)! : [];
  return spansFit(spans, record.text) ? value : null;
}
