/**
 * Many real nodes in one process: `npm run bench:many-nodes`, with `-- --nodes 100` for fewer than 1,000, `-- --json` for machines. Each
 * listens on loopback, knows the addresses of two that began before it, and joins one run; it is there once it has as many linked peers as a
 * node wants at least. The limit is what their connections take at the speed of bare ones: one after the other between two hosts, dialled
 * (TCP, noise, yamux), identified and closed again; by the clock, and by processor time, which other processes leave alone.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { rngFor } from '../src/math/rng.ts';
import { quantile } from '../src/math/statistics.ts';
import { createHost } from '../src/network/host/host.ts';
import { type Identity, identityFromSeed } from '../src/network/identity.ts';
import { defaultLinkLimits } from '../src/network/links/peer-selection.ts';
import { tcpProfile } from '../src/network/profiles/tcp.ts';
import { createNode, type StarlingsNode } from '../src/node/create-node.ts';
import { createRun } from '../src/node/files/manifest-file.ts';
import { createCrypto } from '../src/platform/node/crypto.ts';
import { openLevelStore } from '../src/platform/node/level-store.ts';
import { wallClock } from '../src/platform/node/wall-clock.ts';
import { parameterCount } from '../src/tasks/models/model-layout.ts';
import { tableRun } from '../test/run/table-run.ts';
import { idleLearner } from './idle-learner.ts';

const { values } = parseArgs({
  options: { nodes: { type: 'string', default: '1000' }, json: { type: 'boolean', default: false } },
});
const nodeCount = Number(values.nodes);
const enough = Math.min(defaultLinkLimits.peersMin, nodeCount - 1);
const known = 2;
const bareConnections = 50;
const patienceMs = 60_000 + 300 * nodeCount;
const profile = () => tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] });

function identityOf(index: number): Identity {
  const seed = new Uint8Array(32).fill(7);
  new DataView(seed.buffer).setUint32(0, index);
  return identityFromSeed(seed);
}

const spec = tableRun({ name: 'bench', rounds: 100, slotMs: 1000 });
/** The run begins in an hour. */
const idle = idleLearner(parameterCount(spec.model));

interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
}

const cpuMsSince = (before: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};

async function bareConnection(): Promise<Cost> {
  const [one, other] = await Promise.all(
    [nodeCount, nodeCount + 1].map((index) =>
      createHost({ identity: identityOf(index), profile: profile(), carriesRuns: false }),
    ),
  );
  await Promise.all([one!.libp2p.start(), other!.libp2p.start()]);
  const times: number[] = [];
  const cpuBefore = process.cpuUsage();
  for (let k = 0; k < bareConnections; k++) {
    const beganMs = performance.now();
    const identified = new Promise((resolve) =>
      one!.libp2p.addEventListener('peer:identify', resolve, { once: true }),
    );
    const connection = await one!.libp2p.dial(other!.libp2p.getMultiaddrs()[0]!);
    await identified;
    times.push(performance.now() - beganMs);
    await connection.close();
  }
  const cpuMs = cpuMsSince(cpuBefore) / bareConnections;
  await Promise.all([one!.libp2p.stop(), other!.libp2p.stop()]);
  return { wallMs: quantile(times, 0.5), cpuMs };
}

async function begin(folder: string): Promise<StarlingsNode[]> {
  const crypto = createCrypto();
  const run = createRun(spec, Date.now() + 3_600_000, crypto, identityOf(nodeCount).signer);
  const rng = rngFor('bench/many-nodes');
  const nodes: StarlingsNode[] = [];
  for (let index = 0; index < nodeCount; index++) {
    const before = Array.from(
      { length: Math.min(known, index) },
      () => nodes[Math.floor(rng.float() * index)]!,
    );
    const node = await createNode(
      {
        identity: identityOf(index),
        profile: profile(),
        bootstrap: before.flatMap((each) => each.addresses()),
        ...{
          store: await openLevelStore(join(folder, String(index))),
          clock: wallClock,
          random: Math.random,
        },
        learners: async () => idle,
      },
      () => {},
    );
    node.join(run, { data: 'none', backend: 'wasm' });
    nodes.push(node);
  }
  return nodes;
}

const bare = await bareConnection();
const cpuBefore = process.cpuUsage();
const beganMs = performance.now();
const folder = await mkdtemp(join(tmpdir(), 'starlings-bench-many-nodes-'));
const nodes = await begin(folder);
const upMs = performance.now() - beganMs;
const linked = (): number => nodes.filter((node) => node.runs()[0]!.view().peers >= enough).length;
while (linked() < nodeCount && performance.now() - beganMs < patienceMs) await delay(100);
const thereMs = performance.now() - beganMs;
const cpuMs = cpuMsSince(cpuBefore);
const links = nodes.reduce((sum, node) => sum + node.runs()[0]!.view().peers, 0) / 2;
const figures = {
  ...{ nodes: nodeCount, linked: linked(), links, upSeconds: upMs / 1000, thereSeconds: thereMs / 1000 },
  ...{ cpuSeconds: cpuMs / 1000, bareConnectionMs: bare.wallMs, bareConnectionCpuMs: bare.cpuMs },
  ...{ ratio: thereMs / (links * bare.wallMs), cpuRatio: cpuMs / (links * bare.cpuMs) },
  residentMbPerNode: process.memoryUsage().rss / 1e6 / nodeCount,
};
if (values.json) console.log(JSON.stringify(figures));
else console.table(figures);
await rm(folder, { recursive: true, force: true });
process.exit(figures.linked === nodeCount ? 0 : 1);
