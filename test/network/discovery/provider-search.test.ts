/** How many are asked for the providers of a run, on real hosts. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { PeerId } from '@libp2p/interface';
import { askProviders } from '../../../src/network/discovery/provider-search.ts';
import type { Host } from '../../../src/network/host/host.ts';
import { KAD_PROTOCOL, runCid } from '../../../src/network/protocols.ts';
import { connected, eventually, loopbackHost, someRunId } from '../real-hosts.ts';

async function knowsEight(host: Host): Promise<boolean> {
  const readings = await host.readings();
  return (readings.get('libp2p_kad_dht_routing_table_size')?.[0]?.[1] ?? 0) >= 8;
}

describe('a search among ten that all know the same providers', () => {
  const runId = someRunId('a search');
  let hosts: Host[];

  before(async () => {
    hosts = await Promise.all(Array.from({ length: 11 }, () => loopbackHost({ carriesRuns: false })));
    for (const [index, host] of hosts.entries()) {
      // The DHT may be dialling the same one just then.
      for (const other of hosts.slice(index + 1)) await connected(host, other).catch(() => {});
    }
    await eventually('all are connected', () => hosts.every((host) => host.libp2p.getPeers().length === 10));
    for (const untilMs = Date.now() + 60_000; !(await knowsEight(hosts[10]!)); await delay(50)) {
      assert.ok(Date.now() < untilMs, 'its table has most of the others');
    }
    for (const host of hosts.slice(0, 4)) {
      for await (const event of host.libp2p.services.dht.provide(runCid(runId))) void event;
    }
  });
  after(() => Promise.all(hosts.map((host) => host.stop())));

  /** Bytes that all have sent for the search, and what it told of. */
  async function searched(isKnown: (id: PeerId) => boolean): Promise<{ bytes: number; told: number }> {
    const sent = async (): Promise<number> => {
      const readings = await Promise.all(hosts.map((host) => host.readings()));
      return readings
        .flatMap((reading) => reading.get('libp2p_protocol_sent_bytes_total')!)
        .reduce((sum, [protocol, bytes]) => sum + (protocol === KAD_PROTOCOL ? bytes : 0), 0);
    };
    const before = await sent();
    const seeker = { host: hosts[10]!, runId, random: Math.random, onProvider: () => {} };
    const told = await askProviders({ ...seeker, signal: AbortSignal.timeout(20_000), isKnown }, 64);
    return { bytes: (await sent()) - before, told };
  }

  test('is over early where all of them are known, and not where one is new', async () => {
    const whole = await searched(() => false);
    assert.equal(whole.told, 4);
    const but = hosts[2]!.libp2p.peerId;
    const news = await searched((id) => !id.equals(but));
    assert.equal(news.told, 4);
    assert.ok(news.bytes > 0.8 * whole.bytes, `${news.bytes} of ${whole.bytes}`);
    const vain = await searched(() => true);
    assert.equal(vain.told, 4);
    assert.ok(vain.bytes < 0.7 * whole.bytes, `${vain.bytes} of ${whole.bytes}`);
  });
});
