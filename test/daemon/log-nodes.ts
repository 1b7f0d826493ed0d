/** Daemons in this process that take part in a run which keeps a log. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { CommandAnswer } from '../../src/api/control-client.ts';
import { commandNode } from '../../src/daemon/connect.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import type { RunningNode } from '../../src/daemon/options.ts';
import { createRun, writeManifestFile } from '../../src/node/files/manifest-file.ts';
import type { SignedManifest } from '../../src/run/manifest.ts';
import { type RunSpec, runSpecSchema } from '../../src/run/run-spec.ts';
import { crypto, signerOf } from '../log/small-run.ts';

const never = new AbortController().signal;

export function logRun(kinds: readonly object[], fields: object = {}): RunSpec {
  return runSpecSchema.parse({
    ...{ name: 'registry', model: { kind: 'nothing' }, task: { kind: 'nothing' } },
    strategy: { id: 'log', windowRounds: 3, snapshotRounds: 8, kinds },
    ...{ rounds: 2147483647, slotMs: 300 },
    ...fields,
  });
}

export interface LogNode {
  readonly key: string;
  readonly home: string;
  command(id: string, input?: Record<string, unknown>): Promise<CommandAnswer>;
  stop(): Promise<void>;
}

export class LogNodes {
  readonly folder: string;
  #run: SignedManifest | null = null;
  readonly #manifest: string;
  #bootstrap: readonly string[] = [];
  readonly #stops: (() => Promise<void>)[] = [];

  private constructor(folder: string) {
    this.folder = folder;
    this.#manifest = join(folder, 'run.manifest');
  }

  static async of(spec: RunSpec): Promise<LogNodes> {
    const nodes = await LogNodes.prepared();
    await nodes.sign(spec);
    return nodes;
  }

  /** A folder, for what has to be there before the run is signed. */
  static async prepared(): Promise<LogNodes> {
    const folder = await mkdtemp(join(tmpdir(), 'starlings-community-'));
    const nodes = new LogNodes(folder);
    // A hook that fails keeps those after it from running, and a node that lives on keeps this process from ending.
    after(() => nodes.#end());
    return nodes;
  }

  async #end(): Promise<void> {
    await Promise.allSettled(this.#stops.map((stop) => stop()));
    await rm(this.folder, { recursive: true, force: true });
  }

  /** It begins now. */
  async sign(spec: RunSpec): Promise<void> {
    this.#run = createRun(spec, Date.now(), crypto, signerOf(9));
    await writeManifestFile(this.#manifest, this.#run);
  }

  get run(): SignedManifest {
    return this.#run!;
  }

  at(...names: string[]): string {
    return join(this.folder, ...names);
  }

  async start(name: string): Promise<LogNode> {
    const stopper = new AbortController();
    const home = this.at(name);
    const running: RunningNode = await startDaemon(
      {
        ...{ directory: home, listen: ['/ip4/127.0.0.1/tcp/0'], announce: [], bootstrap: this.#bootstrap },
        ...{ logLevel: 'debug', httpPort: 0, retention: 'everything', tell: () => {} },
        runs: [{ run: this.#manifest, data: '', backend: 'wasm' }],
      },
      stopper.signal,
    );
    this.#bootstrap = [...this.#bootstrap, ...running.info.addresses];
    const stop = async (): Promise<void> => {
      stopper.abort();
      await running.closed;
    };
    this.#stops.push(stop);
    const command = (id: string, input: Record<string, unknown> = {}) => commandNode(home, id, input, never);
    return { key: running.info.peerKey, home, command, stop };
  }
}

/** What `look` finds; what it throws meanwhile is no answer. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | false>,
  deadlineMs = 30_000,
): Promise<T> {
  const endMs = Date.now() + deadlineMs;
  let why: unknown = null;
  for (;;) {
    const found = await look().catch((error: unknown) => {
      why = error;
      return null;
    });
    if (found !== null && found !== false) return found;
    assert.ok(Date.now() < endMs, `not within ${deadlineMs} ms: ${what} (${String(why)})`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}
