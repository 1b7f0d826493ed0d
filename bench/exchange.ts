/**
 * A 64 MB body from one process to another through the exchange (TCP, noise, yamux, frames), in one frame and in segments of a blob,
 * against its limits: raw TCP, and the cipher of noise in Node's own crypto. `npm run bench:exchange`, with `-- --json` for machines.
 * All ways are timed in turn in one run; the ratio to raw TCP travels better between machines than milliseconds do, and the
 * processor time of both processes better than either where others use the machine. The small request is the cost of asking.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket, connect as tcpConnect } from 'node:net';
import { parseArgs } from 'node:util';
import { multiaddr } from '@multiformats/multiaddr';
import { segmentBytesMax, segmentCount } from '../src/content/blob.ts';
import type { PeerKey } from '../src/core/io.ts';
import { median } from '../src/math/statistics.ts';
import { createExchange, type Exchange } from '../src/network/exchange/exchange.ts';
import { createHost, type Host } from '../src/network/host/host.ts';
import { identityFromSeed } from '../src/network/identity.ts';
import { tcpProfile } from '../src/network/profiles/tcp.ts';
import type { Measurement } from './measure.ts';
import { ownProcessorMs } from './processor-time.ts';

const BODY_BYTES = 64_000_000;
const SMALL_BYTES = 100;
/** Segments asked for at a time, as of one donor. */
const AT_A_TIME = 6;
/** Of noise, without its tag. */
const NOISE_FRAME_BYTES = 65_519;
const WARM_UP_RUNS = 2;
const RUNS = 9;
const LISTEN = '/ip4/127.0.0.1/tcp/0';
/** Any text will do: nothing but the protocol string depends on it. */
const RUN_ID = 'bench';

interface ServerReady {
  readonly key: PeerKey;
  readonly addresses: readonly string[];
  readonly tcpPort: number;
}

async function peer(seed: number): Promise<{ host: Host; exchange: Exchange }> {
  const host = await createHost({
    identity: identityFromSeed(new Uint8Array(32).fill(seed)),
    profile: tcpProfile({ listen: [LISTEN] }),
    carriesRuns: false,
  });
  await host.start();
  const body = new Uint8Array(BODY_BYTES).fill(seed);
  const small = new Uint8Array(SMALL_BYTES);
  const exchange = createExchange({
    host,
    runId: RUN_ID,
    // What one peer may take a second is not what is measured.
    limits: { answerBurstBytes: 2 ** 50 },
    serve: async (_from, request) =>
      [[body], [small], [body.subarray(0, segmentBytesMax)]][request.length - 1] ?? [],
    onEvent: () => {},
  });
  await exchange.start();
  return { host, exchange };
}

/** The other process: serves the body over both ways until its parent goes. */
async function serve(): Promise<void> {
  const { host } = await peer(1);
  const body = Buffer.alloc(BODY_BYTES, 1);
  const server = createServer((socket) => {
    socket.on('data', () => socket.write(body));
    socket.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') {
    throw new Error('the TCP server has no port');
  }
  process.once('disconnect', () => process.exit());
  process.on('message', () => process.send?.(ownProcessorMs()));
  const ready: ServerReady = { key: host.key, addresses: host.addresses(), tcpPort: address.port };
  process.send?.(ready);
}

/** One body over an open socket, copied into a buffer of its size as the exchange does. */
function overTcp(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const buffer = new Uint8Array(BODY_BYTES);
    let filled = 0;
    const onData = (chunk: Buffer) => {
      buffer.set(chunk, filled);
      filled += chunk.length;
      if (filled === BODY_BYTES) {
        socket.off('data', onData);
        socket.off('error', reject);
        resolve();
      }
    };
    socket.on('data', onData);
    socket.once('error', reject);
    socket.write('x');
  });
}

/** A body's worth of frames, sealed one after the other. */
async function sealed(): Promise<void> {
  const body = Buffer.alloc(BODY_BYTES, 1);
  const [key, nonce] = [Buffer.alloc(32, 1), Buffer.alloc(12)];
  for (let at = 0; at < body.length; at += NOISE_FRAME_BYTES) {
    nonce.writeUInt32LE(at, 4);
    const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
    cipher.update(body.subarray(at, at + NOISE_FRAME_BYTES));
    cipher.final();
    cipher.getAuthTag();
  }
}

