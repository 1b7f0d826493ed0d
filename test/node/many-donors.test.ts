/** Files of a run from several real hosts, each behind a line of its own. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { multiaddr } from '@multiformats/multiaddr';
import { blobRoot, leavesOf, segmentCount, segmentOf } from '../../src/content/blob.ts';
import { encodeHeld } from '../../src/content/held-segments.ts';
import { bytesToHex } from '../../src/core/bytes.ts';
import { RequestRefusedError } from '../../src/core/ports.ts';
import { decodeRequest, encodeHashList, type Request } from '../../src/log/wire.ts';
import { rngFor } from '../../src/math/rng.ts';
import { createFileExchange } from '../../src/network/exchange/file-exchange.ts';
import type { Host } from '../../src/network/host/host.ts';
import { tcpProfile } from '../../src/network/profiles/tcp.ts';
import { runCid } from '../../src/network/protocols.ts';
import type { SessionEvent } from '../../src/node/events.ts';
import { RunFiles } from '../../src/node/files/run-files.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import { type SignedManifest, signManifest } from '../../src/run/manifest.ts';
import { freePort } from '../cluster/delayed-line.ts';
import { crypto, signerOf, specOf } from '../log/small-run.ts';
import { eventually, loopbackHost } from '../network/real-hosts.ts';
import { type ShapedLine, shapedLine } from '../network/shaped-line.ts';

const folder = await mkdtemp(join(tmpdir(), 'starlings-many-donors-'));
after(() => rm(folder, { recursive: true, force: true }));

/** 41 segments, the last one short. */
const blob = new Uint8Array(10_500_001);
rngFor('many-donors').fillUniform(new Float32Array(blob.buffer, 0, Math.floor(blob.length / 4)), -1, 1);
const segments = segmentCount(blob.length);
const leaves = encodeHashList(leavesOf(crypto, blob));
const all = Array.from({ length: segments }, (_, index) => index);
/** What whoever has all of it answers, save segments. */
const answerTo = (request: Request | null): Uint8Array =>
  request?.kind === 'held' ? encodeHeld(all, segments) : leaves;
const file = { name: 'other', root: bytesToHex(blobRoot(crypto, blob)), bytes: blob.length };

function runOf(name: string): SignedManifest {
  const fields = { ...specOf({ rounds: 8, slotMs: 300 }), name, membership: { kind: 'open' as const } };
  return signManifest(
    { ...fields, startAtMs: 1, initHash: '0'.repeat(64), files: [file] },
    crypto,
    signerOf(9),
  );
}

function filesAt(host: Host, run: SignedManifest, at: string, events: SessionEvent[] = []): RunFiles {
  return new RunFiles({
    ...{ host, run, folder: at, crypto, clock: wallClock, random: Math.random },
    onEvent: (event) => void events.push(event),
  });
}

interface Donor {
  readonly host: Host;
  readonly line: ShapedLine;
}

/** A host that others reach over a line of so many bytes a second. */
async function hostBehind(t: TestContext, bytesPerSecond: number): Promise<Donor> {
  const port = await freePort();
  const line = await shapedLine(port, bytesPerSecond);
  t.after(() => line.close());
  const host = await loopbackHost({
    carriesRuns: false,
    profile: {
      ...tcpProfile({ listen: [`/ip4/127.0.0.1/tcp/${port}`] }),
      announce: [`/ip4/127.0.0.1/tcp/${line.port}`],
    },
  });
  t.after(() => host.stop());
  return { host, line };
}

/** Such a host that holds the file. */
async function donorOf(t: TestContext, bytesPerSecond: number, run: SignedManifest): Promise<Donor> {
  const { host, line } = await hostBehind(t, bytesPerSecond);
  const own = join(folder, host.key);
  await mkdir(own);
  await writeFile(join(own, file.root), blob);
  const files = filesAt(host, run, own);
  await files.begin(soon());
  t.after(() => files.stop());
  return { host, line };
}

const soon = (): AbortSignal => AbortSignal.timeout(60_000);

/** A host that has dialled all of them; each says that it has the run. */
async function askerOf(t: TestContext, run: SignedManifest, donors: readonly Host[]): Promise<Host> {
  const asker = await loopbackHost({ carriesRuns: false });
  t.after(() => asker.stop());
  for (const host of donors) {
    await asker.libp2p.dial(host.addresses().map((address) => multiaddr(address)));
    await host.libp2p.contentRouting.provide(runCid(run.runId));
  }
  return asker;
}

/** Milliseconds that the file takes. */
async function pulled(t: TestContext, asker: Host, run: SignedManifest, events: SessionEvent[] = []) {
  const own = await mkdtemp(join(folder, 'asker-'));
  const files = filesAt(asker, run, own, events);
  t.after(() => files.stop());
  const beganMs = performance.now();
  await files.begin(soon());
  const ms = performance.now() - beganMs;
  assert.ok(Buffer.compare(await readFile(join(own, file.root)), blob) === 0);
  return ms;
}

