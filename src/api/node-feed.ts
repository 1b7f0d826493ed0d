/** What a node tells those who watch it live: at once and in words what happens, once a second how its runs stand. */
import type { PeerKey } from '../core/io.ts';
import type { NodeControl } from '../node/commands/node-command.ts';
import type { NodeEvent } from '../node/events.ts';
import type { HistoryNote } from '../node/view/histories.ts';
import type { NodeReader } from '../node/view/node-reader.ts';
import { peerName, type RunView } from '../node/view/run-view.ts';
import { eventText } from '../node/words/event-text.ts';
import { eventsMax, type Hello, type LiveEvent, type LiveFeed, type Update, viewChanges } from './live.ts';

/** Sentences that come within it of others travel together: well below what people notice. The first of them goes at once. */
const gatherMs = 50;
/** Figures and pulses wait for others so long. */
const quietMs = 250;
/** Between two looks at how the runs stand, as long as somebody watches. */
const lookEveryMs = 1000;
/** Of one gathering: strangers may cause them without end. */
const pulsesMax = 64;
/** A node that catches up closes many rounds at once. */
const notesMax = 256;
const eventsPerUpdateMax = 32;
/** Of what a stranger may have worded. */
const textMax = 400;

export interface NodeFeedOptions {
  readonly source: NodeControl & NodeReader;
  /** Hears every event, and what it adds to the history of its run. */
  readonly subscribe: (listener: (event: NodeEvent, note: HistoryNote | null) => void) => () => void;
}

interface Gathering {
  readonly notes: Array<{ readonly runId: string; readonly note: HistoryNote }>;
  readonly pulses: Set<PeerKey>;
  readonly events: LiveEvent[];
  untold: number;
}

const nothing = (): Gathering => ({ notes: [], pulses: new Set(), events: [], untold: 0 });

export class NodeFeed implements LiveFeed {
  readonly #options: NodeFeedOptions;
  readonly #listeners = new Set<(update: Update) => void>();
  readonly #unsubscribe: () => void;
  /** Kept for who comes later. */
  #events: LiveEvent[] = [];
  #gathering = nothing();
  #gatherTimer: NodeJS.Timeout | null = null;
  /** When it is due, and when the last went, by a clock that never goes back. */
  #dueMs = Infinity;
  #flushedMs = -Infinity;
  #lookTimer: NodeJS.Timeout | null = null;
  #views: readonly RunView[] = [];

  constructor(options: NodeFeedOptions) {
    this.#options = options;
    this.#views = options.source.views();
    this.#unsubscribe = options.subscribe((event, note) => this.#hear(event, note));
  }

  stop(): void {
    this.#unsubscribe();
    this.#listeners.clear();
    this.#rest();
  }

  hello(): Hello {
    const { source } = this.#options;
    // Others hear as well what is told to a newcomer: from here on all are told what changes after it.
    this.#look();
    const { peerKey } = source.summary();
    const runs = this.#views.map((view) => ({ view, history: source.history(view.runId) }));
    const name = this.#nameOf(peerKey, null);
    const node = { id: peerKey, name, peerKey, isUp: true, settings: source.settings(), runs };
    return { nodes: [node], events: this.#events };
  }

  subscribe(listener: (update: Update) => void): () => void {
    this.#listeners.add(listener);
    this.#lookTimer ??= setInterval(() => this.#look(), lookEveryMs);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#rest();
    };
  }

  #rest(): void {
    if (this.#lookTimer) clearInterval(this.#lookTimer);
    this.#lookTimer = null;
    this.#cancelFlush();
    this.#gathering = nothing();
  }

  #hear(event: NodeEvent, note: HistoryNote | null): void {
    const { runId, atMs, node } = event;
    const gathering = this.#gathering;
    const said = eventText(event, (peer) => this.#nameOf(peer, runId));
    if (said !== null) {
      const told = { atMs, node, runId, tone: said.tone, text: said.text.slice(0, textMax) };
      this.#events = [...this.#events, told].slice(-eventsMax);
      if (gathering.events.length < eventsPerUpdateMax) gathering.events.push(told);
      else gathering.untold += 1;
    }
    if (this.#listeners.size === 0) {
      this.#gathering = nothing();
      return;
    }
    if (note !== null && runId !== null && gathering.notes.length < notesMax) {
      gathering.notes.push({ runId, note });
    }
    const author = authorOf(event);
    if (author !== null && gathering.pulses.size < pulsesMax) gathering.pulses.add(author);
    if (said === null && note === null && author === null) return;
    const nowMs = performance.now();
    this.#flushBy(said === null ? nowMs + quietMs : Math.max(nowMs, this.#flushedMs + gatherMs), nowMs);
  }

  #flushBy(atMs: number, nowMs: number): void {
    if (atMs >= this.#dueMs) return;
    this.#cancelFlush();
    this.#dueMs = atMs;
    this.#gatherTimer = setTimeout(() => this.#flush(), atMs - nowMs);
  }

  #cancelFlush(): void {
    if (this.#gatherTimer) clearTimeout(this.#gatherTimer);
    this.#gatherTimer = null;
    this.#dueMs = Infinity;
  }

  #look(): void {
    const views = this.#options.source.views();
    const changes = viewChanges(this.#views, views);
    this.#views = views;
    if (changes === null) this.#flush({ views });
    else if (changes.length > 0) this.#flush({ changes });
  }

  #flush(how: Pick<Update, 'views' | 'changes'> = {}): void {
    this.#cancelFlush();
    this.#flushedMs = performance.now();
    const { notes, pulses, events, untold } = this.#gathering;
    this.#gathering = nothing();
    const update: Update = {
      node: this.#options.source.summary().peerKey,
      ...how,
      ...(notes.length > 0 ? { notes } : {}),
      ...(pulses.size > 0 ? { pulses: [...pulses] } : {}),
      ...(events.length > 0 ? { events } : {}),
      ...(untold > 0 ? { untold } : {}),
    };
    for (const listener of this.#listeners) listener(update);
  }

  /** As the manifest of the run has it, as of the last look. */
  #nameOf(peer: PeerKey, runId: string | null): string {
    const view =
      this.#views.find((each) => each.runId === runId) ??
      this.#views.find(({ members }) => members.names[peer] !== undefined);
    return view ? peerName(view, peer) : peer.slice(0, 8);
  }
}

/** Who published, where the event says so. */
function authorOf({ event, node }: NodeEvent): PeerKey | null {
  if (event.kind === 'published') return node;
  return event.kind === 'accepted' ? event.author : null;
}
