/**
 * What whoever watches live is told, and what follows from it: a `hello` with everything as it stands, then `update`s. Pure:
 * nodes, the launcher of testnets and the page in the browser all keep a `LiveState`.
 */
import type { PeerKey } from '../core/io.ts';
import { addNote, type HistoryNote } from '../node/view/histories.ts';
import type { NodeSettings } from '../node/view/node-reader.ts';
import { type HistoryData, RunHistory } from '../node/view/run-history.ts';
import type { RunView } from '../node/view/run-view.ts';
import type { Tone } from '../node/words/event-text.ts';

export interface LiveEvent {
  readonly atMs: number;
  /** Id of the node where it happened. */
  readonly node: string;
  readonly runId: string | null;
  readonly tone: Tone;
  readonly text: string;
}

export interface LiveRun {
  readonly view: RunView;
  readonly history: HistoryData;
}

export interface LiveNode {
  /** Its key, or its name in a testnet: the same over a restart. */
  readonly id: string;
  /** What people call it. */
  readonly name: string;
  /** Null before it was ever heard. */
  readonly peerKey: PeerKey | null;
  /** Whether it answers. */
  readonly isUp: boolean;
  readonly settings: NodeSettings | null;
  readonly runs: readonly LiveRun[];
}

export interface Hello {
  readonly nodes: readonly LiveNode[];
  /** What happened lately, oldest first. */
  readonly events: readonly LiveEvent[];
}

/** Fields of a view that are others than they were. */
export interface ViewChange {
  readonly runId: string;
  readonly fields: { readonly [Field in keyof RunView]?: RunView[Field] | undefined };
}

/** Of one node; what is left out has not changed. */
export interface Update {
  readonly node: string;
  /** It came, or came back: all of it. */
  readonly renewed?: LiveNode | undefined;
  readonly isUp?: boolean | undefined;
  /** All runs of the node, as they stand: where one came or went. */
  readonly views?: readonly RunView[] | undefined;
  /** How they stand now, where none did. */
  readonly changes?: readonly ViewChange[] | undefined;
  readonly notes?: ReadonlyArray<{ readonly runId: string; readonly note: HistoryNote }> | undefined;
  /** Whose entries came. */
  readonly pulses?: readonly PeerKey[] | undefined;
  readonly events?: readonly LiveEvent[] | undefined;
  /** So many more events than were told. */
  readonly untold?: number | undefined;
}

/** Older events are forgotten. */
export const eventsMax = 200;

interface Known extends Omit<LiveNode, 'runs'> {
  readonly views: readonly RunView[];
  readonly histories: Map<string, RunHistory>;
}

export class LiveState {
  readonly #nodes = new Map<string, Known>();
  #events: LiveEvent[] = [];

  greet({ nodes, events }: Hello): void {
    const gone = new Set(this.#nodes.keys());
    for (const node of nodes) {
      gone.delete(node.id);
      this.#renew(node);
    }
    for (const id of gone) this.#nodes.delete(id);
    this.#remember(events);
  }

  apply(update: Update): void {
    if (update.renewed) this.#renew(update.renewed);
    const node = this.#nodes.get(update.node);
    if (!node) return;
    const { isUp = node.isUp, views = node.views, changes = [], notes = [], events = [] } = update;
    this.#nodes.set(node.id, { ...node, isUp, views: changedViews(views, changes) });
    for (const { runId, note } of notes) {
      const history = node.histories.get(runId) ?? new RunHistory();
      node.histories.set(runId, history);
      addNote(history, note);
    }
    this.#remember(events);
  }

  /** Everything, as a new watcher is told it. */
  hello(): Hello {
    const nodes = [...this.#nodes.values()].map(({ views, histories, ...node }) => ({
      ...node,
      runs: views.map((view) => ({
        view,
        history: (histories.get(view.runId) ?? new RunHistory()).data(),
      })),
    }));
    return { nodes, events: this.#events };
  }

  /** Whoever watches may know more of the past than a node that was started again. */
  #renew({ runs, ...node }: LiveNode): void {
    const histories = this.#nodes.get(node.id)?.histories ?? new Map<string, RunHistory>();
    for (const { view, history } of runs) {
      histories.set(view.runId, joined(histories.get(view.runId), history));
    }
    this.#nodes.set(node.id, { ...node, views: runs.map(({ view }) => view), histories });
  }

  /** What was told before, and is told again to who comes back, is known already. */
  #remember(events: readonly LiveEvent[]): void {
    if (events.length === 0) return;
    const sinceMs = Math.min(...events.map(({ atMs }) => atMs));
    const known = new Set(this.#events.filter(({ atMs }) => atMs >= sinceMs).map(identityOf));
    const fresh = events.filter((event) => !known.has(identityOf(event)));
    this.#events = [...this.#events, ...fresh].sort((a, b) => a.atMs - b.atMs).slice(-eventsMax);
  }
}

function identityOf({ atMs, node, runId, text }: LiveEvent): string {
  return JSON.stringify([atMs, node, runId, text]);
}

function joined(before: RunHistory | undefined, now: HistoryData): RunHistory {
  if (!before) return RunHistory.of(now);
  for (const { round, ...figures } of now.points) before.note(round, figures);
  for (const head of now.heads) before.close(head);
  for (const one of now.weighed) before.weigh(one);
  return before;
}

/** What became of `before`; null where other runs are there now. */
export function viewChanges(
  before: readonly RunView[],
  now: readonly RunView[],
): readonly ViewChange[] | null {
  if (before.length !== now.length || before.some(({ runId }, index) => runId !== now[index]!.runId))
    return null;
  return now.flatMap((view, index) => {
    const fields = changedFields(before[index]!, view);
    return fields.length === 0 ? [] : [{ runId: view.runId, fields: Object.fromEntries(fields) }];
  });
}

function changedFields(before: RunView, now: RunView): ReadonlyArray<readonly [string, unknown]> {
  return Object.entries(now).filter(([name, value]) => {
    const earlier = before[name as keyof RunView];
    return value !== earlier && JSON.stringify(value) !== JSON.stringify(earlier);
  });
}

function changedViews(views: readonly RunView[], changes: readonly ViewChange[]): readonly RunView[] {
  if (changes.length === 0) return views;
  const fieldsOf = new Map(changes.map(({ runId, fields }) => [runId, fields]));
  return views.map((view) => ({ ...view, ...fieldsOf.get(view.runId) }) as RunView);
}

/** Where watchers are told from: one node, or all of a testnet. */
export interface LiveFeed {
  hello(): Hello;
  /** Until the returned function is called. */
  subscribe(listener: (update: Update) => void): () => void;
}
