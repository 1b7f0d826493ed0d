/** What is said at the end of `starlings start`. */

import { deltasOf } from '../../methods/registry.ts';
import { denseBytes } from '../../node/view/dense-bytes.ts';
import { isTroubled } from '../../node/view/outcome.ts';
import { peerName, type RunView } from '../../node/view/run-view.ts';
import { amount } from '../../node/words/amount.ts';
import { unjudgedText, votesText } from '../../node/words/votes-text.ts';
import { sharedSize } from '../../run/run-spec.ts';
import { writeMeasure } from '../../tasks/measures.ts';
import type { RunToEnd } from '../../testnet/run-to-end.ts';
import { calledBy, siteNames } from '../../testnet/site-names.ts';
import { formatBytes, formatHeadline, formatPercent } from './format.ts';
import { classNamesOf, confusionTitle, matrixLines } from './render-evaluation.ts';
import { type Painter, unpainted } from './render-view.ts';
import { padded, widthOf } from './text-fit.ts';

/** Lines on accuracy, the one hash, bytes, contributions and the saved model. Folding is for who says it, but of the matrix: it knows `columns`. */
export function renderSummary(
  end: RunToEnd,
  paint: Painter = unpainted,
  columns = Number.POSITIVE_INFINITY,
): string {
  const { result, testnet, last } = end;
  const nameOf = namesOfNodes(end);
  const views = last.nodes.flatMap(({ name, view }) => (view ? [{ name: nameOf(name), view }] : []));
  const names = new Map(views.map(({ name, view }) => [view.peerKey, name]));
  const nameWidth = widthOf(views[0]?.name ?? '');
  const parameters = sharedSize(testnet.spec);
  const dense = denseBytes(parameters, result.rounds, result.nodes);
  const contributions = views[0]?.view.contributions ?? [];
  const modelPath = views.find(({ view }) => view.modelPath !== null)?.view.modelPath;
  return [
    paint('strong', `${result.worst?.id ?? 'accuracy'} on the held-out examples`),
    ...views.map(
      ({ name, view }) =>
        `  ${name}  ${formatHeadline(view, view.figures).text}${view.alone ? `, alone ${formatHeadline(view.alone).text}` : ''}`,
    ),
    ...(result.worst === null || result.pooled === null
      ? []
      : [
          `  ${result.worst.better === 'higher' ? 'lowest' : 'highest'} ${writeMeasure(result.worst)}, of all examples ${writeMeasure(result.pooled)}`,
        ]),
    ...pooledLines(end, columns),
    ...(result.pooledAlone === null ? [] : [`  alone, of all examples ${writeMeasure(result.pooledAlone)}`]),
    '',
    paint('strong', 'model'),
    `  ${modelLine(result, views.length, paint)}`,
    ...views.flatMap(({ name, view }) =>
      isTroubled(view) ? [`  ${paint('bad', `${name}  ${view.outcomeText}`)}`] : [],
    ),
    ...(modelPath ? [`  saved in ${modelPath}`] : []),
    '',
    paint('strong', 'bytes sent per node'),
    `  ${formatBytes(result.bytesSentPerNode)} in all (gossip, repair, DHT, encryption)`,
    `  ${formatBytes(dense)} for dense float32: ${parameters} parameters * 4 bytes * ${result.rounds} rounds * ${amount(result.nodes - 1, 'other node')}`,
    `  ${comparison(dense, result.bytesSentPerNode)}`,
    ...(contributions.length > 0
      ? [
          '',
          paint(
            'strong',
            // Elsewhere a core counts how often, for nobody sees the deltas of all.
            deltasOf(testnet.spec.strategy)
              ? 'who moved the model (deltas, share of the summed squared norm; what it was worth: starlings ledger)'
              : 'who took part in the model (times, part of all times)',
          ),
          ...contributions
            .map(({ peer, deltas, share }) => ({
              name: padded(names.get(peer) ?? peerName(views[0]!.view, peer), nameWidth, 'left'),
              deltas,
              share,
            }))
            .sort((a, b) => a.name.localeCompare(b.name))
            .map(
              ({ name, deltas, share }) =>
                `  ${name}  ${String(deltas).padStart(5)}  ${formatPercent(share).padStart(8)}`,
            ),
        ]
      : []),
    ...votesLines(views[0]?.view, paint),
    '',
    `outcome: ${result.outcome ?? 'not all nodes came to the end'}; bootstraps alive: ${result.bootstrapsAlive}; ` +
      `${roundsOf(result)} in ${result.seconds} s`,
  ].join('\n');
}

/** The one that all hold; else there is something to see. */
function modelLine({ modelHashes, outcome }: RunToEnd['result'], nodes: number, paint: Painter): string {
  return modelHashes.length === 1
    ? paint(outcome === 'trained' ? 'good' : 'bad', `all ${nodes} nodes hold ${modelHashes[0]}`)
    : paint(
        'bad',
        `the nodes hold ${modelHashes.length} different models:\n    ${modelHashes.join('\n    ')}`,
      );
}

/** Of an alliance: what its members voted on the rounds, and whether they could. */
function votesLines(view: RunView | undefined, paint: Painter): string[] {
  const votes = view?.community?.alliance?.counts;
  if (!votes) return [];
  const unjudged = unjudgedText(votes);
  return [
    '',
    paint('strong', 'votes of the members'),
    `  ${votesText(votes)}`,
    ...(unjudged === null ? [] : [`  ${paint('bad', unjudged)}`]),
  ];
}

/** With the name of the site where the data tells them apart, all of one width. */
function namesOfNodes({ last, testnet }: RunToEnd): (name: string) => string {
  const sites = siteNames(testnet.state.members);
  const whole = (name: string): string => calledBy(sites, name);
  const width = Math.max(0, ...last.nodes.map(({ name }) => widthOf(whole(name))));
  return (name) => padded(whole(name), width, 'left');
}

/** Of the examples of all nodes, each judged by its node; those of one node of MNIST are those of all others. */
function pooledLines({ result: { majority, confusion }, testnet }: RunToEnd, columns: number): string[] {
  const always =
    majority === null
      ? []
      : [`  who always says the most frequent class is right for ${formatPercent(majority)}`];
  if (confusion === null) return always;
  return [
    ...always,
    `  ${confusionTitle}, of all examples`,
    ...matrixLines(confusion, classNamesOf(testnet.spec.task), columns - 2).map((line) => `  ${line}`),
  ];
}

/** A model of a few parameters costs less than the gossip about it: then the figure says so. */
function comparison(dense: number, sent: number): string {
  return sent <= dense
    ? `${(dense / Math.max(1, sent)).toFixed(1)} times less`
    : `${(sent / dense).toFixed(1)} times more: for so few parameters the overhead dominates`;
}

function roundsOf({ rounds, countedRounds }: RunToEnd['result']): string {
  return countedRounds >= rounds ? `${rounds} rounds` : `${countedRounds} of ${rounds} rounds counted,`;
}
