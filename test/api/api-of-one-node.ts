/** The API around a node that stands still: what it answers is set by the test, and events happen when it says so. */
import { startControlServer } from '../../src/api/control-server.ts';
import { type ListenAddress, loopback } from '../../src/api/listen-address.ts';
import type { NodeSource } from '../../src/api/read-routes.ts';
import type { NodeEvent } from '../../src/node/events.ts';
import { Histories, type HistoryNote } from '../../src/node/view/histories.ts';
import type { RunView } from '../../src/node/view/run-view.ts';

export const peerKey = 'ab'.repeat(32);
export const token = '7'.repeat(64);

export interface StillNode {
  readonly http: string;
  readonly errors: unknown[];
  /** How often it was asked what it was started with. */
  readonly timesSettingsWereAsked: () => number;
  /** How its runs stand from now on. */
  show(views: readonly RunView[]): void;
  say(event: Partial<NodeEvent> & Pick<NodeEvent, 'source' | 'event'>): void;
  close(): Promise<void>;
}

export async function apiOf(given: readonly RunView[], at: ListenAddress | number = 0): Promise<StillNode> {
  const histories = new Histories();
  const listeners = new Set<(event: NodeEvent, note: HistoryNote | null) => void>();
  const errors: unknown[] = [];
  const standing = { views: given };
  let settingsAsked = 0;
  const source: NodeSource = {
    summary: () => ({
      ...{ peerKey, peerId: '12D3', addresses: [], content: null, bytesIn: 1, bytesOut: 2 },
    }),
    views: () => standing.views,
    settings: () => {
      settingsAsked++;
      return {
        ...{ version: '1.2.3', node: 'v22', platform: 'linux', listen: [], announce: [], bootstrap: [] },
        ...{ connectivity: null, retention: 'snapshots', contentBytesMax: 0, trust: [], logLevel: 'info' },
        ...{ limits: {}, addresses: [], untried: [] },
      };
    },
    peers: async () => [],
    manifest: () => null,
    history: (runId) => histories.of(runId),
    network: async () => new Map(),
    heldEntries: async () => ({ entries: [], next: null }),
    heldEntry: async () => null,
    join: async () => standing.views[0]!,
    leave: async () => false,
    pause: async () => false,
    resume: async () => standing.views[0]!,
    check: async () => ({ runId: 'run', report: { files: [], parts: [], columns: null, refused: [] } }),
    evaluate: async () => ({ accuracy: 1, loss: 0, examples: 1 }),
    write: async () => ({ refused: 'no' }),
    invite: async () => '80',
    stateOf: () => null,
    blobs: () => {
      throw new Error('this node keeps no blobs');
    },
    refuse: () => {},
    stop: () => {},
  };
  const server = await startControlServer({
    at: typeof at === 'number' ? loopback(at) : at,
    source,
    token,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onError: (error) => errors.push(error),
  });
  return {
    http: server.url,
    errors,
    timesSettingsWereAsked: () => settingsAsked,
    show: (views) => {
      standing.views = views;
    },
    say: (happened) => {
      const event = { atMs: Date.now(), node: peerKey, runId: 'run', ...happened } as NodeEvent;
      const note = histories.note(event);
      for (const listener of listeners) listener(event, note);
    },
    close: () => server.close(),
  };
}
