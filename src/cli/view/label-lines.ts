/** How far annotators agree, as lines for people. */
import type { AgreementReport } from '../../entries/labels/consensus.ts';
import { amount } from '../../node/amount.ts';

const textShown = 60;

/** `texts`: of records that are here, by hash. */
export function agreementLines(
  report: AgreementReport,
  texts: ReadonlyMap<string, string>,
  shownMax: number,
): string[] {
  const { alpha, metric, kappa, compared, annotators, pairs, counts, disagreements } = report;
  return [
    `records   ${counts.agreed} agreed, ${counts.decided} decided, ${counts.disputed} disputed, ${counts.open} with too few answers`,
    `agreement Krippendorff's alpha ${written(alpha)} (${metric}), Fleiss' kappa ${written(kappa)}, on ${amount(compared, 'record')} that two or more answered`,
    ...annotators.map(({ author, answers, skipped, medianMs, asLabelled }) => {
      const time = medianMs === null ? '' : `, ${(medianMs / 1000).toFixed(1)} s each`;
      const same = asLabelled === null ? '' : `, ${(100 * asLabelled).toFixed(0)} % as the label`;
      return `annotator ${author.slice(0, 16)} ${amount(answers, 'answer')}, ${skipped} skipped${time}${same}`;
    }),
    ...pairs.map(
      ({ pair, records, kappa: ofPair }) =>
        `pair      ${pair.map((one) => one.slice(0, 8)).join(' and ')}: Cohen's kappa ${written(ofPair)} on ${amount(records, 'record')}`,
    ),
    ...disagreements.slice(0, shownMax).map(({ record, status, tally }) => {
      const said = Object.entries(tally)
        .sort(([, a], [, b]) => b - a)
        .map(([value, count]) => `${value} ${count}`)
        .join(', ');
      return `${status === 'disputed' ? 'disputed ' : 'differ   '} ${record} ${said}: ${inShort(texts.get(record))}`;
    }),
    ...(disagreements.length > shownMax ? [`and ${disagreements.length - shownMax} more`] : []),
  ];
}

function written(coefficient: number | null): string {
  return coefficient === null ? '-' : coefficient.toFixed(3);
}

/** Texts that control a terminal are no records. */
function inShort(text: string | undefined): string {
  if (text === undefined) return '(its text is not here)';
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > textShown ? `${[...line].slice(0, textShown).join('')}...` : line;
}
