/** Looks at everything that the doctor judges: the directory, the machine, the API of the node, and the network as a stranger sees it. */

import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import * as z from 'zod';
import { type NodeDoor, readPath } from '../../api/control-client.ts';
import { isLoopback } from '../../api/listen-address.ts';
import { reasonOf } from '../../core/as-error.ts';
import { tcpPartsOf } from '../../network/host/address-parts.ts';
import { loadIdentity, loadNetworkKey, readKeyFile } from '../../network/identity.ts';
import { routerOf } from '../../network/nat-pmp/gateway.ts';
import { createProbeHost, findHolders, type Holder, type Probe, probeAddress } from '../../network/probe.ts';
import { hiddenById } from '../../node/hidden-session.ts';
import {
  type NodeSettings,
  nodeSettingsSchema,
  type PeerSummary,
  peerSummarySchema,
} from '../../node/view/node-reader.ts';
import { type RunView, runViewSchema } from '../../node/view/run-view.ts';
import { identifyProcess } from '../../platform/node/process-identity.ts';
import { wallClock } from '../../platform/node/wall-clock.ts';
import { rememberedAddresses } from '../address-book.ts';
import { doorOf } from '../connect.ts';
import { type ConnectivityGiven, connectivitySchema } from '../connectivity.ts';
import { DAEMON_INFO_FILE, type DaemonInfo, readDaemonInfo } from '../daemon-info.ts';
import { isOfBootstrap, keyFileOf, networkKeyOf, TOKEN_FILE } from '../directory.ts';
import { logFileBytesMax } from '../log-file.ts';
import { runSecret } from '../run-secret.ts';
import type { DoctorFacts, ExaminedRun, NetworkFacts, PlaceFacts, Privacy, ProcessFacts } from './facts.ts';
import { planOf } from './run-plan.ts';

export interface Subject {
  /** Null: an API alone is asked. */
  readonly directory: string | null;
  /** Null: that of the directory. */
  readonly api: NodeDoor | null;
  /** Of a node that may not run yet; what a running one says goes before. */
  readonly settings: {
    readonly keyFile: string | null;
    readonly listen: readonly string[];
    readonly announce: readonly string[];
    readonly bootstrap: readonly string[];
    readonly connectivity: ConnectivityGiven;
    readonly contentBytesMax: number;
    readonly runs: readonly { readonly run: string; readonly data: string | null }[];
  };
  /** For each step over the network. */
  readonly timeoutMs: number;
}

/** What a running node answers. */
interface Answers {
  readonly settings: NodeSettings;
  readonly views: readonly RunView[];
  readonly peers: readonly PeerSummary[];
  readonly peerKey: string;
}

/** @throws the reason of the signal; all else is a fact */
export async function gatherFacts(subject: Subject, signal: AbortSignal): Promise<DoctorFacts> {
  const { directory, settings } = subject;
  const info = directory === null ? null : readDaemonInfo(directory);
  const { process, answers } = await askNode(subject, info, signal);
  const key = await keyOf(subject, answers);
  const remembered = directory === null ? [] : await rememberedAddresses(directory);
  const lock = await lockOf(subject, answers);
  const { privacy } = lock;
  const host = await createProbeHost(randomBytes(32), lock.key);
  await host.start();
  try {
    const probing = { host, timeoutMs: subject.timeoutMs, signal, clock: wallClock };
    const probeAll = (addresses: readonly string[]): Promise<Probe[]> =>
      Promise.all(
        (privacy.kind === 'locked' ? [] : addresses).map((address) => probeAddress(address, probing)),
      );
    const named = answers?.settings.bootstrap ?? settings.bootstrap;
    const own = answers?.settings.addresses ?? (process.kind === 'bootstrap' ? (info?.addresses ?? []) : []);
    const [bootstraps, doors, router] = await Promise.all([
      probeAll(named),
      probeAll(own),
      isElsewhere(subject) ? null : routerOf(subject.timeoutMs),
    ]);
    // Who remembers peers, or has some, finds the others through them.
    await probeAll(
      [...remembered, ...(answers?.peers.flatMap(({ addresses }) => addresses) ?? [])].slice(0, 16),
    );
    const isKnown = host.libp2p.getConnections().length > 0;
    const holdersOf = (runId: string, secret: Uint8Array | null): Promise<Holder[] | null> => {
      const hidden = hiddenById(runId, secret ?? undefined);
      return isKnown ? findHolders({ runId, hidden }, probing) : Promise.resolve(null);
    };
    const network: NetworkFacts = {
      ...{ privacy, doors, bootstraps, router, remembered: remembered.length, peers: answers?.peers ?? [] },
      connectivity: answers ? answers.settings.connectivity : null,
      addresses: own.length > 0 ? own : settings.announce,
      untried: answers?.settings.untried ?? (process.kind === 'bootstrap' ? (info?.untried ?? []) : []),
      announces: (answers?.settings.announce ?? settings.announce).length > 0,
      closedPorts:
        process.kind === 'none' || process.kind === 'killed' ? await closedPorts(settings.listen) : [],
    };
    return {
      nowMs: wallClock.nowMs(),
      place: directory === null ? null : placeOf(directory, subject, key.problem, answers),
      machine: isElsewhere(subject) ? null : { memoryFreeBytes: globalThis.process.availableMemory() },
      ...{ process, network },
      runs: await runsOf(subject, answers, key.key, holdersOf),
    };
  } finally {
    await host.stop();
  }
}

