/** Connections that the DHT opens: nobody keeps them up, and who has something to ask dials again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KEEP_ALIVE } from '@libp2p/interface';
import { searchProviders } from '../../../src/network/discovery/provider-search.ts';
import { peerIdOf } from '../../../src/network/identity.ts';
import { connected, eventually, provided, runlessHosts, someRunId } from '../real-hosts.ts';

const someHost = runlessHosts();

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
  // Whoever was taken a record of knows who took it.
  await provided(asker, someRunId('another'));
  await provided(provider, runId);
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
