/**
 * A node that joins at half time of a model of 64 MB: `npm run bench:join`, with `-- --mb 8 --donors 2 --slot-ms 2000` for less, `-- --json`
 * for machines; it fails where that takes more than 20 s.
 * Real nodes in processes of their own, over loopback; who joins has never heard of the run but for its id and the address of one of
 * them. What it does until it trains is told phase by phase, in time and in processor time of its process, which other work on the machine does not stretch. Its limit is what as many bytes as it took take over raw TCP, from one of the same processes, while the run goes on.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Learner } from '../src/learning/learner.ts';
import { rngFor } from '../src/math/rng.ts';
import { methodSchema } from '../src/methods/registry.ts';
import { identityFromSeed } from '../src/network/identity.ts';
import { tcpProfile } from '../src/network/profiles/tcp.ts';
import { createNode } from '../src/node/create-node.ts';
import type { NodeEvent } from '../src/node/events.ts';
import { createRun } from '../src/node/files/manifest-file.ts';
import { createCrypto } from '../src/platform/node/crypto.ts';
import { openLevelStore } from '../src/platform/node/level-store.ts';
import { wallClock } from '../src/platform/node/wall-clock.ts';
import { openManifest } from '../src/run/manifest.ts';
import { runSpecSchema } from '../src/run/run-spec.ts';
import { parameterCount } from '../src/tasks/models/model-layout.ts';
import { childWord, endChildren } from './child-word.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    mb: { type: 'string', default: '64' },
    donors: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '32' },
    'slot-ms': { type: 'string', default: '4000' },
    json: { type: 'boolean', default: false },
    seed: { type: 'string', default: '0' },
    folder: { type: 'string', default: '' },
    bootstrap: { type: 'string', multiple: true, default: [] },
    'tcp-port': { type: 'string' },
  },
});
const donors = Number(values.donors);
const slotMs = Number(values['slot-ms']);
const rounds = Number(values.rounds);
/** For processes to come up and build the start vector, before round 0. */
const startMs = 15_000 + 5_000 * donors;
const limitS = 20;
/** Of 784 + 1 + 10 numbers each. */
const hidden = Math.round((1e6 * Number(values.mb)) / 4 / 795);

const spec = runSpecSchema.parse({
  name: 'bench',
  model: { kind: 'mlp', inputs: 784, hidden: [hidden], outputs: 10 },
  task: { kind: 'idx-images' },
  ...{ rounds, slotMs, slotMsMax: slotMs },
  strategy: methodSchema.parse({ id: 'delta-log', expectedPeers: donors, snapshotRounds: 4 }),
});
const parameters = parameterCount(spec.model);
const signerOf = (seed: number) => identityFromSeed(new Uint8Array(32).fill(seed));

/** In the order in which they end. `prepared`: with the start vector; `snapshot`: it is its state; `caughtUp`: by the log. */
const phases = ['manifest', 'prepared', 'linked', 'snapshot', 'caughtUp', 'training'] as const;
type Phase = (typeof phases)[number];

/** When a phase ended, in ms since it was told to join, the processor time by then, and megabytes resident. */
interface Ended {
  readonly ms: number;
  readonly processorMs: number;
  readonly residentMb: number;
}

interface Joined {
  readonly phases: Partial<Record<Phase, Ended>>;
  readonly peakMb: number;
  /** Of the snapshot; `from`: donors of it, 0 where the log was replayed. */
  readonly round: number;
  readonly from: number;
  readonly bytesIn: number;
  readonly tcpMs: number;
}

type Word =
  | { readonly up: readonly string[]; readonly tcpPort: number }
  | { readonly isHalf: true }
  | { readonly joined: Joined };
const say = (word: Word): void => void process.send?.(word);

/** A change of every 64th number, not the same twice, after a third of a slot. */
function changing(seed: string): Learner {
  const rng = rngFor(`bench/join/${seed}`);
  return {
    size: parameters,
    backend: 'changes at random',
    async train({ parameters: before }) {
      await new Promise((resolve) => setTimeout(resolve, slotMs / 3));
      const after = before.slice();
      for (let index = Math.floor(64 * rng.float()); index < after.length; index += 64)
        after[index]! += 0.001 * (rng.float() - 0.5);
      return { parameters: after, loss: 1 };
    },
    score: async (vectors) => vectors.map(() => 1),
    evaluate: async () => ({ accuracy: 0.5, loss: 1, examples: 1 }),
    close: async () => {},
  };
}

/** As many bytes as it is asked for, over a socket each. */
async function tcpServer(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', (asked) => socket.end(Buffer.alloc(Number(asked.toString()), 1)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function overTcp(port: number, bytes: number): Promise<number> {
  const beganMs = performance.now();
  const socket = connect(port, '127.0.0.1');
  socket.write(String(bytes));
  for await (const _ of socket);
  return performance.now() - beganMs;
}

/** The event after which it is over; the first one counts. */
function phaseEndedBy(kind: NodeEvent['event']['kind']): Phase | undefined {
  const by: Partial<Record<NodeEvent['event']['kind'], Phase>> = {
    ...{ opened: 'manifest', running: 'prepared', 'peer-up': 'linked' },
    // The log is folded from there on.
    ...{ finalised: 'snapshot', joined: 'caughtUp', 'round-started': 'training' },
  };
  return by[kind];
}