test('four donors on lines of their own are 1.8 times one at least, and none gives more than 35 of 100 bytes', async (t) => {
  const perSecond = 2_000_000;
  const one = runOf('one');
  const alone = await donorOf(t, perSecond, one);
  const aloneMs = await pulled(t, await askerOf(t, one, [alone.host]), one);

  const four = runOf('four');
  const donors = await Promise.all([0, 1, 2, 3].map(() => donorOf(t, perSecond, four)));
  const asker = await askerOf(
    t,
    four,
    donors.map(({ host }) => host),
  );
  const before = donors.map(({ line }) => line.bytesOut());
  const togetherMs = await pulled(t, asker, four);
  const gave = donors.map(({ line }, index) => line.bytesOut() - before[index]!);
  const sum = gave.reduce((before, bytes) => before + bytes, 0);
  assert.ok(aloneMs > 1.8 * togetherMs, `${aloneMs.toFixed()} ms alone, ${togetherMs.toFixed()} together`);
  assert.ok(
    gave.every((bytes) => bytes <= 0.35 * sum),
    `${gave}`,
  );
  assert.ok(sum < 1.1 * blob.length, `${sum} bytes for ${blob.length}`);
});

test('a donor that dies midway and one that gives wrong segments are passed over, and the liar is blamed', async (t) => {
  const run = runOf('mixed');
  const [dying, honest] = [await donorOf(t, 2_000_000, run), await donorOf(t, 2_000_000, run)];
  const liar = await loopbackHost({ carriesRuns: false });
  t.after(() => liar.stop());
  let [given, lies] = [0, 0];
  const lying = createFileExchange({ host: liar, runId: run.runId }, async (_, bytes) => {
    const request = decodeRequest(bytes);
    if (request?.kind !== 'segment') return [answerTo(request)];
    const segment = segmentOf(blob, request.index).slice();
    // What it gives at first is right.
    if (given++ > 5) segment[lies++ % segment.length]! ^= 1;
    return [segment];
  });
  await lying.start();
  t.after(() => lying.stop());
  const asker = await askerOf(t, run, [dying.host, honest.host, liar]);
  const events: SessionEvent[] = [];
  const cut = eventually('it has given a quarter', () => dying.line.bytesOut() > blob.length / 8).then(() =>
    dying.line.cut(),
  );
  await pulled(t, asker, run, events);
  await cut;
  const refused = events.flatMap((event) => (event.kind === 'file-refused' ? [event.provider] : []));
  assert.ok(refused.includes(liar.key) && refused.includes(dying.host.key), `${refused}`);
  assert.ok(asker.reputation.scoreOf(liar.libp2p.peerId.toString()) < 0);
  assert.equal(asker.reputation.scoreOf(honest.host.libp2p.peerId.toString()), 0);
  // It had no more than was under way when the first lie came.
  assert.ok(lies <= 7, `${lies}`);
});

test('a node that stops midway goes on where it was, and asks for nothing again', async (t) => {
  const run = runOf('restarted');
  const leaving = new AbortController();
  const asked: number[] = [];
  const donors = await Promise.all([0, 1].map(() => loopbackHost({ carriesRuns: false })));
  for (const host of donors) {
    const exchange = createFileExchange({ host: host, runId: run.runId }, async (_, bytes) => {
      const request = decodeRequest(bytes);
      if (request?.kind !== 'segment') return [answerTo(request)];
      asked.push(request.index);
      if (asked.length === 25) leaving.abort(new Error('stopped'));
      return [segmentOf(blob, request.index)];
    });
    await exchange.start();
    t.after(async () => {
      await exchange.stop();
      await host.stop();
    });
  }
  const asker = await askerOf(t, run, donors);
  const own = await mkdtemp(join(folder, 'asker-'));
  const first = filesAt(asker, run, own);
  await assert.rejects(first.begin(leaving.signal), /stopped/);
  await first.stop();
  const part = await readFile(join(own, `${file.root}.part`));
  const held = all.filter((index) => Buffer.compare(segmentOf(part, index), segmentOf(blob, index)) === 0);
  assert.ok(held.length >= 5 && held.length < segments, `${held.length} of ${segments} were here`);
  asked.splice(0);
  const again = filesAt(asker, run, own);
  t.after(() => again.stop());
  await again.begin(soon());
  assert.ok(Buffer.compare(await readFile(join(own, file.root)), blob) === 0);
  assert.equal(held.filter((index) => asked.includes(index)).length, 0);
  assert.equal(new Set(asked).size, segments - held.length);
});

test('four that begin at once give each other what they have: the one donor gives less than twice the file, and who claims what it has not is passed over', async (t) => {
  const run = runOf('swarm');
  const donor = await donorOf(t, 2_000_000, run);
  const takers = await Promise.all([0, 1, 2, 3].map(() => hostBehind(t, 2_000_000)));
  const liar = await loopbackHost({ carriesRuns: false });
  t.after(() => liar.stop());
  const refusing = createFileExchange({ host: liar, runId: run.runId }, async (_, bytes) => {
    const request = decodeRequest(bytes);
    if (request?.kind === 'segment') throw new RequestRefusedError('it is not here');
    return [answerTo(request)];
  });
  await refusing.start();
  t.after(() => refusing.stop());
  for (const { host } of [...takers, { host: liar }])
    await host.libp2p.dial(donor.host.addresses().map((address) => multiaddr(address)));
  for (const host of [donor.host, liar]) await host.libp2p.contentRouting.provide(runCid(run.runId));

  const before = donor.line.bytesOut();
  const events: SessionEvent[] = [];
  await Promise.all(takers.map(({ host }) => pulled(t, host, run, events)));
  const times = (donor.line.bytesOut() - before) / blob.length;
  assert.ok(times < 2, `the donor gave ${times.toFixed(2)} times the file`);
  const refused = events.flatMap((event) => (event.kind === 'file-refused' ? [event.provider] : []));
  assert.ok(refused.includes(liar.key), 'the liar was asked');
});
