/** The page: what is told, put in order. Sections that change at another pace are made anew at their own. */

import type { Hello } from '../api/live.ts';
import { denseBytes } from '../node/view/dense-bytes.ts';
import type { RunView } from '../node/view/run-view.ts';
import { headlineOf, pooledMeasure, writeMeasure } from '../tasks/measures.ts';
import { AllianceSection } from './alliance.tsx';
import { Chart } from './chart.tsx';
import { ArenaSection, RegistrySection } from './community.tsx';
import { allianceOf, furthest } from './community-model.ts';
import { bytesText, durationText, lossText, measureText } from './figures.ts';
import { FlockDrawing } from './flock.tsx';
import { InvitationCard } from './invitation.tsx';
import {
  adviceOf,
  closedRounds,
  columnsOf,
  flockOf,
  invitationOf,
  measuresOf,
  type NodeRow,
  namesOf,
  rowsOf,
  sharesOf,
  stateOf,
} from './model.ts';
import { AdviceList, Events, NodeSettingsList, NodeTable, Rounds, RunSettings, Shares } from './sections.tsx';

const roundsShown = 12;

export interface FiguresProps {
  readonly hello: Hello;
  readonly runId: string | null;
  readonly theme: string;
}

/** As far apart as may be, in lightness that both backgrounds bear. */
function coloursOf(rows: readonly NodeRow[]): ReadonlyMap<string, string> {
  const isDark = document.documentElement.dataset['theme'] === 'dark';
  return new Map(
    rows.map(({ id, peerKey }, index) => {
      const hue = Math.round((212 + (360 * index) / Math.max(rows.length, 1)) % 360);
      return [peerKey ?? id, `hsl(${hue} ${isDark ? '75% 66%' : '70% 38%'})`];
    }),
  );
}

/** Everything but events: made anew once a second at most. */
export function Figures({ hello, runId, theme }: FiguresProps) {
  const rows = rowsOf(hello, runId);
  const colours = coloursOf(rows);
  const advice = adviceOf(hello, runId);
  const invitation = invitationOf(hello, runId);
  const view = rows.find((row) => row.view?.run)?.view ?? rows.find((row) => row.view)?.view ?? null;
  // Of a run that is its log and nothing else there is nothing to draw.
  const trains = view?.run?.trains ?? true;
  return (
    <>
      <Headline rows={rows} nowMs={Date.now()} />
      {advice.length > 0 && (
        <section class="wide" aria-label="what to do">
          <AdviceList advice={advice} />
        </section>
      )}
      <section class="broad" aria-labelledby="flock">
        <h2 id="flock">Flock</h2>
        <FlockDrawing flock={flockOf(hello, runId)} colours={colours} />
      </section>
      <CommunitySections hello={hello} runId={runId} />
      {trains && <Charts rows={rows} colours={colours} theme={theme} />}
      <section class="wide" aria-labelledby="nodes">
        <h2 id="nodes">Nodes</h2>
        <NodeTable rows={rows} colours={colours} />
      </section>
      <section class="third" aria-labelledby="rounds">
        <h2 id="rounds">Rounds closed last</h2>
        <Rounds rounds={closedRounds(hello, runId, roundsShown)} nodes={rows.length} />
      </section>
      {trains && (
        <section class="third" aria-labelledby="shares">
          <h2 id="shares">{shareTitles[view?.run?.shareOf ?? 'norm']}</h2>
          <p class="quiet">
            <ShareText of={view?.run?.shareOf ?? 'norm'} />
          </p>
          <Shares shares={sharesOf(hello, runId)} of={view?.run?.shareOf ?? 'norm'} />
        </section>
      )}
      {invitation && (
        <section class="wide" aria-labelledby="invitation">
          <h2 id="invitation">Join this run</h2>
          <InvitationCard invitation={invitation} trains={trains} />
        </section>
      )}
      <section class="last" aria-labelledby="settings">
        <h2 id="settings">Settings</h2>
        <RunSettings view={view} />
        <NodeSettingsList nodes={hello.nodes} />
      </section>
    </>
  );
}

function CommunitySections({ hello, runId }: Pick<FiguresProps, 'hello' | 'runId'>) {
  const alliance = allianceOf(hello, runId);
  const told = furthest(hello, runId);
  const community = told?.view.community;
  return (
    <>
      {alliance && <AllianceSection alliance={alliance} />}
      {told && community?.arena && <ArenaSection arena={community.arena} {...told} />}
      {told && community?.registry && <RegistrySection registry={community.registry} {...told} />}
    </>
  );
}

type ShareOf = NonNullable<RunView['run']>['shareOf'];

const shareTitles: Readonly<Record<ShareOf, string>> = {
  norm: 'Who moved the model',
  sums: 'Who took part in the model',
  rounds: 'Whose models were mixed in',
};

function ShareText({ of }: { of: ShareOf }) {
  switch (of) {
    case 'norm':
      return (
        <>
          How far each moved the model: its part in the summed squared norm of all deltas that are final. That
          is no measure of use, noise moves it too; <code>starlings ledger</code> computes who lowered the
          loss.
        </>
      );
    case 'sums':
      return (
        <>
          In how many sums something of each is. How far anybody moved the model nobody can tell: what a
          member learned is hidden until it is added to that of the others.
        </>
      );
    case 'rounds':
      return <>In how many rounds something of each was mixed into the model of the node.</>;
    default:
      return of satisfies never;
  }
}

