/**
 * A file from four donors against one, and four that take it at once from one donor and each other; all are real hosts behind lines of
 * their own. Then a snapshot that as many joiners take at once from one donor, over lines of virtual time: `npm run bench:donors`, with `-- --mb 64 --line-mb 8` for more, `-- --takers 8` for more who take it, `-- --json` for
 * machines. The lines are token buckets between sockets; what a line can carry is the limit.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { multiaddr } from '@multiformats/multiaddr';
import { blobRoot } from '../src/content/blob.ts';
import { bytesToHex } from '../src/core/bytes.ts';
import { rngFor } from '../src/math/rng.ts';
import { createHost, type Host } from '../src/network/host/host.ts';
import { identityFromSeed } from '../src/network/identity.ts';
import { tcpProfile } from '../src/network/profiles/tcp.ts';
import { runCid } from '../src/network/protocols.ts';
import { RunFiles } from '../src/node/files/run-files.ts';
import { createCrypto } from '../src/platform/node/crypto.ts';
import { wallClock } from '../src/platform/node/wall-clock.ts';
import { type SignedManifest, signManifest } from '../src/run/manifest.ts';
import { runSpecSchema } from '../src/run/run-spec.ts';
import { freePort } from '../test/cluster/delayed-line.ts';
import { takeOverLines } from '../test/log/blob-lines.ts';
import { type ShapedLine, shapedLine } from '../test/network/shaped-line.ts';

const { values } = parseArgs({
  options: {
    mb: { type: 'string', default: '32' },
    'line-mb': { type: 'string', default: '4' },
    takers: { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
  },
});
const lineBytesPerSecond = Number(values['line-mb']) * 1e6;
const crypto = createCrypto();
const { signer } = identityFromSeed(new Uint8Array(32).fill(255));
const blob = new Uint8Array(Number(values.mb) * 1e6);
rngFor('bench/donors').fillUniform(new Float32Array(blob.buffer), -1, 1);
const file = { name: 'other', root: bytesToHex(blobRoot(crypto, blob)), bytes: blob.length };
const folder = await mkdtemp(join(tmpdir(), 'starlings-bench-donors-'));
const closers: Array<() => Promise<void>> = [];
let hosts = 0;

function runOf(name: string): SignedManifest {
  const spec = runSpecSchema.parse({
    name,
    model: { kind: 'mlp', inputs: 784, hidden: [64], outputs: 10 },
    task: { kind: 'idx-images' },
    rounds: 1,
    slotMs: 1000,
  });
  return signManifest({ ...spec, startAtMs: 1, initHash: '0'.repeat(64), files: [file] }, crypto, signer);
}

async function hostOn(port: number, announced: number): Promise<Host> {
  const host = await createHost({
    identity: identityFromSeed(new Uint8Array(32).fill(++hosts)),
    profile: tcpProfile({
      listen: [`/ip4/127.0.0.1/tcp/${port}`],
      announce: [`/ip4/127.0.0.1/tcp/${announced}`],
    }),
    carriesRuns: false,
  });
  await host.start();
  closers.push(() => host.stop());
  return host;
}

async function filesOf(host: Host, run: SignedManifest, holds: boolean): Promise<RunFiles> {
  const own = join(folder, `${host.key}-${run.runId}`);
  await mkdir(own);
  if (holds) await writeFile(join(own, file.root), blob);
  const common = { host, run, folder: own, crypto, clock: wallClock, random: Math.random };
  const files = new RunFiles({ ...common, onEvent: () => {} });
  closers.push(() => files.stop());
  return files;
}

interface Lined {
  readonly host: Host;
  readonly line: ShapedLine;
}

/** A host that others reach over a line of its own. */
async function linedHost(): Promise<Lined> {
  const port = await freePort();
  const line = await shapedLine(port, lineBytesPerSecond);
  closers.push(() => line.close());
  return { host: await hostOn(port, line.port), line };
}

