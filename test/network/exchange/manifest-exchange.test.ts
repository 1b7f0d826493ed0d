import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fetchManifest, serveManifests } from '../../../src/network/exchange/manifest-exchange.ts';
import type { Host } from '../../../src/network/host/host.ts';
import { runCid } from '../../../src/network/protocols.ts';
import { createCrypto, createSigner } from '../../../src/platform/node/crypto.ts';
import { wallClock } from '../../../src/platform/node/wall-clock.ts';
import { manifestBytesMax, openManifest, signManifest } from '../../../src/run/manifest.ts';
import { runSpecSchema } from '../../../src/run/run-spec.ts';
import { connected, eventually, loopbackHost } from '../real-hosts.ts';

const crypto = createCrypto();
const signed = signManifest(
  {
    ...runSpecSchema.parse({
      name: 'served',
      model: { kind: 'logistic-regression', inputs: 4, outputs: 2 },
      task: { kind: 'idx-images' },
      rounds: 3,
      slotMs: 1000,
    }),
    startAtMs: 1_800_000_000_000,
    initHash: '0'.repeat(64),
  },
  crypto,
  createSigner(new Uint8Array(32).fill(7)),
);

describe('manifest from strangers', () => {
  let asker: Host;
  let honest: Host;
  let liars: Host[];

  before(async () => {
    [asker, honest, ...liars] = (await Promise.all(
      Array.from({ length: 6 }, () => loopbackHost({ carriesRuns: false })),
    )) as [Host, Host, ...Host[]];
    await Promise.all([honest, ...liars].map((host) => connected(asker, host)));
    const tampered = Uint8Array.from(signed.bytes);
    tampered[20]! ^= 1;
    const [forger, flooder, mute, ignorant] = liars as [Host, Host, Host, Host];
    await serveManifests(forger, () => tampered);
    await serveManifests(flooder, () => new Uint8Array(manifestBytesMax + 1));
    await mute.libp2p.handle('/starlings/manifest/1.0.0', () => {});
    await serveManifests(ignorant, () => null);
  });
  after(async () => {
    await Promise.all([asker, honest, ...liars].map((host) => host.stop()));
  });

  const fetching = (signal: AbortSignal, failures: Map<string, string>) =>
    fetchManifest({
      host: asker,
      runId: signed.runId,
      open: (bytes) => openManifest(bytes, crypto, signed.runId),
      clock: wallClock,
      random: Math.random,
      signal,
      timeoutMs: 3_000,
      onFailure: (provider, reason) => failures.set(provider, reason),
    });

  test('liars, the mute and the ignorant are passed over until somebody tells the truth', async () => {
    await Promise.all(liars.map((host) => host.libp2p.contentRouting.provide(runCid(signed.runId))));
    const failures = new Map<string, string>();
    const search = fetching(AbortSignal.timeout(20_000), failures);
    // Only now does an honest provider appear: the search goes on until then.
    await eventually('all liars were asked', () => failures.size === liars.length);
    await serveManifests(honest, (runId) => (runId === signed.runId ? signed.bytes : null));
    await honest.libp2p.contentRouting.provide(runCid(signed.runId));
    const manifest = await search;
    assert.equal(manifest.runId, signed.runId);
    assert.deepEqual(manifest.bytes, signed.bytes);
    const reasons = liars.map(({ key }) => failures.get(key) ?? '');
    assert.match(reasons[0]!, /manifest/);
    assert.match(reasons[1]!, /more than 1048576 bytes/);
    assert.match(reasons[2]!, /did not answer within 3000 ms/);
    assert.match(reasons[3]!, /does not have it yet/);
  });

  test('a search that is ended says what failed', async () => {
    const nobody = await loopbackHost({ carriesRuns: false });
    try {
      const search = fetchManifest({
        host: nobody,
        runId: signed.runId,
        open: (bytes) => bytes,
        clock: wallClock,
        random: Math.random,
        signal: AbortSignal.timeout(300),
      });
      await assert.rejects(search, { code: 'NO_MANIFEST' });
    } finally {
      await nobody.stop();
    }
  });
});
