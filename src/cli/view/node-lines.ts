/** What a node that runs in a terminal or a service says: one line when something happened, else one now and then. */

import { namesOf } from '../../node/commands/commands.ts';
import type { NodeEvent, SessionEvent } from '../../node/events.ts';
import { phaseOrOutcome, skipCause } from '../../node/view/outcome.ts';
import { RunReducer } from '../../node/view/run-reducer.ts';
import type { RunView } from '../../node/view/run-view.ts';
import { amount } from '../../node/words/amount.ts';
import { privacyText } from '../../node/words/privacy-text.ts';
import { lengthText, roundText } from '../../node/words/round-text.ts';
import { formatDuration, formatHeadline, formatLoss, pullText } from './format.ts';
import { summaryLines } from './node-summary.ts';

/** Between two lines on how a run is going. */
const progressEveryMs = 10_000;
/** Between two lines on how long it is until the start. */
const waitingEveryMs = 30_000;

/** Else it looks as if it hung. */
const goesOn = 'done      the node goes on serving what it has to others; Ctrl-C stops it';

/** Things said once, of one run. */
const saidMax = 64;

interface Told {
  readonly reducer: RunReducer;
  /** Of things that are said once. */
  readonly said: Set<string>;
  lineAtMs: number;
  /** The last on how the run is going. */
  line: string;
}

export class NodeNarrator {
  readonly #runs = new Map<string, Told>();
  /** As they were when the node's part in them was over. */
  readonly #ended = new Map<string, RunView>();
  /** Whether an address that the node was given answered last. */
  #isReached = false;
  readonly #endsWithRuns: boolean;
  readonly #trustsNobody: boolean;

  /** `endsWithRuns`: the node does not go on when its runs are finished. `trustsNobody`: it was given neither keys nor a checkpoint to go by. */
  constructor({ endsWithRuns = false, trustsNobody = false } = {}) {
    this.#endsWithRuns = endsWithRuns;
    this.#trustsNobody = trustsNobody;
  }