async function askNode(
  { directory, api: given, timeoutMs }: Subject,
  info: DaemonInfo | null,
  signal: AbortSignal,
): Promise<{ readonly process: ProcessFacts; readonly answers: Answers | null }> {
  const http = given?.url ?? info?.http ?? null;
  const isAlive = info !== null && identifyProcess(info.pid).startTime !== null;
  if (http === null) {
    if (info === null) return { process: { kind: 'none' }, answers: null };
    const { pid, peerKey } = info;
    const file = join(directory ?? '', DAEMON_INFO_FILE);
    return {
      process: isAlive ? { kind: 'bootstrap', pid, peerKey } : { kind: 'killed', pid, file },
      answers: null,
    };
  }
  try {
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const door = given ?? (await doorOf(directory!));
    const [status, settings, peers] = await Promise.all([
      readPath(door, '/status', inTime),
      readPath(door, '/config', inTime),
      readPath(door, '/peers', inTime),
    ]);
    const { node, runs } = statusSchema.parse(status);
    if (given === null && info !== null && node.peerKey !== info.peerKey) {
      return { process: { kind: 'stranger', http, peerKey: node.peerKey }, answers: null };
    }
    const answers: Answers = {
      ...{ settings: nodeSettingsSchema.parse(settings), views: runs, peerKey: node.peerKey },
      peers: z.array(peerSummarySchema).parse(peers),
    };
    const { version } = answers.settings;
    return { process: { kind: 'answers', http, peerKey: node.peerKey, version }, answers };
  } catch (error) {
    signal.throwIfAborted();
    if (given === null && info !== null && !isAlive) {
      return {
        process: { kind: 'killed', pid: info.pid, file: join(directory!, DAEMON_INFO_FILE) },
        answers: null,
      };
    }
    const reason = reasonOf(error);
    if ((error as NodeJS.ErrnoException).code === 'NO_TOKEN')
      return { process: { kind: 'closed', http, reason }, answers: null };
    const pid = given === null ? (info?.pid ?? null) : null;
    return { process: { kind: 'silent', pid, http, reason }, answers: null };
  }
}

/** An API that is asked with TLS may be anywhere; all others are on this machine. */
function isElsewhere({ api }: Subject): boolean {
  if (!api?.url.startsWith('https:')) return false;
  return !isLoopback(new URL(api.url).hostname.replaceAll(/[[\]]/g, ''));
}

const statusSchema = z.object({ node: z.object({ peerKey: z.string() }), runs: z.array(runViewSchema) });

/** Of a file that is there; looking must not make one. */
async function keyOf(
  { directory, settings: { keyFile } }: Subject,
  answers: Answers | null,
): Promise<{ readonly key: string | null; readonly problem: string | null }> {
  const file = keyFile ?? (directory === null ? null : keyFileOf(directory));
  if (file === null || !existsSync(file)) return { key: answers?.peerKey ?? null, problem: null };
  try {
    return { key: (await loadIdentity(file)).key, problem: null };
  } catch (error) {
    return { key: answers?.peerKey ?? null, problem: reasonOf(error) };
  }
}

