/** Starts the processes of a testnet, one after another, and keeps `testnet.json` true while it does. */
import { join } from 'node:path';
import type { DaemonInfo } from '../daemon/daemon-info.ts';
import type { LogLevel } from '../daemon/options.ts';
import { writeFileAtomically } from '../platform/node/atomic-file.ts';
import { makeDirectory } from '../platform/node/make-directory.ts';
import type { BackendChoice } from '../tensor/backend-choices.ts';
import { ensureLine, innerPort, isDelayed, type Line, lineOf, linePort } from './lines.ts';
import { memberName } from './member-name.ts';
import { type SpawnedDaemon, spawnDaemon, waitUntilReady } from './spawn-daemon.ts';
import { type Member, manifestPath, type TestnetState, writeState } from './testnet-state.ts';

/** Where nodes write figures besides. */
export interface FigureTargets {
  readonly tensorboard?: string;
  readonly csv?: string;
  readonly mlflow?: string;
}

export interface LauncherOptions {
  readonly directory: string;
  readonly backend: BackendChoice;
  /** What trains at each node in place of TensorFlow.js; null: nothing does. */
  readonly trainer: string | null;
  /** Each node trains a twin alone beside. */
  readonly compareAlone: boolean;
  /** Where each node writes its figures under its name; paths are whole. */
  readonly figures?: FigureTargets | undefined;
  readonly logLevel: LogLevel;
  /** The processes end with us. */
  readonly attached: boolean;
  /** Script of the command line, which every process runs. */
  readonly entry: URL;
}

export interface ReadyMember {
  readonly member: Member;
  readonly info: DaemonInfo;
}

/** A process to be: a bootstrap, or the node with this data. */
type Launch =
  | { readonly role: 'bootstrap'; readonly index: number; readonly listen?: string | undefined }
  | {
      readonly role: 'node';
      readonly index: number;
      readonly data: string;
      readonly bootstrap: readonly string[];
      /** Its file of settings, which says everything else. */
      readonly config?: string | undefined;
    };

/** Of a node on a line of its own: where its API is. */
const LINE_FILE = 'line.yaml';
const readyDeadlineMs = 60_000;
const loopback = '/ip4/127.0.0.1/tcp/0';

export class Launcher {
  readonly #options: LauncherOptions;
  #state: TestnetState;

  constructor(options: LauncherOptions, state: TestnetState) {
    this.#options = options;
    this.#state = state;
  }

  /** What `testnet.json` says, or will with the next write. */
  get state(): TestnetState {
    return this.#state;
  }

  async note(fields: Partial<TestnetState>): Promise<void> {
    this.#state = { ...this.#state, ...fields };
    await writeState(this.#options.directory, this.#state);
  }

  /** Resolves when all are ready. @throws TestnetError, system errors, `signal.reason` */
  async launchAll(launches: readonly Launch[], signal: AbortSignal): Promise<ReadyMember[]> {
    const spawned: SpawnedDaemon[] = [];
    for (const launch of launches) spawned.push(await this.#launch(launch, signal));
    const infos = await Promise.all(spawned.map((daemon) => waitUntilReady(daemon, readyDeadlineMs, signal)));
    return spawned.map(({ member }, index) => ({ member, info: infos[index]! }));
  }

  async #launch(launch: Launch, signal: AbortSignal): Promise<SpawnedDaemon> {
    signal.throwIfAborted();
    const { directory, entry, logLevel, attached } = this.#options;
    const name = memberName(launch.role, launch.index);
    const home = join(directory, name);
    const { role } = launch;
    const line = await this.#lineOf(launch, home);
    const args = [...this.#argsOf(launch, line), '--dir', home, '--log-level', logLevel];
    const namespace = line?.namespace ?? null;
    const daemon = await spawnDaemon({ entry, args, name, role, directory: home, namespace, attached });
    const member = { ...daemon.member, ...keptOf(launch) };
    const before = this.#state.members.findIndex((known) => known.name === name);
    const members = before < 0 ? [...this.#state.members, member] : this.#state.members.with(before, member);
    // Before anything else can fail: `testnet down` must find the process.
    await this.note({ members });
    return { ...daemon, member };
  }

  /** Made where it is not there. Nobody outside reaches the loopback interface of a namespace, so that the API is a file. */
  async #lineOf({ role, index }: Launch, home: string): Promise<Line | null> {
    const { shape } = this.#state;
    if (!shape) return null;
    const line = lineOf(shape, role, index);
    await ensureLine(shape, line);
    makeDirectory(home);
    const api = { listen: `unix:${join(home, 'api.sock')}` };
    await writeFileAtomically(join(home, LINE_FILE), [`${JSON.stringify({ api })}\n`]);
    return line;
  }

  /** On a line of its own it is on a private network, where nothing else is to be found. */
  #wayOf(line: Line | null, listen: string): string[] {
    if (line === null) return ['--listen', listen];
    const way = `/ip4/${line.address}/tcp/${linePort}`;
    const at = isDelayed(this.#state.shape!)
      ? ['--listen', `/ip4/127.0.0.1/tcp/${innerPort}`, '--announce', way]
      : ['--listen', way];
    return [...at, '--no-mdns', '--no-relay'];
  }

  #argsOf(launch: Launch, line: Line | null): string[] {
    const { directory, backend, trainer, compareAlone, figures = {} } = this.#options;
    const name = memberName(launch.role, launch.index);
    switch (launch.role) {
      case 'bootstrap':
        return ['bootstrap', ...this.#wayOf(line, launch.listen ?? loopback)];
      case 'node':
        if (launch.config !== undefined)
          return ['node', '--config', launch.config, ...figureArgs(figures, name)];
        return [
          ...[
            'node',
            ...this.#wayOf(line, loopback),
            '--run',
            manifestPath(directory),
            '--data',
            launch.data,
          ],
          ...(line === null ? ['--http', '0'] : ['--config', join(directory, name, LINE_FILE)]),
          ...['--backend', backend],
          ...(trainer === null ? [] : ['--trainer', trainer]),
          ...(compareAlone ? ['--compare-alone'] : []),
          ...figureArgs(figures, name),
          ...launch.bootstrap.flatMap((address) => ['--bootstrap', address]),
        ];
      default:
        return launch satisfies never;
    }
  }
}

/** What it takes to start it again. */
function keptOf(launch: Launch): Pick<Member, 'data' | 'config' | 'listen'> {
  const { listen, config, data } = { listen: undefined, config: undefined, data: undefined, ...launch };
  return {
    ...(data === undefined ? {} : { data }),
    ...(config === undefined ? {} : { config }),
    ...(listen === undefined ? {} : { listen }),
  };
}

function figureArgs({ tensorboard, csv, mlflow }: FigureTargets, name: string): string[] {
  const targets = [
    ...(tensorboard === undefined ? [] : ['--tensorboard', tensorboard]),
    ...(csv === undefined ? [] : ['--csv', csv]),
    ...(mlflow === undefined ? [] : ['--mlflow', mlflow]),
  ];
  return targets.length === 0 ? [] : [...targets, '--figures-name', name];
}
