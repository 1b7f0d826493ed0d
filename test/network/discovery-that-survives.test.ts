/** Discovery on real hosts: strangers that crowd the records of a run, a DHT in two halves, and addresses that change. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { multiaddr } from '@multiformats/multiaddr';
import { createBootstraps } from '../../src/network/discovery/bootstraps.ts';
import { searchProviders } from '../../src/network/discovery/provider-search.ts';
import type { Host } from '../../src/network/host/host.ts';
import type { HostProfile } from '../../src/network/profiles/host-profile.ts';
import { tcpProfile } from '../../src/network/profiles/tcp.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import { connected, eventually, loopbackHost, provided, someRunId } from './real-hosts.ts';
import { type RunMember, runMember } from './run-member.ts';

const discovery = {
  ...{ provide: { firstMs: 500, maxMs: 600_000 }, find: { firstMs: 100, maxMs: 500 } },
  ...{ findWhenEnoughMs: 60_000, findAtRestMs: 60_000, queryTimeoutMs: 20_000 },
};
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Asks and holds no records for others, as who is behind a NAT. */
const client = { ...tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }), discovery: 'dht-client' } as const;

async function someHost(carriesRuns: boolean, profile?: HostProfile): Promise<Host> {
  const host = await loopbackHost({ carriesRuns, ...(profile ? { profile } : {}) });
  ends.push(() => host.stop());
  return host;
}

async function memberOf(runId: string, ...ways: readonly Host[]): Promise<RunMember> {
  return memberOn(await someHost(true), runId, ways);
}

async function memberOn(host: Host, runId: string, ways: readonly Host[]): Promise<RunMember> {
  const member = runMember(host, runId, { discovery });
  const addresses = ways.flatMap((way) => way.addresses());
  const bootstraps = createBootstraps({
    ...{ host, addresses, clock: wallClock, random: Math.random, onEvent: member.log.record },
    retry: { firstMs: 100, maxMs: 500 },
  });
  ends.push(async () => {
    await bootstraps.stop();
    await member.transport.stop();
  });
  bootstraps.start();
  await member.start();
  return member;
}

const isUp = (one: RunMember, other: RunMember): boolean =>
  one.transport.stats().peers.includes(other.host.key);

/** Says under a key of its own that it has the run, where nobody answers, and is gone. */
async function fakeProvider(runId: string, holder: Host): Promise<void> {
  const dead = {
    ...tcpProfile({ listen: [], announce: ['/ip4/127.0.0.1/tcp/1'] }),
    discovery: 'dht-client',
  } as const;
  const host = await loopbackHost({ carriesRuns: false, profile: dead });
  try {
    await connected(host, holder);
    await provided(host, runId);
  } finally {
    await host.stop();
  }
}

test('seventy providers that are none do not hide the one that is', async () => {
  const runId = someRunId('crowded records');
  const way = await someHost(false);
  for (let batch = 0; batch < 7; batch++) {
    await Promise.all(Array.from({ length: 10 }, () => fakeProvider(runId, way)));
  }
  const honest = await memberOn(await someHost(true, client), runId, [way]);
  await eventually('its record is there', () =>
    honest.log.events.some((event) => event.kind === 'provided' && event.holders > 0),
  );
  // Who asks for the manifest has no table of whom it tried: chance alone leads to the honest.
  const asker = await someHost(false, client);
  await connected(asker, way);
  const found = new Set<string>();
  let heard = 0;
  const isTold = (): boolean => found.has(honest.host.libp2p.peerId.toString());
  // One answer holds no more than 32 of them.
  for (let search = 0; search < 40 && !(isTold() && heard > 32); search++) {
    await searchProviders({
      ...{ host: asker, runId, signal: AbortSignal.timeout(20_000), random: Math.random },
      onProvider: (id) => {
        heard++;
        found.add(id.toString());
      },
    });
  }
  assert.ok(heard > 32, 'the strangers were heard of');
  assert.ok(isTold(), 'the honest provider was told');
  const late = await memberOn(await someHost(true, client), runId, [way]);
  await eventually('they meet', () => isUp(late, honest), 60_000);
});

test('a DHT in two halves is one again once one address leads across, and all find the run', async () => {
  const runId = someRunId('two halves');
  const [left, right] = [await someHost(false), await someHost(false)];
  const here = [await memberOf(runId, left), await memberOf(runId, left)];
  const there = [await memberOf(runId, right), await memberOf(runId, right)];
  await eventually(
    'each half is a network',
    () => isUp(here[0]!, here[1]!) && isUp(there[0]!, there[1]!),
    60_000,
  );
  assert.ok(!here.some((one) => there.some((other) => isUp(one, other))), 'and nobody knows the other half');
  const link = await memberOf(runId, left, right);
  const all = [...here, ...there, link];
  await eventually(
    'all are linked with all',
    () => all.every((one) => all.every((other) => one === other || isUp(one, other))),
    60_000,
  );
});

test('who gets another address says so to the holders of its record at once', async () => {
  const runId = someRunId('moved');
  const way = await someHost(false);
  const host = await someHost(true);
  await connected(host, way);
  await provided(host, someRunId('another'));
  // The second record is due after 10 s or more.
  const seldom = { ...discovery, provide: { firstMs: 20_000, maxMs: 600_000 } };
  const { transport, log, start } = runMember(host, runId, { discovery: seldom });
  ends.push(() => transport.stop());
  await start();
  const records = (): number =>
    log.events.filter((event) => event.kind === 'provided' && event.holders > 0).length;
  await eventually('the record is there', () => records() === 1);
  const { components } = host.libp2p as unknown as {
    components: { transportManager: { listen(addresses: unknown[]): Promise<void> } };
  };
  await components.transportManager.listen([multiaddr('/ip4/127.0.0.1/tcp/0')]);
  assert.equal(host.addresses().length, 2);
  await eventually('it is put again', () => records() === 2, 9_000);
});
