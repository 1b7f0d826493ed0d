/**
 * What a run costs on the wire: `npm run bench:network`, with `-- --nodes 32 --slot-ms 4000` for more, `-- --json` for machines; where
 * not all nodes are linked in time, or not all finish, it says which and fails (`-- --link-seconds 300` has it wait for longer). Real
 * nodes in one process, over loopback, each with a delta of a kilobyte a round; the run begins once they are linked, and its clock stands
 * still while other processes have the processors. Bytes that a node sends, as the sockets count them and by
 * cause, are given as ratios to reach-everybody-once: every announcement, as it is signed, once to every node but its author. Where nothing
 * else talks over loopback, the kernel's count stands beside it: `unshare -rn sh -c 'ip link set lo up && npm run bench:network'`.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { reasonOf } from '../src/core/as-error.ts';
import type { Learner, TrainRequest } from '../src/learning/learner.ts';
import { encodeEnvelope, sealEnvelope } from '../src/log/envelope.ts';
import { rngFor } from '../src/math/rng.ts';
import { quantile } from '../src/math/statistics.ts';
import { identityFromSeed } from '../src/network/identity.ts';
import { defaultLinkLimits } from '../src/network/links/peer-selection.ts';
import { tcpProfile } from '../src/network/profiles/tcp.ts';
import { createNode, type StarlingsNode } from '../src/node/create-node.ts';
import type { NodeEvent } from '../src/node/events.ts';
import { createRun } from '../src/node/files/manifest-file.ts';
import type { LearnerRequest } from '../src/node/learners.ts';
import type { RunSession } from '../src/node/run-session.ts';
import { createCrypto } from '../src/platform/node/crypto.ts';
import { openLevelStore } from '../src/platform/node/level-store.ts';
import { wallClock } from '../src/platform/node/wall-clock.ts';
import { runSpecSchema } from '../src/run/run-spec.ts';
import { RunClock } from '../test/cluster/run-clock.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '24' },
    'slot-ms': { type: 'string', default: '1500' },
    'link-seconds': { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const nodeCount = Number(values.nodes);
const slotMs = Number(values['slot-ms']);
/** Nodes are made so many at a time, and the next once these are linked: all at once their handshakes wait for each other in the one process, and give up. */
const madeAtATime = 8;
/** Far in the past: only the run's own clock ever gets there. */
const beginsAtMs = 1_700_000_000_000;
const linkDeadlineMs = 1_000 * Number(values['link-seconds'] ?? 30 + 2 * nodeCount);

const seedOf = (index: number): Uint8Array => new Uint8Array(32).fill(1 + index);
const spec = runSpecSchema.parse({
  name: 'bench',
  model: { kind: 'mlp', inputs: 784, hidden: [64], outputs: 10 },
  task: { kind: 'idx-images' },
  training: { localSteps: 8 },
  rounds: Number(values.rounds),
  slotMs,
});
const crypto = createCrypto();
const { signer } = identityFromSeed(seedOf(255));
const run = createRun(spec, beginsAtMs, crypto, signer);
/** A turn of the event loop in which many nodes had something to do is no pause: it counts up to this part of a slot. */
const turnMaxMs = slotMs / 40;
const clock = new RunClock(beginsAtMs - slotMs, turnMaxMs);

/** Of an announcement, what is not its body. */
const anchor = { round: 100, root: new Uint8Array(32), snapshot: new Uint8Array(32) };
const place = { round: 100, kind: 0, index: 0, anchor, claims: [0, 8] };
const someBody = new Uint8Array(1_000);
const some = sealEnvelope(place, someBody, { runId: run.runId, crypto }, signer);
const headBytes = encodeEnvelope(some).length - someBody.length;

/** As long as training takes, and a change that is not the same twice. */
async function changingLearner({ data }: LearnerRequest): Promise<Learner> {
  const rng = rngFor(`bench/network/${data}`);
  return {
    size: 50_890,
    backend: 'changes at random',
    async train({ parameters }: TrainRequest) {
      const endsAtMs = clock.nowMs() + slotMs * (0.1 + 0.4 * rng.float());
      await new Promise<void>((resolve) => clock.schedule(endsAtMs, resolve));
      return { parameters: parameters.map((value) => value + 0.001 * (rng.float() - 0.5)), loss: 1 };
    },
    score: async (vectors) => vectors.map(() => 1),
    evaluate: async () => ({ accuracy: 0.5, loss: 1, examples: 1 }),
    close: async () => {},
  };
}

