/** What is said of a run when a node's part in it is over. */
import { peerName, type RunView, whenMeasured } from '../../node/view/run-view.ts';
import { votesText } from '../../node/words/votes-text.ts';
import { formatBytes, formatHeadline, formatPercent } from './format.ts';
import { deltasOf } from './node-view.ts';
import { confusionTitle, matrixLines } from './render-evaluation.ts';

const authorsMax = 32;

/** Nothing where the run never ran here. */
export function summaryLines(view: RunView): string[] {
  const { run, sinceRound, outcomeText, countedRounds, modelHash, modelPath, checkpoint } = view;
  const { name, text } = formatHeadline(view, view.figures);
  if (run === null || sinceRound === null) return [];
  const authors = view.contributions
    .map(({ peer, deltas, share }) => ({ name: peerName(view, peer), deltas, share }))
    .sort((a, b) => b.deltas - a.deltas || a.name.localeCompare(b.name));
  const votes = view.community?.alliance?.counts;
  const counted = `${countedRounds} of ${run.rounds}`;
  const learned = [
    `rounds    ${counted} counted`,
    `deltas    ${deltasOf(view)}`,
    ...(votes ? [`votes     ${votesText(votes)}`] : []),
    `${name.padEnd(9)} ${text}${whenMeasured(view)}`,
    ...confusionLines(view),
  ];
  const none = run.trains
    ? `the run is not over, ${counted} rounds counted`
    : 'the log goes on without this node';
  return [
    `outcome   ${outcomeText ?? `none yet: ${none}`}`,
    ...(run.trains ? learned : []),
    `bytes     ${formatBytes(view.bytesIn)} in, ${formatBytes(view.bytesOut)} out`,
    ...(modelPath === null ? [] : [`model     ${modelPath}`, `          ${modelHash}`]),
    ...(checkpoint === null ? [] : [`checkpoint ${checkpoint}`]),
    ...authors.slice(0, authorsMax).map(({ name, deltas, share }, index) => {
      const head = index === 0 ? 'authors' : '';
      return `${head.padEnd(9)} ${name}  ${deltas}  ${formatPercent(share)}`;
    }),
    ...(authors.length > authorsMax ? [`          and ${authors.length - authorsMax} more`] : []),
  ];
}

function confusionLines({ figures }: RunView): string[] {
  if (!figures?.confusion) return [];
  return [confusionTitle, ...matrixLines(figures.confusion, String, Number.POSITIVE_INFINITY)];
}
