import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GossipMesh, SeenMessages } from '../../sim/gossip-mesh.ts';
import { NetworkModel, type NetworkSpec } from '../../sim/network-model.ts';
import {
  connectivityGraph,
  isConnected,
  linkIndex,
  neighboursOf,
  TopologyError,
} from '../../sim/topology.ts';
import { rngFor } from '../../src/math/rng.ts';

describe('connectivityGraph', () => {
  it('gives every peer its degree, no loops, no double links, both directions, connected', () => {
    for (const [peers, degree] of [
      [10, 3],
      [64, 6],
      [501, 8],
      [33, 5],
    ] as const) {
      const graph = connectivityGraph(peers, degree, rngFor(`graph/${peers}`));
      assert.ok(isConnected(graph));
      let links = 0;
      for (let peer = 0; peer < peers; peer++) {
        const neighbours = [...neighboursOf(graph, peer)];
        links += neighbours.length;
        assert.equal(new Set(neighbours).size, neighbours.length);
        assert.ok(!neighbours.includes(peer));
        for (const neighbour of neighbours) assert.ok(linkIndex(graph, neighbour, peer) >= 0);
        assert.ok(neighbours.length === degree || (peers * degree) % 2 === 1);
      }
      assert.equal(links, peers * degree - ((peers * degree) % 2));
    }
  });

  it('is complete where there are too few peers for the degree', () => {
    const graph = connectivityGraph(5, 12, rngFor('small'));
    for (let peer = 0; peer < 5; peer++) assert.equal(neighboursOf(graph, peer).length, 4);
    assert.equal(linkIndex(graph, 2, 2), -1);
    assert.equal(connectivityGraph(1, 3, rngFor('one')).neighbours.length, 0);
  });

  it('says so where no connected graph exists', () => {
    assert.throws(() => connectivityGraph(10, 1, rngFor('pairs')), TopologyError);
  });
});

const still: NetworkSpec = {
  latencyMs: { min: 20, max: 20 },
  jitterMs: 0,
  loss: 0,
  upBytesPerSecond: 1_000_000,
  downBytesPerSecond: 500_000,
  overheadBytes: 0,
};

function modelOf(spec: Partial<NetworkSpec>): NetworkModel {
  return new NetworkModel({ ...still, ...spec }, connectivityGraph(4, 3, rngFor('graph')), 'test');
}

describe('NetworkModel', () => {
  it('takes the uplink, the latency and the slower downlink, both ends at work together', () => {
    const network = modelOf({});
    const departure = network.send(0, 1, 1000, 0);
    assert.equal(departure.sentUs, 1000);
    assert.equal(departure.firstByteUs, 20_000);
    assert.equal(departure.lastByteUs, 21_000);
    assert.equal(network.receive(1, departure, 20_000), 22_000);
  });

  it('queues messages on the uplink and on the downlink, first come, first served', () => {
    const network = modelOf({});
    const first = network.send(0, 2, 1000, 0);
    const second = network.send(0, 2, 1000, 0);
    assert.equal(second.firstByteUs, 21_000);
    assert.equal(network.receive(2, first, 20_000), 22_000);
    assert.equal(network.receive(2, second, 21_000), 24_000);
    const other = network.send(1, 2, 1000, 0);
    assert.equal(other.firstByteUs, 20_000);
    assert.deepEqual([...network.sentBytes], [2000, 1000, 0, 0]);
    assert.deepEqual([...network.receivedBytes], [0, 0, 2000, 0]);
  });

  it('loses about the share of messages it is told to, and adds jitter of the mean it is told', () => {
    const network = modelOf({ loss: 0.2, jitterMs: 4, upBytesPerSecond: 1e9 });
    let lost = 0;
    let delayUs = 0;
    const messages = 20_000;
    for (let i = 0; i < messages; i++) {
      const { firstByteUs, lastByteUs } = network.send(0, 1, 1000, i * 1000);
      if (firstByteUs === null) lost++;
      delayUs += lastByteUs - i * 1000 - 20_001;
    }
    // Four standard deviations: sqrt(.2 * .8 / 20000) = .0028 and 4 ms / sqrt(20000) = .028 ms.
    assert.ok(Math.abs(lost / messages - 0.2) < 0.0114, `${lost} lost`);
    assert.ok(Math.abs(delayUs / messages - 4000) < 113, `${delayUs / messages} us of jitter`);
  });

  it('gives each link one latency, the same both ways, within its bounds', () => {
    const network = modelOf({ latencyMs: { min: 5, max: 90 } });
    const latencies = [network.latencyUs(0, 1), network.latencyUs(0, 2), network.latencyUs(2, 3)];
    assert.equal(new Set(latencies).size, 3);
    for (const latency of latencies) assert.ok(latency >= 5000 && latency <= 90_000);
    assert.equal(network.latencyUs(0, 1), network.latencyUs(1, 0));
  });
});

describe('GossipMesh', () => {
  it('keeps degrees near six and repairs itself when peers die', () => {
    const graph = connectivityGraph(200, 12, rngFor('mesh graph'));
    const mesh = new GossipMesh(200, rngFor('mesh'));
    for (let a = 0; a < 200; a++) for (const b of neighboursOf(graph, a)) if (a < b) mesh.linkUp(a, b);
    const degrees = Array.from({ length: 200 }, (_, peer) => mesh.meshOf(peer).size);
    assert.ok(Math.min(...degrees) >= 4 && Math.max(...degrees) <= 12, degrees.join(' '));
    for (let dead = 0; dead < 40; dead++) {
      mesh.forget(dead);
      for (const neighbour of neighboursOf(graph, dead)) mesh.linkDown(neighbour, dead);
    }
    for (let peer = 40; peer < 200; peer++) {
      const degree = mesh.meshOf(peer).size;
      assert.ok(degree >= Math.min(4, mesh.linksOf(peer).size) && degree <= 12, `${peer} has ${degree}`);
      for (const other of mesh.meshOf(peer)) assert.ok(other >= 40 && mesh.meshOf(other).has(peer));
    }
  });
});

describe('SeenMessages', () => {
  it('knows a message per peer for two minutes, and forgets with a restart', () => {
    const seen = new SeenMessages(20, 100);
    assert.equal(seen.see('a', 17, 0), true);
    assert.equal(seen.see('a', 17, 1), false);
    assert.equal(seen.see('a', 16, 1), true);
    seen.forget(17);
    assert.equal(seen.see('a', 17, 2), true);
    assert.equal(seen.see('a', 16, 2), false);
    assert.equal(seen.see('a', 16, 120_000_000), true);
  });

  it('forgets the oldest message early rather than grow without bound', () => {
    const seen = new SeenMessages(1, 2);
    for (const id of ['a', 'b', 'c']) seen.see(id, 0, 0);
    assert.equal(seen.see('c', 0, 0), false);
    assert.equal(seen.see('a', 0, 0), true);
  });
});