function Headline({ rows, nowMs }: { rows: readonly NodeRow[]; nowMs: number }) {
  const views = rows.flatMap(({ view, isUp }) => (view && isUp ? [view] : []));
  const known = rows.flatMap(({ view }) => view ?? []);
  const run = known.find((view) => view.run)?.run ?? null;
  const slowest = known.length === 0 ? 0 : Math.min(...known.map(({ roundsDone }) => roundsDone));
  const startsInMs = run === null ? 0 : run.startAtMs - nowMs;
  const leftMs = run === null ? 0 : Math.max(0, run.rounds - slowest) * (known[0]?.slotMs ?? run.slotMs);
  const measured = known.flatMap((view) => {
    const measure = headlineOf(view);
    return measure ? [{ measure, examples: 1 }] : [];
  });
  const mean = pooledMeasure(measured);
  const isOver = known.length > 0 && known.every(({ phase }) => phase === 'finished');
  const when =
    startsInMs > 0
      ? `begins in ${durationText(startsInMs)}`
      : isOver
        ? 'all rounds are done'
        : run?.trains === false
          ? 'it goes on'
          : `about ${durationText(leftMs)} left`;
  const reached = Math.max(0, ...known.map(({ round }) => round));
  const roundValue =
    run === null ? '–' : run.trains === false ? String(reached) : `${slowest} of ${run.rounds}`;
  return (
    <section class="wide headline" aria-label="how the run goes">
      <Figure name="nodes here" value={`${views.length} of ${rows.length}`} />
      <Figure name="round" value={roundValue} />
      <Figure name={`${mean?.id ?? 'accuracy'}, mean`} value={measureText(mean)} />
      <Figure name="state" value={known[0] ? stateOf(known[0]) : '–'} />
      {run?.trains === false ? null : (
        <progress value={slowest} max={run?.rounds ?? 1} aria-label="rounds done" />
      )}
      <span class="quiet">{run === null ? '' : when}</span>
    </section>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div class="figure">
      <strong>{value}</strong>
      <span>{name}</span>
    </div>
  );
}

interface ChartsProps {
  readonly rows: readonly NodeRow[];
  readonly colours: ReadonlyMap<string, string>;
  readonly theme: string;
}

function Charts({ rows, colours, theme }: ChartsProps) {
  const lines = rows.map(({ id, peerKey, name }) => ({ name, colour: colours.get(peerKey ?? id)! }));
  const loss = columnsOf(rows, ({ loss }) => loss);
  // Where a task has no accuracy, the loss on the same examples is what all have.
  const isRight = rows.every(({ view }) => !view || view.measures.length === 0);
  const heldOut = columnsOf(rows, ({ accuracy, heldOutLoss }) => (isRight ? accuracy : heldOutLoss));
  const measures = measuresOf(rows).map((id) => ({
    id,
    ...columnsOf(rows, ({ measures }) => measures?.[id] ?? null),
  }));
  const sent = columnsOf(rows, ({ bytesOut }) => (bytesOut ? bytesOut : null));
  const behind = columnsOf(rows, ({ behind }) => behind);
  const run = rows.find(({ view }) => view?.run)?.view?.run;
  const others = Math.max(2, rows.length, ...rows.map(({ view }) => (view?.peers ?? 0) + 1));
  const isSent = sent.columns.some((column) => column.some((value) => value !== null));
  const dense = run ? sent.rounds.map((round) => denseBytes(run.parameters, round + 1, others)) : [];
  const colour = getComputedStyle(document.documentElement).getPropertyValue('--quiet');
  const whole = { name: 'whole models to everybody', colour, isDashed: true };
  return (
    <>
      <section>
        <Chart title="Training loss" label="loss" lines={lines} {...loss} format={lossText} theme={theme} />
      </section>
      <section>
        <Chart
          {...(isRight
            ? { title: 'Accuracy on held-out examples', label: 'accuracy', top: 1 }
            : { title: 'Loss on held-out examples', label: 'loss' })}
          {...{ lines, theme }}
          {...heldOut}
          format={isRight ? (part) => `${Math.round(100 * part)} %` : lossText}
        />
      </section>
      {measures.map(({ id, ...drawn }) => (
        <section key={id}>
          <Chart
            {...{ title: `${id} on held-out examples`, label: id, lines, theme }}
            {...drawn}
            format={(value) => writeMeasure({ value })}
          />
        </section>
      ))}
      <section>
        <Chart
          {...{ title: 'Bytes sent by each node', label: 'bytes, logarithmic', theme, isLogarithmic: true }}
          lines={run && isSent ? [...lines, whole] : lines}
          rounds={sent.rounds}
          columns={run && isSent ? [...sent.columns, dense] : sent.columns}
          format={bytesText}
        />
        <p class="quiet">
          Dashed: what it would send if it gave its whole model to every other node in every round.
        </p>
      </section>
      <section>
        <Chart
          {...{ title: 'Rounds begun and not final', label: 'rounds', lines, theme }}
          {...behind}
          format={(count) => String(Math.round(10 * count) / 10)}
        />
      </section>
    </>
  );
}

/** At once when something happens. */
export function EventSection({ hello, runId }: { hello: Hello; runId: string | null }) {
  const events = hello.events.filter((event) => event.runId === null || event.runId === runId);
  const names = new Map([
    ...hello.nodes.map(({ id, name }) => [id, name] as const),
    ...namesOf(hello, runId),
  ]);
  return (
    <section class="wide" aria-labelledby="events">
      <h2 id="events">What happens</h2>
      <section class="scroll tall" tabIndex={0} aria-label="events, newest first">
        <Events events={events} names={names} />
      </section>
    </section>
  );
}
