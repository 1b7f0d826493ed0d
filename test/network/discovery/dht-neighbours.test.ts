/** Connections that the DHT opens: nobody keeps them up, and who has something to ask dials again. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { KEEP_ALIVE } from '@libp2p/interface';
import { searchProviders } from '../../../src/network/discovery/provider-search.ts';
import type { Host } from '../../../src/network/host/host.ts';
import { peerIdOf } from '../../../src/network/identity.ts';
import { runCid } from '../../../src/network/protocols.ts';
import { connected, eventually, loopbackHost, someRunId } from '../real-hosts.ts';

const hosts: Host[] = [];
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.stop()));
});

async function someHost(): Promise<Host> {
  const host = await loopbackHost({ carriesRuns: false });
  hosts.push(host);
  return host;
}

const isInTable = (host: Host, other: Host): boolean =>
  (host.libp2p.services.dht as unknown as { routingTable: { size: number } }).routingTable.size > 0 &&
  host.libp2p.getConnections(peerIdOf(other.key)).length > 0;

test('the closest peers of the DHT are no peers that libp2p dials again whenever a connection closes', async () => {
  const [one, other] = [await someHost(), await someHost()];
  await connected(one, other);
  let tags: string[] = [];
  await eventually('it is one of the closest', () => {
    void one.libp2p.peerStore.get(peerIdOf(other.key)).then((peer) => {
      tags = [...peer.tags.keys()];
    });
    return tags.includes('kad-close');
  });
  assert.deepEqual(
    tags.filter((tag) => tag.startsWith(KEEP_ALIVE)),
    [],
  );
});

test('a neighbour whose connection was lost is dialled by who has something to ask', async () => {
  const [asker, holder, provider] = [await someHost(), await someHost(), await someHost()];
  const runId = someRunId('lost neighbour');
  await Promise.all([connected(asker, holder), connected(provider, holder)]);
  await eventually('the DHT knows it', () => isInTable(asker, holder) && isInTable(provider, holder));
  let isTaken = false;
  for await (const event of provider.libp2p.services.dht.provide(runCid(runId)))
    isTaken ||= event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER';
  assert.ok(isTaken);
  await asker.libp2p.hangUp(peerIdOf(holder.key));
  await asker.libp2p.hangUp(peerIdOf(provider.key));
  await eventually(
    'both have none left',
    () => holder.libp2p.getConnections(peerIdOf(asker.key)).length === 0,
  );
  const found: string[] = [];
  await searchProviders({
    ...{ host: asker, runId, random: Math.random, signal: AbortSignal.timeout(10_000) },
    onProvider: (id) => found.push(id.toString()),
  });
  assert.deepEqual([...new Set(found)], [provider.libp2p.peerId.toString()]);
  assert.equal(asker.libp2p.getConnections(peerIdOf(holder.key)).length, 1);
});