/** When it was published, and when it came to each of the others. */
interface Spread {
  readonly atMs: number;
  readonly bytes: number;
  readonly reachedMs: number[];
}
const spreads = new Map<string, Spread>();

function listen(event: NodeEvent): void {
  if (event.source === 'protocol') {
    const nowMs = clock.nowMs();
    if (event.event.kind === 'published') {
      const { round, bodyBytes } = event.event;
      spreads.set(`${event.node} ${round}`, { atMs: nowMs, bytes: bodyBytes + headBytes, reachedMs: [] });
    }
    if (event.event.kind === 'accepted')
      spreads.get(`${event.event.author} ${event.event.round}`)?.reachedMs.push(nowMs);
  }
}

/** Connections that all nodes together have begun, to peers with whom they had none. */
async function dialled(nodes: readonly StarlingsNode[]): Promise<number> {
  let sum = 0;
  for (const node of nodes) {
    const readings = await node.network();
    for (const [direction, count] of readings.get('libp2p_connection_manager_dials_total')!)
      if (direction === 'outbound') sum += count;
  }
  return sum;
}

/** Bytes that all nodes together have sent, by cause. */
async function sent(nodes: readonly StarlingsNode[]): Promise<Map<string, number>> {
  const sums = new Map<string, number>();
  const add = (cause: string, bytes: number): void => void sums.set(cause, (sums.get(cause) ?? 0) + bytes);
  for (const node of nodes) {
    const readings = await node.network();
    const { bytesOut } = node.traffic();
    add('all on the sockets', bytesOut);
    let [cipher, negotiation] = [bytesOut, 0];
    for (const [part, bytes] of readings.get('libp2p_muxer_sent_bytes_total')!) {
      cipher -= bytes;
      if (part === 'data') negotiation += bytes;
      else add(`yamux: ${part}`, bytes);
    }
    for (const [label, bytes] of readings.get('libp2p_protocol_sent_bytes_total')!) {
      negotiation -= bytes;
      const name = label.replace(`/${run.runId}`, '').split('/').slice(0, 3).join('/');
      if (!name.startsWith('/meshsub/')) add(name, bytes);
    }
    for (const [part, bytes] of readings.get('libp2p_gossipsub_sent_bytes_total')!)
      add(`gossip: ${part}`, bytes);
    add('which protocol a stream is of', negotiation);
    add('noise: tags, lengths, handshakes', cipher);
  }
  return sums;
}

/** IPv4 and TCP with its timestamps, of a packet over loopback. */
const headBytesOfPacket = 52;

/** What all processes have sent over loopback, as the kernel counts it; null where it does not say. */
async function kernelSent(): Promise<{ readonly bytes: number; readonly headBytes: number } | null> {
  const devices = await readFile('/proc/net/dev', 'utf8').catch(() => '');
  const [, bytes, packets] = /^ *lo: *(\d+) +(\d+)/m.exec(devices) ?? [];
  if (bytes === undefined) return null;
  return { bytes: Number(bytes), headBytes: headBytesOfPacket * Number(packets) };
}

/** Resolves once none is left; @throws Error with those that are, after `timeoutMs` */
async function untilNone(left: () => readonly string[], what: string, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (left().length > 0) {
    if (performance.now() >= deadline)
      throw new Error(`${what} within ${Math.round(timeoutMs / 1000)} s:\n  ${left().join('\n  ')}`);
    await delay(100);
  }
}

function whereNot(isSo: (session: RunSession) => boolean, say: (session: RunSession) => string): string[] {
  return nodes.flatMap((node, index) =>
    node.runs().flatMap((session) => (isSo(session) ? [] : [`node ${index}: ${say(session)}`])),
  );
}