  /** The lines that an event is worth. What they say follows from the events heard and on nothing else. */
  hear(event: NodeEvent): string[] {
    const { runId, node, atMs } = event;
    if (runId === null) {
      if (event.event.kind === 'bootstrap-answered') this.#isReached = true;
      if (event.event.kind === 'no-bootstrap-answers') this.#isReached = false;
      return [];
    }
    let told = this.#runs.get(runId);
    if (!told) {
      told = {
        reducer: new RunReducer(runId, node, atMs),
        said: new Set(this.#endsWithRuns ? ['finished'] : []),
        lineAtMs: Number.NEGATIVE_INFINITY,
        line: '',
      };
      this.#runs.set(runId, told);
    }
    told.reducer.apply(event);
    const lines = [
      ...milestones(event, told),
      ...(this.#trustsNobody ? onWhoseWord(event, told) : []),
      ...progress(event, told),
      ...warnings(event, told),
    ];
    const isNamed = this.#runs.size > 1;
    if (event.source === 'session' && event.event.kind === 'ended') {
      this.#ended.set(runId, told.reducer.view());
      this.#runs.delete(runId);
    }
    if (lines.length === 0 || !isNamed) return lines;
    const name = told.reducer.view().run?.name ?? runId;
    return lines.map((line) => `[${name}] ${line}`);
  }

  /** Runs that the node takes no part in any more, as they were at their end. */
  ended(): readonly RunView[] {
    return [...this.#ended.values()];
  }

  /** What is to be said because time has passed and nothing happened. */
  tick(nowMs: number): string[] {
    return [...this.#runs.values()].flatMap((told) => {
      const view = told.reducer.view();
      if (view.state !== 'searching' || nowMs - Math.max(told.lineAtMs, view.startedAtMs) < progressEveryMs)
        return [];
      told.lineAtMs = nowMs;
      return [searchLine(view, nowMs, this.#isReached)];
    });
  }
}

/** Who waits for a manifest hears how long, and why. */
function searchLine({ runId, startedAtMs, trouble }: RunView, nowMs: number, isReached: boolean): string {
  const why = isReached
    ? 'peers are reached, and none of them tells of it: they do not have it, or it is hidden and takes an invitation'
    : 'no peer is reached: give the address of a node of the run that is up, in a new invitation or with --bootstrap';
  const last = trouble === null ? '' : ` (last: ${trouble})`;
  return `searching for the manifest of ${runId} for ${formatDuration(nowMs - startedAtMs)}: ${why}${last}`;
}

function milestones(event: NodeEvent, { reducer, said }: Told): string[] {
  switch (event.source) {
    case 'protocol':
      return protocolLines(event.event, said);
    case 'network':
      return event.event.kind === 'peer-up' ? once(said, 'peer', 'peers     the first is here') : [];
    case 'session':
      return sessionLines(event, reducer, said);
    default:
      return event satisfies never;
  }
}

/** A newcomer of an open run that was named nobody believes those whom it has met. */
function onWhoseWord({ event }: NodeEvent, { reducer, said }: Told): string[] {
  if (event.kind !== 'joined' || event.donors === 0 || reducer.view().members.known !== null) return [];
  return once(
    said,
    'trust',
    'trust     the run is open, and this is the word of whom this node has met; --checkpoint names a place in its history, --trust KEY nodes to go by',
  );
}

function protocolLines(event: (NodeEvent & { source: 'protocol' })['event'], said: Set<string>): string[] {
  switch (event.kind) {
    case 'joined':
      return [joinedLine(event)];
    case 'fork':
      return [
        `fork      in round ${event.round}: others hold more of the history, this node goes over to theirs`,
      ];
    case 'diverging':
      return [
        `loss      ${formatLoss(event.loss)} in round ${event.round} is far above the best, ${formatLoss(event.best)}`,
      ];
    case 'skipped':
      return once(
        said,
        skipCause(event.reason),
        `skipped   round ${event.round}: ${event.reason} (said once)`,
      );
    case 'checkpoint-missing':
      return once(
        said,
        'checkpoint',
        `checkpoint of round ${event.round}: no peer that has answered offers it; this node waits, or give it a newer one`,
      );
    case 'weighed':
      return event.vote?.outcome === 'rolled-back'
        ? [`rolled back: round ${event.round}, by the votes of ${event.vote.said} of ${event.vote.voters}`]
        : [];
    case 'phase':
    case 'round-started':
    case 'published':
    case 'accepted':
    case 'refused':
    case 'finalised':
    case 'passed':
    case 'restored':
    case 'equivocation':
      return [];
    default:
      return event satisfies never;
  }
}

/** Nobody vouched where the node caught up from what it had itself. */
function joinedLine({ round, donors }: { readonly round: number; readonly donors: number }): string {
  if (donors === 0) return `joined    by replaying what it had missed up to round ${round}`;
  const vouching = `${amount(donors, 'peer')} ${donors === 1 ? 'vouches' : 'vouch'} for`;
  return `joined    with a snapshot of round ${round} that ${vouching}`;
}

function fileWanted({ name, bytes, isPublished }: SessionEvent & { kind: 'file-wanted' }): string {
  // Beside a manifest nobody would look for what was published since.
  if (isPublished) return `file      peers are asked for ${name}, ${bytes} bytes`;
  return (
    `file      peers are asked for ${name} of the run, ${bytes} bytes, for it is not beside the manifest: ` +
    `where none has it, put it there as MANIFEST.${name}, or give the address of a node that has it with --bootstrap`
  );
}

function sessionLines(
  { event, atMs, runId }: NodeEvent & { source: 'session' },
  reducer: RunReducer,
  said: Set<string>,
): string[] {
  switch (event.kind) {
    case 'prepared':
      return [...runLine(reducer.view(), atMs), `backend   ${event.backend}`];
    case 'evaluated': {
      const { phase, finalisedRound } = reducer.view();
      const { name, text } = formatHeadline(event);
      return phase === 'finished' && event.round === finalisedRound
        ? [
            `${name.padEnd(9)} ${text} on ${amount(event.examples, 'held-out example')}`,
            ...(event.alone
              ? [
                  `alone     ${formatHeadline(event.alone).text} after ${amount(event.alone.steps, 'step')} of its own`,
                ]
              : []),
            ...once(said, 'finished', goesOn),
          ]
        : [];
    }
    case 'saved':
      return [`model     ${event.path}`];
    case 'evaluation-failed':
      return [
        `trouble   the model could not be evaluated: ${event.reason}`,
        ...(reducer.view().phase === 'finished' ? once(said, 'finished', goesOn) : []),
      ];
    case 'save-failed':
      return [`trouble   the model could not be saved: ${event.reason}`];
    case 'snapshot-not-kept':
      return once(
        said,
        'kept',
        `trouble   a snapshot is not kept for joiners on slow lines: ${event.reason} (said once)`,
      );
    case 'input-dropped':
      return once(
        said,
        'input',
        `trouble   what a peer sent broke the core and was dropped: ${event.reason} (said once)`,
      );
    case 'ended': {
      const view = reducer.view();
      const word = event.isLeft ? 'left      ' : 'stopped   ';
      const how = event.failure === null ? [`${word}${view.run?.name ?? runId}`] : [];
      return [...how, ...summaryLines(view)];
    }
    case 'file-wanted':
      return [fileWanted(event)];
    case 'file-complete':
      return [`file      ${event.name} is here`];
    case 'privacy':
      return event.isBeginning ? [`privacy   ${privacyText(event.state)}`] : [];
    case 'searching':
    case 'opened':
    case 'manifest-refused':
    case 'file-refused':
    case 'file-pulled':
    case 'working':
    case 'running':
    case 'sampled':
      return [];
    default:
      return event satisfies never;
  }
}

/** Said when the data is read: a join that is refused is none. */
function runLine({ run, runId }: RunView, atMs: number): string[] {
  if (run === null) return [];
  const { name, startAtMs } = run;
  const start =
    startAtMs > atMs
      ? `the first in ${formatDuration(startAtMs - atMs)}`
      : `the first was ${formatDuration(atMs - startAtMs)} ago`;
  return [`run       ${name} (${runId}): ${lengthText(run)}, ${start}`];
}

function once(said: Set<string>, what: string, line: string): string[] {
  if (said.has(what) || said.size >= saidMax) return [];
  said.add(what);
  return [line];
}

/** Said where a round, a phase or a sample shows it, once as long as the node runs. */
function warnings({ event }: NodeEvent, { reducer, said }: Told): string[] {
  if (!['running', 'round-started', 'phase', 'sampled'].includes(event.kind)) return [];
  const { notices, outcome, outcomeText } = reducer.view();
  const told = notices.flatMap(({ id, text }) => once(said, `notice ${id}`, labelled(text)));
  const end = outcomeText === null ? [] : once(said, `outcome ${outcome}`, labelled(outcomeText));
  return [...told, ...end];
}

/** `alone: no peer ...` as other lines begin. */
function labelled(text: string): string {
  const [word = '', ...rest] = text.split(': ');
  return `${word.padEnd(9)} ${rest.join(': ')}`;
}

/** How the run is going: at every change of phase, else now and then. */
function progress(event: NodeEvent, told: Told): string[] {
  const isNews = event.source === 'protocol' && event.event.kind === 'phase';
  if (!isNews && event.atMs - told.lineAtMs < progressEveryMs) return [];
  const view = told.reducer.view();
  if (event.event.kind === 'working') {
    told.lineAtMs = event.atMs;
    const { tries, expected } = event.event;
    return [`work      looking for a nonce: ${tries} of about ${expected} tries`];
  }
  if (event.event.kind === 'file-pulled' && view.pull !== null) {
    told.lineAtMs = event.atMs;
    return [`file      ${pullText(view.pull)}`];
  }
  if (view.state !== 'running') return [];
  const everyMs = view.phase === 'waiting' ? waitingEveryMs : progressEveryMs;
  if (!isNews && (event.atMs - told.lineAtMs < everyMs || view.phase === 'finished')) return [];
  const line = progressLine(view, event.atMs);
  // A phase and the sample that comes with it are one piece of news.
  if (line === told.line) return [];
  told.line = line;
  told.lineAtMs = event.atMs;
  return [line];
}

function progressLine(view: RunView, nowMs: number): string {
  const { startAtMs = 0, trains = true } = view.run ?? {};
  if (view.pastEnd?.state === 'asking') return `over      looking for somebody of the run, ${peersOf(view)}`;
  if (view.phase === 'waiting') {
    const left = formatDuration(Math.max(0, startAtMs - nowMs));
    return `waiting   the first round begins in ${left}, ${peersOf(view)}`;
  }
  const { name, text } = formatHeadline(view);
  const figures = trains ? [`loss ${formatLoss(view.loss)}`, `${name} ${text}`] : [];
  figures.push(peersOf(view));
  if (view.lag > 0) figures.push(`${amount(view.lag, 'entry', 'entries')} missing`);
  const round = roundText(view).replace(' ', '     ');
  return `${round}, ${phaseOrOutcome(view)}, ${figures.join(', ')}`;
}

function peersOf(view: RunView): string {
  const { peers, members } = view;
  const known = members.known === null ? '' : `, ${members.here} of ${amount(members.known, 'member')} here`;
  const missing = members.missing.length === 0 ? '' : `, missing: ${namesOf(view, members.missing)}`;
  return `${amount(peers, 'peer')}${known}${missing}`;
}
