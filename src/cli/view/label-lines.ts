/** How far annotators agree, as lines for people. */
import type {
  AgreementReport,
  PairFigures,
  ShareOf,
  SuggestedShares,
} from '../../entries/labels/agreement.ts';
import type { RecordLabel } from '../../entries/labels/consensus.ts';
import { choicesOf, type Question, wayOf } from '../../entries/labels/question.ts';
import { spansOf } from '../../entries/labels/spans.ts';
import { amount } from '../../node/words/amount.ts';

const textShown = 60;
const valuesShown = 8;

interface Shown {
  readonly question: Question;
  /** Of records that are here, by hash. */
  readonly texts: ReadonlyMap<string, string>;
  /** Records that are here, and that nobody has said anything of. */
  readonly unanswered: number;
  /** Records on which annotators differ, at most. */
  readonly shownMax: number;
}

export function agreementLines(
  report: AgreementReport,
  { question, texts, unanswered, shownMax }: Shown,
): readonly string[] {
  const { annotators, pairs, counts, disagreements, modelled } = report;
  return [
    `records   ${counts.agreed} agreed, ${counts.decided} decided, ${counts.disputed} disputed, ${counts.open} with too few answers, ${unanswered} with none`,
    `agreement ${coefficients(report)}, on ${amount(report.compared, 'record')} that two or more answered`,
    ...annotators.map(({ author, answers, skipped, medianMs, asLabelled, gold, accuracy }) => {
      const time = medianMs === null ? '' : `, ${(medianMs / 1000).toFixed(1)} s each`;
      const same = asLabelled === null ? '' : `, ${percent(asLabelled)} as the label`;
      const known = gold.of === 0 ? '' : `, right in ${gold.count} of ${gold.of} known ones`;
      const right = accuracy === null ? '' : `, right in ${percent(accuracy)} by Dawid and Skene`;
      return `annotator ${author.slice(0, 16)} ${amount(answers, 'answer')}, ${skipped} skipped${time}${same}${known}${right}`;
    }),
    ...suggestedLines('all', report.suggested),
    ...annotators.flatMap(({ author, suggested }) => suggestedLines(author.slice(0, 16), suggested)),
    ...pairs.map(
      (figures) =>
        `pair      ${figures.pair.map((one) => one.slice(0, 8)).join(' and ')}: ${ofPair(report, figures)} on ${amount(figures.records, 'record')}`,
    ),
    ...disagreements.slice(0, shownMax).map((label) => disagreement(label, question, texts)),
    ...(disagreements.length > shownMax ? [`and ${disagreements.length - shownMax} more`] : []),
    ...(modelled?.otherwise ?? []).slice(0, shownMax).map(({ record, label, probability }) => {
      const text = texts.get(record);
      return `modelled  ${record} ${valueShown(question, label, text)} (${percent(probability)}): ${inShort(text)}`;
    }),
  ];
}

function coefficients({ alpha, comparison, kappa, same, spanF1 }: AgreementReport): string {
  switch (comparison) {
    case 'nominal':
    case 'ordinal':
    case 'interval':
      return `Krippendorff's alpha ${written(alpha)} (${comparison}), Fleiss' kappa ${written(kappa)}`;
    case 'spans':
      return `span F1 ${written(spanF1)}, whole answers alike ${written(same)}`;
    case 'exact':
      return `answers alike ${written(same)}`;
    default:
      return comparison satisfies never;
  }
}

function ofPair({ comparison }: AgreementReport, { kappa, same, spanF1 }: PairFigures): string {
  switch (comparison) {
    case 'nominal':
    case 'ordinal':
    case 'interval':
      return `Cohen's kappa ${written(kappa)}`;
    case 'spans':
      return `span F1 ${written(spanF1)}`;
    case 'exact':
      return `alike ${written(same)}`;
    default:
      return comparison satisfies never;
  }
}

function suggestedLines(who: string, { shown, hidden }: SuggestedShares): readonly string[] {
  if (shown.of + hidden.of === 0) return [];
  const share = ({ count, of }: ShareOf): string => (of === 0 ? '- of 0' : `${percent(count / of)} of ${of}`);
  return [
    `suggested ${who}: answered as suggested in ${share(shown)} where it was shown, ${share(hidden)} where it was hidden`,
  ];
}

function disagreement(
  { record, status, tally }: RecordLabel,
  question: Question,
  texts: Shown['texts'],
): string {
  const text = texts.get(record);
  const said = Object.entries(tally)
    .sort(([, a], [, b]) => b - a)
    .slice(0, valuesShown)
    .map(([value, count]) => `${valueShown(question, value, text)} ${count}`)
    .join(', ');
  return `${status === 'disputed' ? 'disputed ' : 'differ   '} ${record} ${said}: ${inShort(text)}`;
}

/** In one line. */
function valueShown(question: Question, value: string, text: string | undefined): string {
  const spans = wayOf(question) === 'mark' ? spansOf(value, choicesOf(question).length) : null;
  if (spans === null) return inShort(value);
  const parts = spans.map(([from, to, label]) => {
    const name = choicesOf(question)[label]!;
    return text === undefined ? `${name} ${from}-${to}` : `${name} "${inShort(text.slice(from, to))}"`;
  });
  return parts.length === 0 ? 'nothing' : `{${parts.join(', ')}}`;
}

function written(coefficient: number | null): string {
  return coefficient === null ? '-' : coefficient.toFixed(3);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

/** Texts that control a terminal are no records. */
function inShort(text: string | undefined): string {
  if (text === undefined) return '(its text is not here)';
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > textShown ? `${[...line].slice(0, textShown).join('')}...` : line;
}
