/** Writes a testnet that others start: keys, the signed run, a file for each node, and what the chosen target needs. */
import { chmodSync, chownSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { keyFileOf } from '../../daemon/directory.ts';
import { readRunFiles } from '../../learning/evaluation-set.ts';
import { logOf, namesMembers } from '../../methods/registry.ts';
import { type Identity, loadIdentity, peerIdOf } from '../../network/identity.ts';
import { createRun, writeManifestFile } from '../../node/files/manifest-file.ts';
import { writeFileAtomically } from '../../platform/node/atomic-file.ts';
import { createCrypto } from '../../platform/node/crypto.ts';
import { packageRoot, packageVersion } from '../../platform/node/package-root.ts';
import type { SignedManifest } from '../../run/manifest.ts';
import type { RunVectors } from '../../run/run-files.ts';
import { impossibleCombination } from '../../run/run-spec.ts';
import { refuseUnreadableData, taskKindOf } from '../../tasks/data/registry.ts';
import { namedData, splitData } from '../data-shares.ts';
import { TestnetError } from '../testnet-error.ts';
import {
  claimDirectory,
  type Member,
  manifestPath,
  notStarted,
  type TestnetState,
  writeState,
} from '../testnet-state.ts';
import type { UpOptions } from '../up-testnet.ts';
import { composeFile } from './compose.ts';
import { kubernetesFiles } from './kubernetes.ts';
import { type Placement, type Seat, seatsOf } from './plan.ts';
import { systemdUnits } from './systemd.ts';

export interface InitOptions
  extends Pick<
    UpOptions,
    | 'directory'
    | 'spec'
    | 'vectors'
    | 'alpha'
    | 'dataPaths'
    | 'splitPath'
    | 'slotMs'
    | 'backend'
    | 'compareAlone'
    | 'logLevel'
    | 'force'
    | 'say'
  > {
  readonly placement: Placement;
  readonly startDelayMs: number;
}

export interface Written {
  readonly runId: string;
  readonly startAtMs: number;
  readonly seats: readonly Seat[];
  /** Full addresses. */
  readonly bootstraps: readonly string[];
  /** Besides the directories of the members. */
  readonly files: readonly string[];
}

/** One to be, with its key. */
interface Keyed {
  readonly seat: Seat;
  readonly identity: Identity;
}

interface Prepared {
  readonly members: readonly Keyed[];
  readonly bootstraps: readonly string[];
  readonly run: SignedManifest;
  readonly vectors: RunVectors;
  /** By node; empty where each takes its share when it is started. */
  readonly data: readonly string[];
}

/** @throws TestnetError, system errors */
export async function initTestnet(given: InitOptions): Promise<Written> {
  const options = { ...given, directory: resolve(given.directory) };
  const { directory, placement, spec, force, say } = options;
  const impossible = impossibleCombination(spec, placement.nodes);
  if (impossible) throw new TestnetError('BAD_RUN', `${impossible.path.join('.')}: ${impossible.message}`);
  const vectors = await readRunFiles(options.vectors, spec);
  refuseUnfit(options, vectors);
  // Of other machines nothing is known here.
  const isElsewhere = placement.target !== 'processes' && options.dataPaths !== null;
  if (!isElsewhere) await refuseUnreadableData(spec.task, namedData(options));
  await claimDirectory(directory, { force });
  if (!force && readdirSync(directory).length > 0) {
    throw new TestnetError(
      'TESTNET_KEPT',
      `${directory} is not empty: choose another --out, or --force to write there`,
    );
  }
  const members: Keyed[] = [];
  for (const seat of seatsOf(placement)) {
    members.push({ seat, identity: await loadIdentity(keyFileOf(join(directory, seat.name))) });
  }
  const bootstraps = members.flatMap(({ seat, identity }) =>
    seat.role === 'bootstrap' ? [`${seat.dial}/p2p/${peerIdOf(identity.key)}`] : [],
  );
  const prepared = {
    members,
    bootstraps,
    ...{ run: await signed(options, members, vectors), vectors },
    data: await dataOf(options, members),
  };
  await writeNodes(options, prepared);
  const files = await writeTarget(options, prepared);
  for (const [name, text] of Object.entries(files)) await writeFileAtomically(join(directory, name), [text]);
  if ('keys.yaml' in files) chmodSync(join(directory, 'keys.yaml'), 0o600);
  const { runId, manifest } = prepared.run;
  say(`run      ${runId}`);
  return {
    ...{ runId, startAtMs: manifest.startAtMs, bootstraps, files: Object.keys(files) },
    seats: members.map(({ seat }) => seat),
  };
}

/** Before anything is replaced or made. @throws TestnetError */
function refuseUnfit({ placement, dataPaths }: InitOptions, vectors: RunVectors): void {
  if (placement.target === 'kubernetes' && Object.keys(vectors).length > 0) {
    throw new TestnetError(
      'BAD_RUN',
      'a run with files of weights does not fit into a ConfigMap: choose another target than kubernetes',
    );
  }
  if (placement.target === 'compose' && dataPaths !== null) {
    throw new TestnetError(
      'BAD_RUN',
      'containers see no paths of this machine: give --split in place of --data',
    );
  }
}

async function signed(
  { directory, spec, slotMs, startDelayMs }: InitOptions,
  members: readonly Keyed[],
  vectors: RunVectors,
): Promise<SignedManifest> {
  const named = members.flatMap(({ seat, identity }) => (seat.role === 'node' ? [identity.key] : []));
  const isNamed = spec.membership.kind !== 'allow-list' && namesMembers(spec.strategy);
  const { signer } = await loadIdentity(join(directory, 'creator.key'));
  const run = createRun(
    {
      ...{ ...spec, slotMs: slotMs ?? spec.slotMs },
      membership: isNamed ? { kind: 'allow-list', members: named } : spec.membership,
    },
    Date.now() + startDelayMs,
    createCrypto(),
    signer,
    vectors,
  );
  await writeManifestFile(manifestPath(directory), run, vectors);
  return run;
}

/** Shares lie with the nodes, so that a directory is all that a machine needs. In Kubernetes each makes its own. */
async function dataOf(options: InitOptions, members: readonly Keyed[]): Promise<readonly string[]> {
  const { directory, dataPaths, placement, spec, alpha, splitPath, say } = options;
  if (dataPaths !== null) return dataPaths.map((path) => resolve(path));
  if (placement.target === 'kubernetes') return [];
  const targets = members
    .filter(({ seat }) => seat.role === 'node')
    .map(({ seat }) => join(directory, seat.name, 'data'));
  say(await splitData({ spec, targets, alpha, source: splitPath }));
  return targets;
}

/** Not `run.manifest`, which a directory of the time when it belonged to one run held. */
const nodeManifest = 'testnet.manifest';
const inImage = '/var/lib/starlings';

async function writeNodes(
  options: InitOptions,
  { members, bootstraps, run, vectors, data }: Prepared,
): Promise<void> {
  const { directory, dataPaths, placement } = options;
  const nodes = members.filter(({ seat }) => seat.role === 'node');
  for (const [index, { seat }] of nodes.entries()) {
    if (placement.target === 'kubernetes') continue;
    const home = join(directory, seat.name);
    // What the node reads it must find wherever its directory is copied to.
    const own = dataPaths === null ? 'data' : data[index]!;
    await writeManifestFile(join(home, nodeManifest), run, vectors);
    await writeFileAtomically(join(home, 'node.yaml'), [
      nodeFile(options, seat, bootstraps, '.', nodeManifest, own),
    ]);
  }
}

function nodeFile(
  { backend, compareAlone, logLevel, placement }: InitOptions,
  { listen, dial, httpPort }: Pick<Seat, 'listen' | 'dial' | 'httpPort'>,
  bootstrap: readonly string[],
  ...[directory, run, data]: readonly [string, string, string]
): string {
  // Pods share a file, so each is told by a flag.
  const announce = placement.target === 'processes' || placement.target === 'kubernetes' ? [] : [dial];
  return stringify({
    ...{ directory, listen: [listen], announce, bootstrap, httpPort, logLevel },
    runs: [{ run, data, backend, compareAlone }],
  });
}

/** What the target is started by: name to content. */
async function writeTarget(
  options: InitOptions,
  prepared: Prepared,
): Promise<Readonly<Record<string, string>>> {
  const { directory, placement, spec, alpha, dataPaths } = options;
  const { members, bootstraps, run } = prepared;
  const seats = members.map(({ seat }) => seat);
  const image = `starlings:${packageVersion()}`;
  switch (placement.target) {
    case 'processes':
      await writeState(directory, stateOf(options, prepared));
      return {};
    case 'compose':
      return {
        'compose.yaml': composeFile({ seats, bootstraps, image, user: ownMembers(directory, seats) }),
      };
    case 'systemd':
      return systemdUnits(
        seats,
        bootstraps,
        await readFile(new URL('configs/systemd/starlings.service', packageRoot()), 'utf8'),
      );
    case 'kubernetes': {
      const keys = new Map<string, string>();
      for (const { name } of seats) keys.set(name, await readFile(keyFileOf(join(directory, name)), 'utf8'));
      const first = seats.find(({ role }) => role === 'node')!;
      const split =
        dataPaths === null && taskKindOf(spec.task).bundledData !== undefined
          ? { path: 'dist/data/mnist', alpha }
          : null;
      return kubernetesFiles({
        ...{ seats, bootstraps, image, keys, split, namespace: placement.namespace, manifest: run.bytes },
        nodeFile: nodeFile(
          options,
          first,
          bootstraps,
          inImage,
          '/etc/starlings/run.manifest',
          dataPaths?.[0] ?? `${inImage}/data`,
        ),
      });
    }
    default:
      return placement.target satisfies never;
  }
}

/** Containers of a user that is not root read what this user wrote; root gives it away. Returns `uid:gid`. */
function ownMembers(directory: string, seats: readonly Seat[]): string {
  const [uid, gid] = [process.getuid?.() ?? 1000, process.getgid?.() ?? 1000];
  if (uid !== 0) return `${uid}:${gid}`;
  const other = 10_001;
  for (const { name } of seats) {
    const home = join(directory, name);
    chownSync(home, other, other);
    for (const file of readdirSync(home, { recursive: true, encoding: 'utf8' }))
      chownSync(join(home, file), other, other);
  }
  return `${other}:${other}`;
}

function stateOf(
  { directory, spec, slotMs, backend, logLevel }: InitOptions,
  { members, run, data }: Prepared,
): TestnetState {
  const nodes = members.filter(({ seat }) => seat.role === 'node');
  return {
    ...{ version: 1, runId: run.runId, name: spec.name, createdAtMs: Date.now(), backend, logLevel },
    ...{ startAtMs: run.manifest.startAtMs, rounds: spec.rounds, slotMs: slotMs ?? spec.slotMs },
    windowRounds: logOf(spec.strategy)?.windowRounds ?? 0,
    members: members.map(({ seat }): Member => {
      const home = join(directory, seat.name);
      const { name, role, listen } = seat;
      const own = nodes.findIndex((node) => node.seat === seat);
      const ofNode = role === 'node' ? { data: data[own]!, config: join(home, 'node.yaml') } : { listen };
      return { name, role, directory: home, ...notStarted, ...ofNode };
    }),
  };
}
