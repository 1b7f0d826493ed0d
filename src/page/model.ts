/** What the page shows, as it follows from what was told. Pure. */
import type { Hello, LiveNode } from '../api/live.ts';
import { type Invited, inviteTo } from '../node/invitation.ts';
import type { HistoryPoint } from '../node/view/run-history.ts';
import type { RunView } from '../node/view/run-view.ts';
import { phaseWord } from '../node/words/phase-word.ts';
import { percentText } from './figures.ts';

export interface NodeRow {
  readonly id: string;
  readonly name: string;
  readonly peerKey: string | null;
  readonly isUp: boolean;
  /** Null where the node takes no part in the run. */
  readonly view: RunView | null;
  readonly points: readonly HistoryPoint[];
}

/** Who is drawn: nodes that are watched, and peers that they speak of. */
export interface Bird {
  /** Key, or the id of a node whose key is not known yet. */
  readonly key: string;
  readonly name: string;
  /** `watched`: tells this page itself. */
  readonly kind: 'watched' | 'heard' | 'missing';
  readonly isUp: boolean;
}

export interface Flock {
  readonly birds: readonly Bird[];
  /** Each pair once. */
  readonly links: ReadonlyArray<readonly [string, string]>;
}

export interface ClosedRound {
  readonly round: number;
  /** By root, most nodes first. More than one: histories differ. */
  readonly roots: ReadonlyArray<{
    readonly root: string;
    readonly entries: number;
    readonly nodes: readonly string[];
  }>;
}

/** More than a plot has pixels for. */
const pointsDrawnMax = 400;

/** Runs of all nodes, in the order in which they are met. */
export function runsOf({ nodes }: Hello): ReadonlyArray<{ readonly runId: string; readonly name: string }> {
  const names = new Map<string, string>();
  for (const { view } of nodes.flatMap(({ runs }) => runs)) {
    names.set(view.runId, view.run?.name ?? names.get(view.runId) ?? `${view.runId.slice(0, 12)}…`);
  }
  return [...names].map(([runId, name]) => ({ runId, name }));
}

export function rowsOf({ nodes }: Hello, runId: string | null): readonly NodeRow[] {
  const names = namesOf({ nodes }, runId);
  return nodes.map(({ id, name, peerKey, isUp, runs }) => {
    const run = runs.find(({ view }) => view.runId === runId);
    const called = (peerKey !== null && names.get(peerKey)) || name;
    return {
      ...{ id, name: called, peerKey, isUp },
      view: run?.view ?? null,
      points: run?.history.points ?? [],
    };
  });
}

/** In a word or a few: what came of the run, else what the node does. */
export function stateOf({ outcome, state, phase, pull, run }: RunView): string {
  if (outcome !== null) return outcome;
  if (pull !== null) return `fetching ${pull.name}, ${percentText(pull.heldBytes / pull.bytes)}`;
  return state === 'running' ? phaseWord({ phase, run }) : state;
}

/** What peers are called: by the manifest, else as the nodes that are watched are. */
export function namesOf({ nodes }: Pick<Hello, 'nodes'>, runId: string | null): ReadonlyMap<string, string> {
  const watched = nodes.flatMap(({ peerKey, name }) => (peerKey === null ? [] : [[peerKey, name] as const]));
  const given = viewsOf(nodes, runId).flatMap(({ members }) => Object.entries(members.names));
  return new Map([...watched, ...given]);
}

/** A node calls peers that it knows no name of by the beginning of their keys; whoever watches more of them may know one. */
export function namedText(text: string, names: ReadonlyMap<string, string>): string {
  return text.replace(/\b[0-9a-f]{8}\b/g, (short) => {
    const key = [...names.keys()].find((each) => each.length === 64 && each.startsWith(short));
    return (key && names.get(key)) ?? short;
  });
}

export function flockOf(hello: Hello, runId: string | null): Flock {
  const names = namesOf(hello, runId);
  const rows = rowsOf(hello, runId);
  const nameOf = (key: string): string => names.get(key) ?? key.slice(0, 8);
  const birds = new Map<string, Bird>();
  for (const { id, name, peerKey, isUp } of rows) {
    birds.set(peerKey ?? id, { key: peerKey ?? id, name, kind: 'watched', isUp });
  }
  const links = new Map<string, readonly [string, string]>();
  for (const { peerKey, view, isUp } of rows) {
    if (view === null || peerKey === null) continue;
    const { linked, present, missing } = view.members;
    for (const key of [...linked, ...present]) {
      if (!birds.has(key)) birds.set(key, { key, name: nameOf(key), kind: 'heard', isUp: true });
    }
    for (const key of missing) {
      if (!birds.has(key)) birds.set(key, { key, name: nameOf(key), kind: 'missing', isUp: false });
    }
    for (const key of isUp ? linked : []) {
      const pair = [peerKey, key].sort() as [string, string];
      links.set(pair.join(), pair);
    }
  }
  return { birds: [...birds.values()], links: [...links.values()] };
}

