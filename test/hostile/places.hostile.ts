/** Strangers that hold the places of donors and give nothing, on real hosts. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { blobRoot } from '../../src/content/blob.ts';
import { bytesToHex, hexToBytes } from '../../src/core/bytes.ts';
import { type Clock, RequestRefusedError } from '../../src/core/ports.ts';
import { decodeRequest, encodeRequest, type Request } from '../../src/log/wire.ts';
import { rngFor } from '../../src/math/rng.ts';
import type { Exchange } from '../../src/network/exchange/exchange.ts';
import { createFileExchange } from '../../src/network/exchange/file-exchange.ts';
import type { Host } from '../../src/network/host/host.ts';
import { runCid } from '../../src/network/protocols.ts';
import type { SessionEvent } from '../../src/node/events.ts';
import { RunFiles } from '../../src/node/files/run-files.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import { type SignedManifest, signManifest } from '../../src/run/manifest.ts';
import { crypto, signerOf, specOf } from '../log/small-run.ts';
import { connected, eventually, loopbackHost } from '../network/real-hosts.ts';

const folder = await mkdtemp(join(tmpdir(), 'starlings-file-places-'));
after(() => rm(folder, { recursive: true, force: true }));

const blob = new Uint8Array(10_500_001);
rngFor('file-places').fillUniform(new Float32Array(blob.buffer, 0, Math.floor(blob.length / 4)), -1, 1);
const file = { name: 'other', root: bytesToHex(blobRoot(crypto, blob)), bytes: blob.length };

/** Goes so many times as fast as the wall's. */
const speed = 10;
const quickClock: Clock = {
  nowMs: () => speed * wallClock.nowMs(),
  schedule: (atMs, task) => wallClock.schedule(atMs / speed, task),
};
const never = new Promise<never>(() => {});
const soon = (): AbortSignal => AbortSignal.timeout(25_000);

function runOf(name: string): SignedManifest {
  const fields = { ...specOf({ rounds: 8, slotMs: 300 }), name, membership: { kind: 'open' as const } };
  return signManifest(
    { ...fields, startAtMs: 1, initHash: '0'.repeat(64), files: [file] },
    crypto,
    signerOf(9),
  );
}

async function hostOf(t: TestContext, hub?: Host): Promise<Host> {
  const host = await loopbackHost({ carriesRuns: false });
  t.after(() => host.stop());
  if (hub) await connected(host, hub);
  return host;
}

const provide = (host: Host, run: SignedManifest) => host.libp2p.contentRouting.provide(runCid(run.runId));

/** One that answers requests for files as it likes. */
async function stranger(
  t: TestContext,
  host: Host,
  run: SignedManifest,
  answer: (request: Request | null) => Promise<Uint8Array>,
): Promise<Exchange> {
  const exchange = createFileExchange({ host, runId: run.runId }, async (_, bytes) => [
    await answer(decodeRequest(bytes)),
  ]);
  await exchange.start();
  t.after(() => exchange.stop());
  return exchange;
}

async function filesAt(
  t: TestContext,
  host: Host,
  run: SignedManifest,
  { holds = false, clock = wallClock }: { readonly holds?: boolean; readonly clock?: Clock } = {},
) {
  const own = join(folder, host.key);
  await mkdir(own);
  if (holds) await writeFile(join(own, file.root), blob);
  const events: SessionEvent[] = [];
  const files = new RunFiles({
    ...{ host, run, folder: own, crypto, clock, random: Math.random },
    onEvent: (event) => void events.push(event),
  });
  t.after(() => files.stop());
  return { files, events, path: join(own, file.root) };
}

/** Before a mute stranger's own exchange says that it is busy. */
const inTimeMs = 7_000;

/** An honest holder says that it is one when the strangers have all places; the file comes from there, and soon. */
async function comesFromLater(
  t: TestContext,
  run: SignedManifest,
  honest: Host,
  taker: Host,
  places: () => boolean,
) {
  const held = await filesAt(t, honest, run, { holds: true });
  await held.files.begin(soon());
  const { files, path } = await filesAt(t, taker, run, { clock: quickClock });
  const over = new AbortController();
  const begun = files.begin(over.signal);
  await eventually('the strangers have all places', places);
  const timer = setTimeout(() => over.abort(new Error('it did not come')), inTimeMs);
  await provide(honest, run);
  await begun.finally(() => clearTimeout(timer));
  assert.ok(Buffer.compare(await readFile(path), blob) === 0);
}

const strangers = Array.from({ length: 8 }, (_, index) => index);
const hostsAt = (t: TestContext, hub: Host): Promise<Host[]> =>
  Promise.all([...strangers, 'honest'].map(() => hostOf(t, hub)));

test('who is asked what it has and never says gives its place to another', async (t) => {
  const run = runOf('mute');
  const taker = await hostOf(t);
  const hosts = await hostsAt(t, taker);
  const asked = new Set<number>();
  for (const index of strangers)
    await stranger(t, hosts[index]!, run, () => {
      asked.add(index);
      return never;
    });
  await Promise.all(strangers.map((index) => provide(hosts[index]!, run)));
  await comesFromLater(t, run, hosts.at(-1)!, taker, () => asked.size === strangers.length);
});

test('who calls again and again and refuses what it is asked is asked less and less often, and told of once', async (t) => {
  const run = runOf('caller');
  const taker = await hostOf(t);
  const { files, events } = await filesAt(t, taker, run);
  const leaving = new AbortController();
  const begun = files.begin(leaving.signal);
  const caller = await hostOf(t, taker);
  let asked = 0;
  const exchange = await stranger(t, caller, run, async () => {
    asked += 1;
    throw new RequestRefusedError('no');
  });
  const beganMs = performance.now();
  const call = encodeRequest({ kind: 'held', root: hexToBytes(file.root) });
  for (let calls = 0; calls < 200; calls++) {
    const wanted = { responseBytesMax: 1_024, timeoutMs: 5_000, signal: soon() };
    await exchange.request(taker.key, call, wanted).catch(() => {});
  }
  await eventually('it was asked', () => asked > 0);
  const seconds = (performance.now() - beganMs) / 1_000;
  leaving.abort(new Error('stopped'));
  await assert.rejects(begun, /stopped/);
  assert.ok(asked <= 1 + seconds, `${asked} times in ${seconds.toFixed(1)} s`);
  assert.equal(events.filter(({ kind }) => kind === 'file-refused').length, 1, 'of each reason once');
});
