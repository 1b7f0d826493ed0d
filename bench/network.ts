/**
 * What a run costs on the wire: `npm run bench:network`, with `-- --nodes 32 --slot-ms 2000` for more, `-- --json` for machines. Real
 * nodes in one process, over loopback, each with a delta of a kilobyte a round. Bytes that a node sends, as the sockets count them and by
 * protocol, are given as ratios to reach-everybody-once: every announcement, as it is signed, once to every node but its author.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Learner, TrainRequest } from '../src/learning/learner.ts';
import { encodeEnvelope, sealEnvelope } from '../src/log/envelope.ts';
import { rngFor } from '../src/math/rng.ts';
import { quantile } from '../src/math/statistics.ts';
import { identityFromSeed } from '../src/network/identity.ts';
import { tcpProfile } from '../src/network/profiles/tcp.ts';
import { createNode, type StarlingsNode } from '../src/node/create-node.ts';
import type { NodeEvent } from '../src/node/events.ts';
import type { LearnerRequest } from '../src/node/learners.ts';
import { createRun } from '../src/node/manifest-file.ts';
import { createCrypto } from '../src/platform/node/crypto.ts';
import { openLevelStore } from '../src/platform/node/level-store.ts';
import { wallClock } from '../src/platform/node/wall-clock.ts';
import { runSpecSchema } from '../src/run/run-spec.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '40' },
    'slot-ms': { type: 'string', default: '500' },
    json: { type: 'boolean', default: false },
  },
});
const nodeCount = Number(values.nodes);
const slotMs = Number(values['slot-ms']);
const startsInMs = 3_000 + 400 * nodeCount;

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
const run = createRun(spec, Date.now() + startsInMs, crypto, signer);

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
      await delay(slotMs * (0.1 + 0.4 * rng.float()));
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
    const nowMs = performance.now();
    if (event.event.kind === 'published') {
      const { round, bodyBytes } = event.event;
      spreads.set(`${event.node} ${round}`, { atMs: nowMs, bytes: bodyBytes + headBytes, reachedMs: [] });
    }
    if (event.event.kind === 'accepted')
      spreads.get(`${event.event.author} ${event.event.round}`)?.reachedMs.push(nowMs);
  }
}

async function sent(nodes: readonly StarlingsNode[]): Promise<Map<string, number>> {
  const sums = new Map<string, number>();
  for (const node of nodes) {
    for (const [label, bytes] of (await node.network()).get('libp2p_protocol_sent_bytes_total')!) {
      const name = label.replace(`/${run.runId}`, '').split('/').slice(0, 3).join('/');
      sums.set(name, (sums.get(name) ?? 0) + bytes);
    }
  }
  sums.set(
    'sockets',
    nodes.reduce((sum, node) => sum + node.traffic().bytesOut, 0),
  );
  return sums;
}

function report(bytes: ReadonlyMap<string, number>): void {
  const all = [...spreads.values()];
  const reached = all.filter((each) => each.reachedMs.length === nodeCount - 1);
  const toLastMs = reached.map(({ atMs, reachedMs }) => Math.max(...reachedMs) - atMs);
  const onceBytes = (nodeCount - 1) * all.reduce((sum, spread) => sum + spread.bytes, 0);
  const figures = {
    ...{ nodes: nodeCount, announcements: all.length, reachedAll: reached.length },
    ...{ toLastMsMedian: quantile(toLastMs, 0.5), toLastMs99: quantile(toLastMs, 0.99) },
    ...{ onceKbPerNode: onceBytes / nodeCount / 1000 },
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
    console.log(`  sent per node, reach-everybody-once (${figures.onceKbPerNode.toFixed(0)} kB) = 1:`);
    for (const [name, ratio] of Object.entries(figures.ratios))
      if (ratio >= 0.001) console.log(`  ${ratio.toFixed(3).padStart(7)}  ${name}`);
  }
}

const folder = await mkdtemp(join(tmpdir(), 'starlings-bench-network-'));
const closers: Array<() => Promise<void>> = [];
const nodes: StarlingsNode[] = [];
try {
  for (let index = 0; index < nodeCount; index++) {
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
    node.join(run, { data: String(index), backend: 'wasm' });
  }
  const isOver = (): boolean =>
    nodes.every((node) => node.runs().every((session) => session.status()?.phase === 'finished'));
  await delay(startsInMs);
  const before = await sent(nodes);
  const deadline = performance.now() + 3 * slotMs * spec.rounds + 30_000;
  while (!isOver() && performance.now() < deadline) await delay(200);
  const after = await sent(nodes);
  report(new Map([...after].map(([name, bytes]) => [name, bytes - (before.get(name) ?? 0)])));
} finally {
  await Promise.all(closers.map((close) => close()));
  await rm(folder, { recursive: true, force: true });
}
