/** Answers in the form of Label Studio: what its annotations hold for each kind of question. */
import { choicesOf, type Question } from '../../entries/labels/question.ts';
import { spansOf } from '../../entries/labels/spans.ts';
import type { LabelRecord } from './label-records.ts';

interface StudioForm {
  /** Type of its results. */
  readonly type: string;
  /** Names of the tags that show the record: `<Text name="text">`. */
  readonly to: string;
  /** What an answer is there: none where nothing was marked, and where neither text is preferred. */
  write(value: string, record: LabelRecord, choices: readonly string[]): readonly object[];
}

const forms: Readonly<Record<Question['kind'], StudioForm>> = {
  choice: { type: 'choices', to: 'text', write: (value) => [{ choices: [value] }] },
  rating: { type: 'rating', to: 'text', write: (value) => [{ rating: Number(value) }] },
  text: { type: 'textarea', to: 'text', write: (value) => [{ text: [value] }] },
  preference: {
    type: 'pairwise',
    to: 'text,other',
    write: (value) => (value === 'neither' ? [] : [{ selected: value === 'first' ? 'left' : 'right' }]),
  },
  span: {
    type: 'labels',
    to: 'text',
    write: (value, { text }, choices) =>
      (spansOf(value, choices.length) ?? []).map(([start, end, label]) => ({
        ...{ start, end, text: text.slice(start, end), labels: [choices[label]!] },
      })),
  },
};

/** `<Choices name="label" toName="text">` and the like give it. */
const from_name = 'label';

export function studioResults(question: Question, record: LabelRecord, value: string): readonly object[] {
  const { type, to, write } = forms[question.kind];
  return write(value, record, choicesOf(question)).map((said) => ({
    ...{ from_name, to_name: to, type, value: said },
  }));
}
