/**
 * A model of 64 MB pulled from four holders as `starlings model pull` does it (search, hashes, disk), beside the network's figure of the
 * same run: its bytes from the same four over the exchange, and nothing done with them. `npm run bench:registry-pull`, with `-- --mb 64
 * --runs 5`, `-- --json` for machines. The holders are real hosts in one other process; both ways are timed in turn, so that a change in
 * the machine's speed meets both. The ratio is what travels between machines.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { multiaddr } from '@multiformats/multiaddr';
import { segmentBytesMax, segmentCount } from '../src/content/blob.ts';
import type { PeerKey } from '../src/core/io.ts';
import { rngFor } from '../src/math/rng.ts';
import { median } from '../src/math/statistics.ts';
import { createExchange, type Exchange } from '../src/network/exchange/exchange.ts';
import { createHost, type Host } from '../src/network/host/host.ts';
import { identityFromSeed } from '../src/network/identity.ts';
import { tcpProfile } from '../src/network/profiles/tcp.ts';
import { runCid } from '../src/network/protocols.ts';
import { RunFiles } from '../src/node/files/run-files.ts';
import { createCrypto } from '../src/platform/node/crypto.ts';
import { wallClock } from '../src/platform/node/wall-clock.ts';
import { type SignedManifest, signManifest } from '../src/run/manifest.ts';
import { runSpecSchema } from '../src/run/run-spec.ts';

const HOLDERS = 4;
/** Segments asked for at a time of one holder, as a pull does. */
const AT_A_TIME = 6;
const { values } = parseArgs({
  options: {
    mb: { type: 'string', default: '64' },
    runs: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const bytes = Number(values.mb) * 1e6;
const crypto = createCrypto();

/** Of a registry. The same in both processes. */
function registry(): SignedManifest {
  const spec = runSpecSchema.parse({
    ...{ name: 'registry', model: { kind: 'nothing' }, task: { kind: 'nothing' } },
    strategy: { id: 'log', kinds: [{ id: 'publish' }] },
    ...{ rounds: 2147483647, slotMs: 1000 },
  });
  const { signer } = identityFromSeed(new Uint8Array(32).fill(255));
  return signManifest({ ...spec, startAtMs: 1, initHash: '0'.repeat(64) }, crypto, signer);
}

interface Peer {
  readonly host: Host;
  readonly files: RunFiles;
  readonly exchange: Exchange;
}

async function peer(seed: number, folder: string): Promise<Peer> {
  const host = await createHost({
    identity: identityFromSeed(new Uint8Array(32).fill(seed)),
    profile: tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }),
    carriesRuns: false,
  });
  await host.start();
  const own = join(folder, String(seed));
  await mkdir(own);
  const common = { host, run: registry(), folder: own, crypto, clock: wallClock, random: Math.random };
  const files = new RunFiles({ ...common, takesBlobs: true, onEvent: () => {} });
  await files.begin(new AbortController().signal);
  const segment = new Uint8Array(segmentBytesMax).fill(seed);
  const exchange = createExchange({
    ...{ host, runId: 'bench', limits: { answerBurstBytes: 2 ** 50 }, onEvent: () => {} },
    serve: async () => [segment],
  });
  await exchange.start();
  return { host, files, exchange };
}

interface Ready {
  readonly keys: readonly PeerKey[];
  readonly addresses: readonly (readonly string[])[];
}

/** The other process: four that keep the model, until their parent goes. */
async function hold(folder: string, file: string): Promise<void> {
  process.once('disconnect', () => process.exit());
  const holders = await Promise.all(Array.from({ length: HOLDERS }, (_, at) => peer(at + 1, folder)));
  for (const { files } of holders) await files.offer(file);
  process.once('message', async () => {
    // Who pulls is connected by now.
    for (const { host } of holders) await host.libp2p.contentRouting.provide(runCid(registry().runId));
    process.send?.('provided');
  });
  const ready: Ready = {
    keys: holders.map(({ host }) => host.key),
    addresses: holders.map(({ host }) => host.addresses()),
  };
  process.send?.(ready);
}

async function overExchange({ exchange }: Peer, keys: readonly PeerKey[]): Promise<void> {
  let left = segmentCount(bytes);
  const worker = async (key: PeerKey): Promise<void> => {
    while (left-- > 0) {
      const asking = { responseBytesMax: 2 * segmentBytesMax, timeoutMs: 60_000 };
      await exchange.request(key, new Uint8Array(8), { ...asking, signal: new AbortController().signal });
    }
  };
  await Promise.all(keys.flatMap((key) => Array.from({ length: AT_A_TIME }, () => worker(key))));
}

async function measured(folder: string, file: string, child: ChildProcess) {
  const ready = once(child, 'message');
  const asker = await peer(99, folder);
  const blob = await asker.files.offer(file);
  await asker.files.drop(blob.root);
  const [{ keys, addresses }] = (await ready) as [Ready];
  for (const each of addresses) await asker.host.libp2p.dial(each.map((address) => multiaddr(address)));
  child.send('connected');
  await once(child, 'message');
  const tasks = {
    network: () => overExchange(asker, keys),
    pull: () => asker.files.pull('model', blob, AbortSignal.timeout(600_000)),
  };
  const times = { network: [] as number[], pull: [] as number[] };
  for (let run = -1; run < Number(values.runs); run++) {
    for (const name of ['network', 'pull'] as const) {
      const beganMs = performance.now();
      await tasks[name]();
      if (run >= 0) times[name].push((performance.now() - beganMs) / 1000);
    }
    await asker.files.drop(blob.root);
  }
  await asker.files.stop();
  await asker.host.stop();
  return times;
}

const role = process.env['REGISTRY_PULL_HOLDS'];
if (role !== undefined) {
  const { folder, file } = JSON.parse(role) as { readonly folder: string; readonly file: string };
  await hold(folder, file);
} else {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-bench-pull-'));
  const file = join(folder, 'model');
  const model = new Uint8Array(bytes);
  rngFor('bench/registry-pull').fillUniform(new Float32Array(model.buffer), -1, 1);
  await writeFile(file, model);
  const env = { ...process.env, REGISTRY_PULL_HOLDS: JSON.stringify({ folder, file }) };
  const child = fork(import.meta.filename, { env });
  try {
    const { network, pull } = await measured(folder, file, child);
    const [networkSeconds, pullSeconds] = [median(network), median(pull)];
    const figures = {
      megabytes: bytes / 1e6,
      ...{ networkSeconds, pullSeconds, ratio: pullSeconds / networkSeconds, runs: pull.length },
    };
    if (values.json) console.log(JSON.stringify(figures));
    else {
      const speed = (seconds: number): string =>
        `${seconds.toFixed(2)} s, ${(bytes / 1e6 / seconds).toFixed(0)} MB/s`;
      console.log(`${figures.megabytes} MB from ${HOLDERS} holders, medians of ${figures.runs}`);
      console.log(`  network  ${speed(networkSeconds)}: the exchange alone`);
      console.log(`  pull     ${speed(pullSeconds)}: ${figures.ratio.toFixed(2)} times the network`);
    }
  } finally {
    child.disconnect();
    await rm(folder, { recursive: true, force: true });
  }
}
