/** The parts of the page that are text: nodes, rounds, shares, events, settings. */
import type { LiveEvent, LiveNode } from '../api/live.ts';
import type { RunView } from '../node/view/run-view.ts';
import { roundText } from '../node/words/round-text.ts';
import { headlineOf } from '../tasks/measures.ts';
import { bytesText, lossText, measureText, percentText, timeText, unknown } from './figures.ts';
import { type Advice, type ClosedRound, type NodeRow, namedText, type Share, stateOf } from './model.ts';

/** As many as are read at once. */
const eventsShown = 60;

export function NodeTable({
  rows,
  colours,
}: {
  rows: readonly NodeRow[];
  colours: ReadonlyMap<string, string>;
}) {
  const measured = rows.map(({ view }) => view && headlineOf(view)).find((one) => one);
  const heads = [
    'node',
    'state',
    'round',
    'loss',
    measured?.id ?? 'accuracy',
    'peers',
    'sent',
    'received',
    'missing',
  ];
  return (
    // A region that scrolls must be reached by the keyboard.
    <section class="scroll" tabIndex={0} aria-label="table of nodes">
      <table>
        <thead>
          <tr>
            {heads.map((head, index) => (
              <th key={head} scope="col" class={index > 1 ? 'number' : ''}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <NodeLine key={row.id} row={row} colour={colours.get(row.peerKey ?? row.id)} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function NodeLine({ row, colour }: { row: NodeRow; colour: string | undefined }) {
  const { name, isUp, view } = row;
  const state = view === null ? (isUp ? 'no run' : 'down') : stateOf(view);
  const isWrong =
    !['kept', 'trained'].includes(view?.outcome ?? '') &&
    (!isUp || (view?.notices.length ?? 0) > 0 || !!view?.outcome);
  return (
    <tr>
      <th scope="row">
        <span class="swatch" style={{ background: colour ?? 'transparent' }} />
        {name}
      </th>
      <td>
        <span class={`state ${isWrong ? 'wrong' : 'fine'}`}>{isUp ? state : `down (${state})`}</span>
      </td>
      <td class="number">{view === null ? unknown : roundText(view).slice('round '.length)}</td>
      <td class="number">{lossText(view?.loss ?? null)}</td>
      <td class="number">{measureText(view && headlineOf(view))}</td>
      <td class="number">{view?.peers ?? unknown}</td>
      <td class="number">{bytesText(view?.bytesOut ?? null)}</td>
      <td class="number">{bytesText(view?.bytesIn ?? null)}</td>
      <td class="number">{view?.lag ?? unknown}</td>
    </tr>
  );
}

export function AdviceList({ advice }: { advice: readonly Advice[] }) {
  return (
    <ul class="advice">
      {advice.map(({ text, nodes, tone }) => (
        <li key={text} class={tone}>
          <b>
            {nodes.length > 3
              ? `${nodes.slice(0, 3).join(', ')} and ${nodes.length - 3} more`
              : nodes.join(', ')}
          </b>{' '}
          {text}
        </li>
      ))}
    </ul>
  );
}

export function Rounds({ rounds, nodes }: { rounds: readonly ClosedRound[]; nodes: number }) {
  if (rounds.length === 0) return <p class="quiet">No round is closed yet.</p>;
  return (
    <ol class="rounds">
      {rounds.map(({ round, roots }) => (
        <li key={round} class={roots.length > 1 ? 'forked' : ''}>
          <b>{round}</b>
          {roots.map(({ root, entries, nodes: holders }) => (
            <span key={root} title={`${root}: ${holders.join(', ')}`}>
              <code>{root.slice(0, 10)}</code> {entries} {entries === 1 ? 'entry' : 'entries'}
              {nodes > 1 && `, ${holders.length} of ${nodes} nodes`}
            </span>
          ))}
          {roots.length > 1 && <em>histories differ</em>}
        </li>
      ))}
    </ol>
  );
}

/** What a share is counted in. */
const countedIn: Readonly<Record<ShareOf, readonly [one: string, more: string]>> = {
  norm: ['delta', 'deltas'],
  sums: ['sum', 'sums'],
  rounds: ['round', 'rounds'],
};
type ShareOf = NonNullable<RunView['run']>['shareOf'];

export function Shares({ shares, of }: { shares: readonly Share[]; of: ShareOf }) {
  if (shares.length === 0) return <p class="quiet">Nothing that anybody learned is final yet.</p>;
  const most = Math.max(...shares.map(({ share }) => share));
  return (
    <ol class="shares">
      {shares.slice(0, 64).map(({ name, deltas, share }, index) => (
        // Names need not differ.
        <li key={`${name} ${index}`}>
          <span class="name">{name}</span>
          <span class="bar">
            <span style={{ width: `${most > 0 ? (100 * share) / most : 0}%` }} />
          </span>
          <span class="number">
            {percentText(share)}, {deltas} {countedIn[of][deltas === 1 ? 0 : 1]}
          </span>
        </li>
      ))}
    </ol>
  );
}

export function Events({
  events,
  names,
}: {
  events: readonly LiveEvent[];
  names: ReadonlyMap<string, string>;
}) {
  if (events.length === 0) return <p class="quiet">Nothing has happened yet.</p>;
  return (
    <ol class="events">
      {events
        .slice(-eventsShown)
        .reverse()
        .map(({ atMs, node, tone, text }, index) => (
          <li key={`${atMs} ${node} ${text} ${index}`} class={tone}>
            <time dateTime={new Date(atMs).toISOString()}>{timeText(atMs)}</time>
            <b>{names.get(node) ?? node.slice(0, 8)}</b>
            <span>{namedText(text, names)}</span>
          </li>
        ))}
    </ol>
  );
}

export function RunSettings({ view }: { view: RunView | null }) {
  if (!view?.run) return <p class="quiet">The manifest is not here yet.</p>;
  const { method, trains, parameters, rounds, slotMs, startAtMs, windowRounds } = view.run;
  const { members } = view;
  return (
    <dl>
      <Fact name="run id" value={view.runId} />
      <Fact name="method" value={method} />
      <Fact name="parameters" value={parameters.toLocaleString('en')} />
      <Fact
        name="rounds"
        value={`${trains === false ? '' : `${rounds} `}of ${slotMs / 1000} s, final after ${windowRounds}`}
      />
      <Fact name="began" value={new Date(startAtMs).toLocaleString()} />
      <Fact
        name="members"
        value={members.known === null ? 'open to everybody' : `${members.here} of ${members.known} here`}
      />
    </dl>
  );
}

export function NodeSettingsList({ nodes }: { nodes: readonly LiveNode[] }) {
  return (
    <>
      {nodes.map(({ id, name, peerKey, settings }) => (
        <details key={id}>
          <summary>{name}</summary>
          <dl>
            <Fact name="key" value={peerKey ?? unknown} />
            {settings &&
              Object.entries(settings).map(([key, value]) => (
                <Fact
                  key={key}
                  name={key}
                  value={typeof value === 'object' ? JSON.stringify(value) : String(value)}
                />
              ))}
          </dl>
        </details>
      ))}
    </>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
