/** All nodes of a testnet as one: what each tells those who watch it is told again under its name. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EventSourceMessage } from 'eventsource-parser';
import { liveMessages } from '../api/control-client.ts';
import { type Hello, type LiveEvent, type LiveFeed, LiveState, type Update } from '../api/live.ts';
import { helloSchema, updateSchema } from '../api/live-schema.ts';
import { parseJson } from '../core/parse-json.ts';
import { TOKEN_FILE } from '../daemon/directory.ts';
import { readLastView } from '../daemon/last-view.ts';
import { readTokenFile } from '../daemon/token-file.ts';
import { RunHistory } from '../node/view/run-history.ts';
import { calledBy, siteNames } from './site-names.ts';
import { readMemberInfo } from './spawn-daemon.ts';
import { type Member, readState, type TestnetState } from './testnet-state.ts';

/** Between two tries to reach a node. Guess. */
const retryMs = 500;

/** A node says that it came by a hello. Made once: zod compiles a schema where it is first used. */
const toldSchema = updateSchema.omit({ renewed: true });

export class FlockFeed implements LiveFeed {
  readonly #directory: string;
  readonly #state = new LiveState();
  readonly #listeners = new Set<(update: Update) => void>();
  readonly #stopper = new AbortController();
  /** What the data of nodes is called, where that tells them apart. */
  readonly #sites: ReadonlyMap<string, string>;

  /** `directory`: of the testnet, as `state` was read from it. */
  constructor(directory: string, { members, runId }: TestnetState) {
    this.#directory = directory;
    const nodes = members.filter(({ role }) => role === 'node');
    this.#sites = siteNames(members);
    const known = nodes.map((member) => unheard(member, runId, calledBy(this.#sites, member.name)));
    this.#state.greet({ nodes: known, events: [] });
    for (const { name } of nodes) void this.#follow(name);
  }

  stop(): void {
    this.#stopper.abort();
    this.#listeners.clear();
  }

  hello(): Hello {
    return this.#state.hello();
  }

  subscribe(listener: (update: Update) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** For as long as the feed goes on: nodes end and are started again. */
  async #follow(name: string): Promise<void> {
    const { signal } = this.#stopper;
    while (!signal.aborted) {
      let wasHeard = false;
      try {
        const { members } = await readState(this.#directory);
        const member = members.find((each) => each.name === name);
        for await (const { event, data } of messagesOf(member, signal)) {
          wasHeard = true;
          this.#hear(name, event, parseJson(data));
        }
      } catch {
        // It is not there, or not any more: what that means is shown by isUp.
      }
      if (wasHeard) this.#tell({ node: name, isUp: false });
      await delay(retryMs, undefined, { signal }).catch(() => {});
    }
  }

  #hear(name: string, kind: string | undefined, data: unknown): void {
    if (kind === 'hello') {
      const { nodes, events } = helloSchema.parse(data);
      if (!nodes[0]) return;
      const renewed = { ...nodes[0], id: name, name: calledBy(this.#sites, name) };
      this.#tell({ node: name, renewed, events: under(name, events) });
    } else if (kind === 'update') {
      const update = toldSchema.parse(data);
      this.#tell({ ...update, node: name, events: update.events && under(name, update.events) });
    }
  }

  #tell(update: Update): void {
    this.#state.apply(update);
    for (const listener of this.#listeners) listener(update);
  }
}

/** What a node tells, until it is gone. */
async function* messagesOf(
  member: Member | undefined,
  signal: AbortSignal,
): AsyncGenerator<EventSourceMessage> {
  const http = member && readMemberInfo(member)?.http;
  if (!http) return;
  const token = await readTokenFile(join(member.directory, TOKEN_FILE));
  yield* liveMessages({ url: http, token }, signal);
}

function under(name: string, events: readonly LiveEvent[]): LiveEvent[] {
  return events.map((event) => ({ ...event, node: name }));
}

/** As its directory has it, before it was heard. */
function unheard(
  { name: id, directory }: Member,
  runId: string | null,
  name: string,
): Hello['nodes'][number] {
  const view = runId === null ? null : readLastView(directory, runId);
  const runs = view === null ? [] : [{ view, history: new RunHistory().data() }];
  return { id, name, peerKey: view?.peerKey ?? null, isUp: false, settings: null, runs };
}
