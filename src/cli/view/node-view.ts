/** The runs of one node as text: who is here, how training goes, what was published and what was not. Pure. */

import { namesOf } from '../../node/commands/commands.ts';
import { phaseOrOutcome } from '../../node/view/outcome.ts';
import { type RunView, whenMeasured } from '../../node/view/run-view.ts';
import { amount } from '../../node/words/amount.ts';
import { roundText } from '../../node/words/round-text.ts';
import { formatBytes, formatHeadline, formatLoss, pullText } from './format.ts';
import { columnsMin, type Painter, progressLine, unpainted } from './render-view.ts';
import { wrapped } from './text-fit.ts';
import { viewOf } from './view-state.ts';

/** Where texts begin after their label, and are set in; on narrow terminals by less. */
const labelColumns = 10;
const wideMin = 60;
const narrowIndent = 2;

export interface NodeState {
  readonly views: readonly RunView[];
  readonly atMs: number;
}

/** All runs, one below the other; no line is longer than `columns` (but never less than 28). */
export function renderNode({ views, atMs }: NodeState, columns: number, paint: Painter = unpainted): string {
  const width = Math.max(columnsMin, columns);
  const blocks = views.map((view) => runLines(view, atMs, width, paint).join('\n'));
  return blocks.length === 0 ? paint('quiet', 'no runs') : blocks.join('\n\n');
}

function runLines(view: RunView, atMs: number, width: number, paint: Painter): string[] {
  const line = (text: string): string =>
    wrapped(text, width, width < wideMin ? narrowIndent : labelColumns).join('\n');
  const { run, runId, failure } = view;
  const title = paint('strong', line(run === null ? runId : `${run.name}  ${runId}`));
  switch (view.state) {
    case 'searching':
      return [title, line('asking peers for the manifest')];
    case 'preparing':
      return [title, line(view.pull === null ? 'reading the data' : `file ${pullText(view.pull)}`)];
    case 'paused':
      return [title, line('paused: `starlings node resume` goes on')];
    case 'ended':
      return [title, paint('bad', line(`ended${failure === null ? '' : `: ${failure}`}`))];
    case 'running':
      return [
        title,
        ...(view.run?.trains === false ? [] : [progressOf(view, atMs, width, paint)]),
        ...factsOf(view).map(line),
        ...view.notices.map(({ text }) => paint('bad', line(text))),
        ...outcomeLines(view, paint, line),
      ];
    default:
      return view.state satisfies never;
  }
}

function progressOf(view: RunView, atMs: number, width: number, paint: Painter): string {
  const { name, rounds, slotMs, startAtMs, windowRounds } = view.run!;
  const nodes = [{ name: 'this node', alive: true, view }];
  const times = { title: name, ...{ rounds, slotMs, startAtMs, windowRounds } };
  return progressLine(viewOf({ nodes, atMs, bootstraps: 0, bootstrapsAlive: 0 }, times), width, paint);
}

function factsOf(view: RunView): string[] {
  const { members, bytesIn, bytesOut } = view;
  const { name, text } = formatHeadline(view, view.figures);
  const here = members.present.length === 0 ? 'nobody else' : namesOf(view, members.present);
  const trains = view.run?.trains !== false;
  return [
    trains
      ? `now       ${phaseOrOutcome(view)}, loss ${formatLoss(view.loss)}, ${name} ${text}${whenMeasured(view)}`
      : `now       ${phaseOrOutcome(view)}, ${roundText(view)}`,
    `here      ${here} (${view.peers} connected)`,
    ...(members.missing.length === 0 ? [] : [`missing   ${namesOf(view, members.missing)}`]),
    ...(trains ? [`deltas    ${deltasOf(view)}`] : []),
    ...clockLine(view),
    `bytes     ${formatBytes(bytesIn)} in, ${formatBytes(bytesOut)} out`,
    ...(view.run?.protects ?? []).map(
      (text, index) => `${(index === 0 ? 'protects' : '').padEnd(9)} ${text}`,
    ),
  ];
}

function clockLine({ clock: { offsetMs, peers } }: RunView): string[] {
  if (offsetMs === null) return [];
  const off = `${(Math.abs(offsetMs) / 1000).toFixed(2)} s ${offsetMs < 0 ? 'behind' : 'ahead of'}`;
  return [`clock     ${off} ${amount(peers, 'peer')}`];
}

/** `39 published, 38 in the model, 2 rounds skipped (training took too long)` */
export function deltasOf({ deltasPublished, folded, restored, skipped, isBack }: RunView): string {
  const reasons = Object.entries(skipped).sort(([, a], [, b]) => b - a);
  const rounds = reasons.reduce((sum, [, count]) => sum + count, 0);
  const [most] = reasons;
  const why = most && (reasons.length > 1 ? `mostly: ${most[0]}` : most[0]);
  return [
    `${deltasPublished} published${isBack ? ' since it was started again' : ''}`,
    `${folded.own} in the model${isBack ? ' in all' : ''}`,
    ...(restored > 0 ? [`${restored} left out by others`] : []),
    ...(rounds > 0 ? [`${amount(rounds, 'round')} skipped (${why})`] : []),
  ].join(', ');
}

function outcomeLines(
  { outcome, outcomeText }: RunView,
  paint: Painter,
  line: (text: string) => string,
): string[] {
  if (outcomeText === null) return [];
  return [paint(outcome === 'trained' || outcome === 'kept' ? 'good' : 'bad', line(outcomeText))];
}