/** What `starlings join` was given lies in the directory. */
async function lockOf(
  { directory, settings }: Subject,
  answers: Answers | null,
): Promise<{ readonly privacy: Privacy; readonly key: Uint8Array | null }> {
  const { networkKey: named } = connectivitySchema.parse(settings.connectivity);
  const isPrivate = answers?.settings.connectivity?.isPrivate ?? named !== undefined;
  if (!isPrivate) return { privacy: { kind: 'open' }, key: null };
  const kept = directory === null ? null : networkKeyOf(directory);
  const file = named ?? (kept !== null && existsSync(kept) ? kept : null);
  if (file === null) return { privacy: { kind: 'locked', problem: null }, key: null };
  try {
    return { privacy: { kind: 'opened' }, key: await loadNetworkKey(file) };
  } catch (error) {
    return { privacy: { kind: 'locked', problem: reasonOf(error) }, key: null };
  }
}

function placeOf(
  path: string,
  { settings }: Subject,
  keyProblem: string | null,
  answers: Answers | null,
): PlaceFacts {
  const isThere = existsSync(path);
  const token = statSync(join(path, TOKEN_FILE), { throwIfNoEntry: false });
  const kept = answers?.views[0];
  const contentBytesMax = answers?.settings.contentBytesMax ?? settings.contentBytesMax;
  return {
    ...{ path, isThere, keyProblem, keyFile: settings.keyFile ?? keyFileOf(path) },
    isOfBootstrap: isOfBootstrap(path),
    isWritable: !isThere || mayWrite(path),
    isTokenOpen: token !== undefined && process.platform !== 'win32' && (token.mode & 0o077) !== 0,
    diskFreeBytes: isThere ? freeBytes(path) : null,
    diskWantedBytes: 2 * logFileBytesMax + Math.max(0, contentBytesMax - (kept?.contentBytes ?? 0)),
  };
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function freeBytes(path: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return null;
  }
}

/** Listens for a moment where the node will. */
async function closedPorts(listen: readonly string[]): Promise<{ address: string; reason: string }[]> {
  const tried = await Promise.all(
    listen.map(async (address) => {
      const target = tcpPartsOf(address);
      const reason = target === null ? null : await whyClosed(target);
      return reason === null ? [] : [{ address, reason }];
    }),
  );
  return tried.flat();
}

function whyClosed(target: { readonly host: string; readonly port: number }): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(target, () => server.close(() => resolve(null)));
  });
}

async function runsOf(
  { directory, settings }: Subject,
  answers: Answers | null,
  key: string | null,
  holdersOf: (runId: string, secret: Uint8Array | null) => Promise<Holder[] | null>,
): Promise<ExaminedRun[]> {
  if (answers !== null) {
    return Promise.all(
      answers.views.map(async (view) => {
        const { hiding, secret } = await hidingOf(directory, view.runId, view.run?.isHidden ?? false);
        const holders = hiding === 'unknown' ? null : await holdersOf(view.runId, secret);
        return { run: view.runId, view, plan: null, problem: null, hiding, holders };
      }),
    );
  }
  return Promise.all(
    settings.runs.map(async ({ run, data }): Promise<ExaminedRun> => {
      try {
        const { runId, plan, beside } = await planOf(run, { directory, key });
        const { hiding, secret } = await hidingOf(directory, runId, plan?.isHidden ?? false, beside);
        const missing = hiding === 'unknown' ? 'it is hidden, and its secret is not here' : null;
        const problem = data === null || existsSync(data) ? missing : `its data ${data} does not exist`;
        const holders = problem === null ? await holdersOf(runId, secret) : null;
        return { run, view: null, plan, holders, hiding, problem };
      } catch (error) {
        return { run, view: null, plan: null, holders: null, hiding: 'none', problem: reasonOf(error) };
      }
    }),
  );
}

/** By the secret in the directory, or beside a manifest that no node has taken up yet. @throws IdentityError */
async function hidingOf(
  directory: string | null,
  runId: string,
  isHidden: boolean,
  beside: string | null = null,
): Promise<{ readonly hiding: ExaminedRun['hiding']; readonly secret: Uint8Array | null }> {
  const kept = directory === null ? null : await runSecret(directory, runId);
  const secret = kept ?? (beside === null ? null : await readKeyFile(beside));
  if (secret !== null) return { hiding: 'known', secret };
  return { hiding: isHidden ? 'unknown' : 'none', secret };
}