/** Newest first. */
export function closedRounds(hello: Hello, runId: string | null, most: number): readonly ClosedRound[] {
  const rounds = new Map<number, Map<string, { entries: number; nodes: string[] }>>();
  for (const { runs, name } of hello.nodes) {
    for (const { round, root, entries } of runs.find(({ view }) => view.runId === runId)?.history.heads ??
      []) {
      const roots = rounds.get(round) ?? new Map<string, { entries: number; nodes: string[] }>();
      rounds.set(round, roots);
      const held = roots.get(root) ?? { entries, nodes: [] };
      roots.set(root, held);
      held.nodes.push(name);
    }
  }
  return [...rounds]
    .sort(([a], [b]) => b - a)
    .slice(0, most)
    .map(([round, roots]) => ({
      round,
      roots: [...roots]
        .map(([root, held]) => ({ root, ...held }))
        .sort((a, b) => b.nodes.length - a.nodes.length),
    }));
}

export interface Share {
  readonly name: string;
  readonly deltas: number;
  /** In [0, 1]. */
  readonly share: number;
}

/** Who contributed, as the node knows it that is furthest; most first. */
export function sharesOf(hello: Hello, runId: string | null): readonly Share[] {
  const names = namesOf(hello, runId);
  const views = viewsOf(hello.nodes, runId).toSorted((a, b) => b.finalisedRound - a.finalisedRound);
  const shares = views[0]?.contributions ?? [];
  return shares
    .map(({ peer, ...rest }) => ({ name: names.get(peer) ?? peer.slice(0, 8), ...rest }))
    .sort((a, b) => b.share - a.share);
}

export interface Advice {
  readonly text: string;
  /** Of whom it is said. */
  readonly nodes: readonly string[];
  readonly tone: 'trouble' | 'good';
}

/** What goes wrong and what to do, and what came of the run; the same sentence once for all nodes. */
export function adviceOf(hello: Hello, runId: string | null): readonly Advice[] {
  const said = new Map<string, { tone: Advice['tone']; nodes: string[] }>();
  const say = (text: string, tone: Advice['tone'], name: string): void => {
    const known = said.get(text) ?? { tone, nodes: [] };
    said.set(text, known);
    known.nodes.push(name);
  };
  const names = namesOf(hello, runId);
  for (const { name, view } of rowsOf(hello, runId)) {
    if (view === null) continue;
    for (const { author, text, isVerdict } of view.shown)
      if (isVerdict && author !== null)
        say(`${names.get(author) ?? author.slice(0, 8)}: ${text}`, 'trouble', name);
    for (const { text } of view.notices) say(text, 'trouble', name);
    if (view.outcomeText !== null)
      say(view.outcomeText, view.outcome === 'trained' || view.outcome === 'kept' ? 'good' : 'trouble', name);
    for (const text of [view.failure, view.trouble]) if (text !== null) say(text, 'trouble', name);
  }
  return [...said].map(([text, rest]) => ({ text, ...rest }));
}

/** Of the figure of all nodes a column each, over the rounds that any of them has. */
export function columnsOf(
  rows: readonly NodeRow[],
  figure: (point: HistoryPoint, row: NodeRow) => number | null,
): { readonly rounds: number[]; readonly columns: Array<Array<number | null>> } {
  const drawn = rows.map((row) => ({ ...row, points: thinned(row.points) }));
  const rounds = [...new Set(drawn.flatMap(({ points }) => points.map(({ round }) => round)))].sort(
    (a, b) => a - b,
  );
  const place = new Map(rounds.map((round, index) => [round, index]));
  const columns = drawn.map((row) => {
    const column = new Array<number | null>(rounds.length).fill(null);
    for (const point of row.points) column[place.get(point.round)!] = figure(point, row);
    return column;
  });
  return { rounds, columns };
}

/** More charts nobody looks at; a task says first what is to be looked at first. */
const measuresDrawnMax = 4;

/** What tasks measure besides the share of right answers, as it is known of any node. */
export function measuresOf(rows: readonly Pick<NodeRow, 'points'>[]): readonly string[] {
  const known = rows.flatMap(({ points }) =>
    Object.keys(points.findLast(({ measures }) => measures)?.measures ?? {}),
  );
  return [...new Set(known)].slice(0, measuresDrawnMax);
}

/** The last point of every `step` rounds, so that nodes keep the same rounds. */
function thinned(points: readonly HistoryPoint[]): readonly HistoryPoint[] {
  const step = Math.ceil(points.length / pointsDrawnMax);
  return step <= 1
    ? points
    : points.filter(
        ({ round }, index) =>
          Math.floor(round / step) !== Math.floor((points[index + 1]?.round ?? Infinity) / step),
      );
}

function viewsOf(nodes: readonly LiveNode[], runId: string | null): readonly RunView[] {
  return nodes.flatMap(({ runs }) => runs.flatMap(({ view }) => (view.runId === runId ? [view] : [])));
}

/** Null where the run is over, or nobody is there to be dialled. */
export function invitationOf(hello: Hello, runId: string | null): Invited | null {
  if (runId === null) return null;
  const rows = rowsOf(hello, runId).filter(({ isUp }) => isUp);
  const views = rows.flatMap(({ view }) => view ?? []);
  const here = new Set(rows.flatMap(({ id, view }) => (view?.run && view.phase !== 'finished' ? [id] : [])));
  const all = hello.nodes.flatMap(({ id, settings }) => (here.has(id) ? (settings?.addresses ?? []) : []));
  // The key of a private network and the secret of a hidden run are in no view: who is to have them is given them by `starlings invite`.
  return inviteTo(runId, views, all);
}
