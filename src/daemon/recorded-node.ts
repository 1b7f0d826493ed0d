/** What a node's directory tells of its runs when nobody can be asked any more: how they stood last, and what its log says. */
import { createReadStream, existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import { eventsMax, type LiveEvent, type LiveNode } from '../api/live.ts';
import { parseJson } from '../core/parse-json.ts';
import { sourceOf } from '../node/event-sources.ts';
import type { NodeEvent } from '../node/events.ts';
import { NodeError } from '../node/node-error.ts';
import { Histories, measuresByName } from '../node/view/histories.ts';
import { RunHistory } from '../node/view/run-history.ts';
import { peerName, type RunView } from '../node/view/run-view.ts';
import { eventText } from '../node/words/event-text.ts';
import { LOG_FILE, OLDER_LOG_FILE, RUNS_FOLDER } from './directory.ts';
import { readLastView } from './last-view.ts';

export interface RecordedNode {
  readonly node: LiveNode;
  /** The last of them, oldest first. */
  readonly events: readonly LiveEvent[];
}

const lineSchema = z.looseObject({ time: z.iso.datetime(), kind: z.string(), runId: z.string().optional() });

/** `name`: what the node is called. @throws NodeError where no run was ever here */
export async function recordedNode(directory: string, name: string): Promise<RecordedNode> {
  const runIds = await readdir(join(directory, RUNS_FOLDER)).catch(() => []);
  const views = runIds.flatMap((runId) => readLastView(directory, runId) ?? []);
  const [first] = views;
  if (!first) {
    throw new NodeError(
      'UNKNOWN_RUN',
      `${directory} holds no run of which anything is known: name the directory of a node or of a testnet`,
    );
  }
  const histories = new Histories();
  let events: LiveEvent[] = [];
  for (const file of [OLDER_LOG_FILE, LOG_FILE]) {
    for await (const event of eventsOf(join(directory, file), first.peerKey)) {
      note(histories, event);
      const told = inWords(event, name, views);
      if (told) events = [...events, told].slice(-eventsMax);
    }
  }
  const runs = views.map((view) => ({ view, history: withLast(view, histories) }));
  const node = { id: name, name, peerKey: first.peerKey, isUp: false, settings: null, runs };
  return { node, events };
}

/** What another version wrote may say less than it must. */
function note(histories: Histories, event: NodeEvent): void {
  try {
    histories.note(event);
  } catch {
    // Then there is no figure of it.
  }
}

/** Figures that the log does not have come from how the run stood last. */
function withLast(view: RunView, histories: Histories) {
  const history = RunHistory.of(histories.of(view.runId));
  const { finalisedRound: round, accuracy, heldOutLoss, bytesIn, bytesOut } = view;
  history.note(round, { accuracy, heldOutLoss, measures: measuresByName(view), bytesIn, bytesOut });
  return history.data();
}

async function* eventsOf(file: string, node: string): AsyncGenerator<NodeEvent> {
  if (!existsSync(file)) return;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const { data } = lineSchema.safeParse(parseJson(line));
    const source = data && sourceOf(data.kind);
    if (!data || !source) continue;
    const { time, runId = null } = data;
    // What this program wrote is what it says it is; what another version wrote fails where it is read.
    yield { source, atMs: Date.parse(time), node, runId, event: data } as unknown as NodeEvent;
  }
}

/** Null also for what cannot be understood. */
function inWords(event: NodeEvent, node: string, views: readonly RunView[]): LiveEvent | null {
  const view = views.find(({ runId }) => runId === event.runId);
  try {
    const said = eventText(event, (peer) => (view ? peerName(view, peer) : peer.slice(0, 8)));
    return said && { atMs: event.atMs, node, runId: event.runId, ...said };
  } catch {
    return null;
  }
}