/** One process: says where it is, of a donor when half of the rounds are over, of who joins how that went; runs until its parent goes. */
async function member(): Promise<void> {
  process.once('disconnect', () => process.exit());
  const store = await openLevelStore(join(values.folder, values.seed));
  const run = openManifest(await readFile(join(values.folder, 'manifest')), createCrypto());
  const isJoiner = values['tcp-port'] !== undefined;
  let [beganMs, round, from] = [0, -1, 0];
  let began = process.cpuUsage();
  const ended: Partial<Record<Phase, Ended>> = {};
  const end = (phase: Phase): void => {
    const { user, system } = process.cpuUsage(began);
    const residentMb = process.memoryUsage.rss() / 1e6;
    ended[phase] ??= {
      ms: performance.now() - beganMs,
      processorMs: (user + system) / 1_000,
      residentMb,
    };
  };
  const node = await createNode(
    {
      identity: signerOf(1 + Number(values.seed)),
      profile: tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }),
      bootstrap: values.bootstrap,
      ...{ store, clock: wallClock, random: Math.random },
      learners: async () => changing(values.seed),
    },
    ({ event }) => {
      if (!isJoiner) {
        if (event.kind === 'round-started' && event.round >= rounds / 2) say({ isHalf: true });
        return;
      }
      const phase = phaseEndedBy(event.kind);
      if (phase) end(phase);
      if (event.kind === 'joined') [round, from] = [event.round, event.donors];
      if (event.kind === 'phase' && (event.phase === 'draining' || event.phase === 'finished'))
        throw new Error('the run was over before it had joined: give --rounds');
      if (event.kind === 'round-started') void tell(node.traffic().bytesIn);
    },
  );
  let isTold = false;
  async function tell(bytesIn: number): Promise<void> {
    if (isTold) return;
    isTold = true;
    const peakMb = (1_024 * process.resourceUsage().maxRSS) / 1e6;
    const tcpMs = await overTcp(Number(values['tcp-port']), bytesIn);
    say({ joined: { phases: ended, peakMb, round, from, bytesIn, tcpMs } });
  }
  say({ up: node.addresses(), tcpPort: isJoiner ? 0 : await tcpServer() });
  // Its process is up before: what is measured is the join.
  if (isJoiner) await once(process, 'message');
  beganMs = performance.now();
  began = process.cpuUsage();
  node.join(isJoiner ? run.runId : run, { data: 'made here', backend: 'wasm' });
}

function begin(seed: number, folder: string, more: readonly string[]): ChildProcess {
  const own = ['--seed', `${seed}`, '--folder', folder, '--donors', values.donors, '--mb', values.mb];
  const ofRun = ['--rounds', values.rounds, '--slot-ms', values['slot-ms']];
  return fork(import.meta.filename, ['member', ...own, ...ofRun, ...more]);
}

const word = <K extends string>(child: ChildProcess, key: K) => childWord<Word, K>(child, key);

function report({ phases: ended, peakMb, round, from, bytesIn, tcpMs }: Joined): void {
  const snapshotMb = (8 * parameters) / 1e6;
  const trainingMs = ended.training!.ms;
  const figures = {
    ...{ donors, modelMb: (4 * parameters) / 1e6, snapshotMb, tookMb: bytesIn / 1e6 },
    ...{ round, from, phases: ended, peakMb, limitS },
    ...{ tcpS: tcpMs / 1_000, timesTcp: trainingMs / tcpMs },
  };
  if (values.json) console.log(JSON.stringify(figures));
  else {
    console.log(
      `a join at half time of ${rounds} rounds, a model of ${figures.modelMb.toFixed(1)} MB, a snapshot of ${snapshotMb.toFixed(1)} MB, ${donors} donors`,
    );
    for (const phase of phases) {
      const { ms, processorMs, residentMb } = ended[phase] ?? {};
      if (ms === undefined) continue;
      console.log(
        `  ${phase.padEnd(9)} after ${(ms / 1_000).toFixed(1).padStart(6)} s, ${(processorMs! / 1_000).toFixed(1).padStart(5)} s of processor time, ${residentMb!.toFixed(0).padStart(5)} MB`,
      );
    }
    console.log(`  has the state of round ${round}, of ${from} donors; ${peakMb.toFixed(0)} MB at most`);
    console.log(
      `  took ${figures.tookMb.toFixed(0)} MB: raw TCP ${figures.tcpS.toFixed(2)} s, so ${figures.timesTcp.toFixed(1)} times that`,
    );
  }
  if (trainingMs > 1_000 * limitS) process.exitCode = 1;
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-bench-join-'));
  const children: ChildProcess[] = [];
  const start = (seed: number, more: readonly string[]): ChildProcess => {
    const child = begin(seed, folder, more);
    children.push(child);
    return child;
  };
  try {
    const run = createRun(spec, Date.now() + startMs, createCrypto(), signerOf(255).signer);
    await writeFile(join(folder, 'manifest'), run.bytes);
    const first = start(0, []);
    const { up, tcpPort } = await word(first, 'up');
    const bootstrap = up.flatMap((address) => ['--bootstrap', address]);
    for (let seed = 1; seed < donors; seed++) start(seed, bootstrap);
    const joiner = start(donors, [...bootstrap, '--tcp-port', `${tcpPort}`]);
    await Promise.all([word(joiner, 'up'), word(first, 'isHalf')]);
    joiner.send('join');
    report((await word(joiner, 'joined')).joined);
  } finally {
    await endChildren(children);
    await rm(folder, { recursive: true, force: true });
  }
}

await (positionals[0] === 'member' ? member() : main());
