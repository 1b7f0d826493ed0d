/** What libp2p says of itself, of real hosts, and that strangers cannot make it grow. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { multiaddr } from '@multiformats/multiaddr';
import { HostReadings, NETWORK_FAMILIES } from '../../../src/network/host/host-readings.ts';
import { connected, eventually, loopbackHost } from '../real-hosts.ts';

test('connections, streams, dials and the mesh of a topic, of two hosts', async () => {
  const [a, b] = await Promise.all([loopbackHost(), loopbackHost()]);
  after(() => Promise.all([a.stop(), b.stop()]));
  await connected(a, b);
  const accept = async () => 'accept' as const;
  for (const host of [a, b]) host.gossip.join('starlings', accept);
  await eventually('a mesh', () => a.gossip.topics()[0]?.mesh === 1);
  const nobody = multiaddr('/ip4/127.0.0.1/tcp/1/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN');
  await assert.rejects(a.libp2p.dial(nobody));
  let readings = await a.readings();
  // Whom it met comes into the table once it has said which protocols it speaks.
  for (const untilMs = Date.now() + 20_000; Date.now() < untilMs; readings = await a.readings()) {
    if (readings.get('libp2p_kad_dht_routing_table_size')?.some(([, size]) => size === 1)) break;
    await delay(20);
  }
  assert.deepEqual([...readings.keys()].toSorted(), NETWORK_FAMILIES.map(({ name }) => name).toSorted());
  const of = (name: string, label = ''): number | undefined =>
    readings.get(name)?.find(([known]) => known === label)?.[1];
  assert.equal(of('libp2p_connection_manager_connections', 'outbound'), 1);
  assert.equal(of('libp2p_connection_manager_connections', 'inbound'), 0);
  assert.equal(of('libp2p_connection_manager_dials_total', 'outbound'), 1);
  assert.ok(of('libp2p_tcp_dialer_events_total', 'error')! >= 1);
  assert.ok(of('libp2p_tcp_dialer_events_total', 'connect')! >= 1);
  assert.ok(
    readings
      .get('libp2p_protocol_streams')!
      .some(([label, count]) => /^outbound \/meshsub/.test(label) && count === 1),
  );
  assert.equal(of('libp2p_kad_dht_routing_table_size'), 1);
  assert.equal(of('libp2p_gossipsub_mesh_peers', 'starlings'), 1);
  assert.equal(of('libp2p_gossipsub_topic_peers', 'starlings'), 1);
});

test('labels are bounded, and what nobody asks for is kept nowhere', async () => {
  const readings = new HostReadings();
  const { registerCounterGroup } = readings.metrics();
  const errors = registerCounterGroup('libp2p_connection_manager_dials_inbound_errors_total');
  const other = registerCounterGroup('libp2p_noise_something_total');
  for (let kind = 0; kind < 10_000; kind++) {
    errors.increment({ [`Error${kind}`]: true });
    other.increment({ [`Error${kind}`]: true });
  }
  errors.increment({ Error0: 5 });
  const read = await readings.read([]);
  const counted = read.get('libp2p_connection_manager_dials_inbound_errors_total')!;
  assert.equal(counted.length, 128);
  assert.deepEqual(counted[0], ['Error0', 6]);
  assert.ok([...read.values()].flat().length === 128);
});