function report(bytes: ReadonlyMap<string, number>, dialsPerNodeMinute: number): void {
  const all = [...spreads.values()];
  const reached = all.filter((each) => each.reachedMs.length === nodeCount - 1);
  const toLastMs = reached.map(({ atMs, reachedMs }) => Math.max(...reachedMs) - atMs);
  const onceBytes = (nodeCount - 1) * all.reduce((sum, spread) => sum + spread.bytes, 0);
  const figures = {
    ...{ nodes: nodeCount, announcements: all.length, reachedAll: reached.length },
    ...{ toLastMsMedian: quantile(toLastMs, 0.5), toLastMs99: quantile(toLastMs, 0.99) },
    ...{ onceKbPerNode: onceBytes / nodeCount / 1000, dialsPerNodeMinute },
    ratios: Object.fromEntries(
      [...bytes].sort((a, b) => b[1] - a[1]).map(([name, each]) => [name, each / onceBytes]),
    ),
  };
  if (values.json) console.log(JSON.stringify(figures));
  else {
    console.log(
      `${nodeCount} nodes: ${reached.length} of ${all.length} announcements reached every other node`,
    );
    console.log(
      `  to the last: median ${figures.toLastMsMedian.toFixed(0)} ms, 99 % ${figures.toLastMs99.toFixed(0)} ms`,
    );
    console.log(`  connections begun: ${dialsPerNodeMinute.toFixed(1)} per node and minute`);
    console.log(`  sent per node, reach-everybody-once (${figures.onceKbPerNode.toFixed(0)} kB) = 1:`);
    for (const [name, ratio] of Object.entries(figures.ratios))
      if (ratio >= 0.001) console.log(`  ${ratio.toFixed(3).padStart(7)}  ${name}`);
  }
}

const folder = await mkdtemp(join(tmpdir(), 'starlings-bench-network-'));
const closers: Array<() => Promise<void>> = [];
const nodes: StarlingsNode[] = [];
try {
  const unlinked = (): string[] =>
    whereNot(
      (session) => session.view().peers >= Math.min(nodes.length - 1, defaultLinkLimits.peersMin),
      (session) => `${session.view().peers} peers (${session.view().state})`,
    );
  for (let index = 0; index < nodeCount; index++) {
    if (index % madeAtATime === 0) await untilNone(unlinked, 'not all nodes were linked', linkDeadlineMs);
    const store = await openLevelStore(join(folder, String(index)));
    const node = await createNode(
      {
        identity: identityFromSeed(seedOf(index)),
        profile: tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }),
        bootstrap: nodes[0]?.addresses() ?? [],
        ...{ store, clock: wallClock, random: Math.random, learners: changingLearner },
      },
      listen,
    );
    nodes.push(node);
    closers.push(async () => {
      await node.close();
      await store.close();
    });
    node.join(run, { data: String(index), backend: 'wasm', clock });
  }
  await untilNone(unlinked, 'not all nodes were linked', linkDeadlineMs);
  const before = await sent(nodes);
  const kernelBefore = await kernelSent();
  const dialledBefore = await dialled(nodes);
  const beganMs = performance.now();
  clock.release();
  const unfinished = (): string[] =>
    whereNot(
      (session) => session.status().phase === 'finished',
      (session) => `${session.status().phase}, in round ${session.status().round}`,
    );
  await untilNone(unfinished, 'not all nodes finished', 10 * slotMs * spec.rounds + 60_000);
  const after = await sent(nodes);
  const kernelAfter = await kernelSent();
  if (kernelBefore && kernelAfter) {
    const headBytes = kernelAfter.headBytes - kernelBefore.headBytes;
    after.set('kernel, all of loopback: heads of packets', headBytes);
    after.set('kernel, all of loopback: the rest', kernelAfter.bytes - kernelBefore.bytes - headBytes);
  }
  const minutes = (performance.now() - beganMs) / 60_000;
  const dialsPerNodeMinute = ((await dialled(nodes)) - dialledBefore) / nodeCount / minutes;
  report(
    new Map([...after].map(([name, bytes]) => [name, bytes - (before.get(name) ?? 0)])),
    dialsPerNodeMinute,
  );
} catch (error) {
  console.error(reasonOf(error));
  process.exitCode = 1;
} finally {
  await Promise.all(closers.map((close) => close()));
  await rm(folder, { recursive: true, force: true });
}
