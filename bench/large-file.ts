/**
 * A file of a gigabyte from one process to another, disk to disk, and how much memory that takes at either end: `npm run bench:large-file`,
 * with `-- --mb 200` for less, `-- --json` for machines. Both hand on no more than a peer may have in a second (8 MiB), so that a gigabyte
 * takes two minutes; what is looked at is the largest resident memory of each, beside what it was before the first byte.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdir, mkdtemp, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { multiaddr } from '@multiformats/multiaddr';
import { createHost, type Host } from '../src/network/host/host.ts';
import { identityFromSeed } from '../src/network/identity.ts';
import { tcpProfile } from '../src/network/profiles/tcp.ts';
import { runCid } from '../src/network/protocols.ts';
import { RunFiles } from '../src/node/files/run-files.ts';
import { blobIdOf } from '../src/platform/node/blob-file.ts';
import { createCrypto } from '../src/platform/node/crypto.ts';
import { wallClock } from '../src/platform/node/wall-clock.ts';
import { openManifest, signManifest } from '../src/run/manifest.ts';
import { runSpecSchema } from '../src/run/run-spec.ts';
import { childWord, endChildren } from './child-word.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    mb: { type: 'string', default: '1000' },
    json: { type: 'boolean', default: false },
    folder: { type: 'string', default: '' },
    donor: { type: 'string', multiple: true },
  },
});
const bytes = 1e6 * Number(values.mb);
const crypto = createCrypto();
const never = new AbortController().signal;

type Word =
  | { readonly up: readonly string[] }
  /** Megabytes: resident before the first byte, and at most. */
  | { readonly done: { readonly beforeMb: number; readonly peakMb: number; readonly seconds: number } };
const say = (word: Word): void => void process.send?.(word);
const residentMb = (): number => process.memoryUsage.rss() / 1e6;
const peakMb = (): number => (1_024 * process.resourceUsage().maxRSS) / 1e6;

/** The donor says where it is, and how it went when it is asked; the taker how it went. */
async function member(): Promise<void> {
  process.once('disconnect', () => process.exit());
  const isTaker = values.donor !== undefined;
  const host = await createHost({
    identity: identityFromSeed(new Uint8Array(32).fill(isTaker ? 2 : 1)),
    profile: tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }),
    carriesRuns: false,
  });
  await host.start();
  const run = openManifest(await readFile(join(values.folder, 'manifest')), crypto);
  const folder = join(values.folder, isTaker ? 'taker' : 'donor');
  const common = { host, run, folder, crypto, clock: wallClock, random: Math.random };
  const files = new RunFiles({ ...common, onEvent: () => {} });
  if (isTaker) await dialled(host, values.donor!);
  else await files.begin(never);
  const [beforeMb, beganMs] = [residentMb(), performance.now()];
  const done = (): void =>
    say({ done: { beforeMb, peakMb: peakMb(), seconds: (performance.now() - beganMs) / 1_000 } });
  if (isTaker) {
    await files.begin(never);
    done();
    return;
  }
  process.once('message', done);
  // Its own record is what the taker asks it for: there is nobody else who could hold one.
  host.libp2p.contentRouting.provide(runCid(run.runId)).catch(() => {});
  say({ up: host.addresses() });
}

/** Again, where a busy machine takes too long. */
async function dialled(host: Host, addresses: readonly string[], attempts = 6): Promise<void> {
  try {
    await host.libp2p.dial(addresses.map((address) => multiaddr(address)));
  } catch (error) {
    if (attempts <= 1) throw error;
    await dialled(host, addresses, attempts - 1);
  }
}

async function makeFile(path: string): Promise<void> {
  const file = await open(path, 'w');
  const piece = new Uint8Array(1e6);
  for (let left = bytes; left > 0; left -= piece.length)
    await file.write(randomFillSync(piece), 0, Math.min(left, piece.length));
  await file.close();
}

const word = <K extends string>(child: ChildProcess, key: K) => childWord<Word, K>(child, key);

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-bench-large-file-'));
  const children: ChildProcess[] = [];
  const start = (more: readonly string[]): ChildProcess => {
    const child = fork(import.meta.filename, ['member', '--folder', folder, ...more]);
    children.push(child);
    return child;
  };
  try {
    for (const name of ['donor', 'taker']) await mkdir(join(folder, name));
    await makeFile(join(folder, 'made'));
    const blob = await blobIdOf(join(folder, 'made'), crypto);
    await rename(join(folder, 'made'), join(folder, 'donor', blob.root));
    const spec = runSpecSchema.parse({
      ...{ name: 'large', rounds: 1, slotMs: 1000, task: { kind: 'idx-images' } },
      model: { kind: 'mlp', inputs: 784, hidden: [64], outputs: 10 },
    });
    const fields = { ...spec, startAtMs: 1, initHash: '0'.repeat(64), files: [{ name: 'large', ...blob }] };
    const { signer } = identityFromSeed(new Uint8Array(32).fill(255));
    await writeFile(join(folder, 'manifest'), signManifest(fields, crypto, signer).bytes);
    const donor = start([]);
    const { up } = await word(donor, 'up');
    const taker = start(up.flatMap((address) => ['--donor', address]));
    const { done: took } = await word(taker, 'done');
    const gave = word(donor, 'done');
    donor.send('how did it go');
    const { done: given } = await gave;
    const figures = {
      ...{
        megabytes: bytes / 1e6,
        seconds: took.seconds,
        takerPeakMb: took.peakMb,
        donorPeakMb: given.peakMb,
      },
      takerOfBody: (took.peakMb - took.beforeMb) / (bytes / 1e6),
      donorOfBody: (given.peakMb - given.beforeMb) / (bytes / 1e6),
    };
    if (values.json) console.log(JSON.stringify(figures));
    else {
      console.log(`${figures.megabytes} MB in ${figures.seconds.toFixed(0)} s`);
      for (const [who, { beforeMb, peakMb: peak }, ofBody] of [
        ['who takes it', took, figures.takerOfBody],
        ['who gives it', given, figures.donorOfBody],
      ] as const)
        console.log(
          `  ${who}: ${beforeMb.toFixed(0)} MB resident before, ${peak.toFixed(0)} at most, ${ofBody.toFixed(3)} of the file more`,
        );
    }
  } finally {
    await endChildren(children);
    await rm(folder, { recursive: true, force: true });
  }
}

await (positionals[0] === 'member' ? member() : main());