/** Seconds from the first byte over a line to the last segment of all takers, and the bytes of each donor's line. */
async function pulled(name: string, count: number, takers = 1): Promise<{ seconds: number; gave: number[] }> {
  const run = runOf(name);
  const askers: Host[] = [];
  for (let index = 0; index < takers; index++) askers.push((await linedHost()).host);
  const lines: ShapedLine[] = [];
  for (let index = 0; index < count; index++) {
    const { host: donor, line } = await linedHost();
    lines.push(line);
    await (await filesOf(donor, run, true)).begin(new AbortController().signal);
    for (const asker of askers)
      await asker.libp2p.dial(donor.addresses().map((address) => multiaddr(address)));
    await donor.libp2p.contentRouting.provide(runCid(run.runId));
  }
  const before = lines.map((line) => line.bytesOut());
  const files = await Promise.all(askers.map((asker) => filesOf(asker, run, false)));
  const gaveSoFar = (): number[] => lines.map((line, index) => line.bytesOut() - before[index]!);
  let beganMs = performance.now();
  // The search for donors is not what is measured.
  const watch = setInterval(() => {
    if (gaveSoFar().reduce((sum, bytes) => sum + bytes, 0) < 100_000) beganMs = performance.now();
  }, 5);
  await Promise.all(files.map((each) => each.begin(new AbortController().signal)));
  clearInterval(watch);
  return { seconds: (performance.now() - beganMs) / 1_000, gave: gaveSoFar() };
}

try {
  const one = await pulled('one', 1);
  const four = await pulled('four', 4);
  const takers = Number(values.takers);
  const swarm = await pulled('swarm', 1, takers);
  const all = four.gave.reduce((sum, bytes) => sum + bytes, 0);
  const limit = blob.length / lineBytesPerSecond;
  const snapshot = { bytes: blob.length, bytesPerSecond: lineBytesPerSecond };
  const joiner = takeOverLines({ ...snapshot, takers: 1 });
  const joiners = takeOverLines({ ...snapshot, takers });
  const figures = {
    megabytes: blob.length / 1e6,
    oneSeconds: one.seconds,
    fourSeconds: four.seconds,
    timesOne: one.seconds / four.seconds,
    ofOneLine: limit / one.seconds,
    ofFourLines: limit / 4 / four.seconds,
    largestShare: Math.max(...four.gave) / all,
    bytesPerByte: all / blob.length,
    takers,
    swarmSeconds: swarm.seconds,
    swarmTimesOne: swarm.seconds / one.seconds,
    swarmDonorGave: swarm.gave[0]! / blob.length,
    snapshotTimesOne: joiners.lastMs / joiner.lastMs,
    snapshotDonorGave: joiners.donorGave,
  };
  if (values.json) console.log(JSON.stringify(figures));
  else {
    const share = (part: number): string => part.toFixed(2);
    console.log(`${figures.megabytes} MB over lines of ${values['line-mb']} MB/s`);
    console.log(`  one donor    ${one.seconds.toFixed(1)} s, ${share(figures.ofOneLine)} of its line`);
    console.log(`  four donors  ${four.seconds.toFixed(1)} s, ${share(figures.ofFourLines)} of their lines`);
    console.log(
      `  ${share(figures.timesOne)} times one; the largest share is ${share(figures.largestShare)}`,
    );
    console.log(`  ${share(figures.bytesPerByte)} bytes on the lines for each of the file`);
    console.log(
      `  ${takers} that take it at once from one donor: all of them in ${swarm.seconds.toFixed(1)} s`,
    );
    console.log(
      `  ${share(figures.swarmTimesOne)} times what one alone needs; the donor gave ${share(figures.swarmDonorGave)} times the file`,
    );
    console.log(
      `  a snapshot of as many bytes that ${takers} joiners take at once, virtual time: ${share(figures.snapshotTimesOne)} times what one needs; the donor gave it ${share(figures.snapshotDonorGave)} times`,
    );
  }
} finally {
  for (const close of closers.reverse()) await close();
  await rm(folder, { recursive: true, force: true });
}