interface Took {
  readonly ms: number;
  /** Of both processes. */
  readonly cpu: number;
}

/** Every run; the tasks are run in turn, so that a change in speed meets all of them. */
async function timed(
  tasks: Readonly<Record<string, () => Promise<unknown>>>,
  allCpuMs: () => Promise<number>,
): Promise<Map<string, Took[]>> {
  const times = new Map(Object.keys(tasks).map((name) => [name, [] as Took[]]));
  for (let run = -WARM_UP_RUNS; run < RUNS; run++) {
    for (const [name, task] of Object.entries(tasks)) {
      const beforeCpuMs = await allCpuMs();
      const startMs = performance.now();
      await task();
      const ms = performance.now() - startMs;
      if (run >= 0) times.get(name)!.push({ ms, cpu: (await allCpuMs()) - beforeCpuMs });
    }
  }
  return times;
}

interface Row extends Measurement {
  readonly cpuMs: number;
}

async function measure(child: ChildProcess): Promise<Row[]> {
  const [ready] = (await once(child, 'message')) as [ServerReady];
  const { host, exchange } = await peer(2);
  await host.libp2p.dial(ready.addresses.map((address) => multiaddr(address)));
  const socket = tcpConnect(ready.tcpPort, '127.0.0.1');
  await once(socket, 'connect');
  const ask = (bytes: number) =>
    exchange.request(ready.key, new Uint8Array(bytes), {
      responseBytesMax: BODY_BYTES,
      timeoutMs: 60_000,
      signal: new AbortController().signal,
    });
  const segments = async (): Promise<void> => {
    let left = segmentCount(BODY_BYTES);
    const worker = async (): Promise<void> => {
      while (left-- > 0) await ask(3);
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  };
  const allCpuMs = async (): Promise<number> => {
    child.send('cpu');
    const [theirs] = (await once(child, 'message')) as [number];
    return ownProcessorMs() + theirs;
  };
  const large = {
    'tcp-64MB': () => overTcp(socket),
    'cipher-64MB': sealed,
    'exchange-64MB': () => ask(1),
    'segments-64MB': segments,
  };
  const times = new Map([
    ...(await timed(large, allCpuMs)),
    // Not in turn with the large ones, whose garbage it would pay for.
    ...(await timed({ 'exchange-100B': () => ask(2) }, allCpuMs)),
  ]);
  socket.destroy();
  await exchange.stop();
  await host.stop();
  const reference = 'tcp-64MB';
  const referenceMs = median(times.get(reference)!.map(({ ms }) => ms));
  return [...times].map(([name, took]) => {
    const medianMs = median(took.map(({ ms }) => ms));
    const both = median(took.map(({ cpu }) => cpu));
    return { name, medianMs, reference, ratio: medianMs / referenceMs, runs: RUNS, cpuMs: both };
  });
}

async function main(): Promise<void> {
  const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
  const child = fork(import.meta.filename, ['serve']);
  try {
    const measurements = await measure(child);
    if (options.json) {
      console.log(JSON.stringify(measurements, null, 2));
      return;
    }
    console.log(`one process to another over loopback, median of ${RUNS} runs\n`);
    console.log('way                  ms      MB/s   of raw TCP  of cipher   cpu ms');
    const cipherMs = measurements.find(({ name }) => name === 'cipher-64MB')!.medianMs;
    for (const { name, medianMs, ratio, cpuMs } of measurements) {
      const bytes = name.endsWith('64MB') ? BODY_BYTES : SMALL_BYTES;
      const megabytesPerSecond = bytes / 1e6 / (medianMs / 1000);
      console.log(
        name.padEnd(15),
        medianMs.toFixed(1).padStart(7),
        megabytesPerSecond.toFixed(1).padStart(9),
        ...(name.endsWith('64MB')
          ? [(1 / ratio).toFixed(2).padStart(12), (cipherMs / medianMs).toFixed(2).padStart(9)]
          : [' '.repeat(22)]),
        cpuMs.toFixed(1).padStart(9),
      );
    }
  } finally {
    child.disconnect();
  }
}

await (process.argv[2] === 'serve' ? serve() : main());
