import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EventQueue } from '../../sim/event-queue.ts';
import { GossipMesh, SeenMessages } from '../../sim/gossip-mesh.ts';
import {
  type Direction,
  NetworkModel,
  type NetworkSpec,
  type Transit,
} from '../../sim/network/network-model.ts';
import {
  connectivityGraph,
  isConnected,
  linkIndex,
  NetworkGraphError,
  neighboursOf,
} from '../../sim/network/topology.ts';
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
    assert.throws(() => connectivityGraph(10, 1, rngFor('pairs')), NetworkGraphError);
  });
});

describe('links beside those of the graph', () => {
  const path = (seed: string): NetworkModel<Transit> =>
    new NetworkModel(
      { ...still, latency: { min: 10, max: 90 } },
      connectivityGraph(12, 3, rngFor('path')),
      seed,
      { arriveAt: () => {}, deliverAt: () => {}, turnAt: () => {} },
    );
  const graph = connectivityGraph(12, 3, rngFor('path'));
  const far = Array.from({ length: 11 }, (_, i) => i + 1).filter((other) => linkIndex(graph, 0, other) < 0);

  it('are there once they are made, the same for whoever makes them and whenever', () => {
    const [one, other] = [path('seed'), path('seed')];
    assert.throws(() => one.latencyUs(0, far[0]!), /not connected/);
    for (const peer of far) one.connect(0, peer);
    for (const peer of far.toReversed()) other.connect(peer, 0);
    for (const peer of far) {
      const latency = one.latencyUs(0, peer);
      assert.ok(latency >= 10_000 && latency <= 90_000);
      assert.equal(one.latencyUs(peer, 0), latency);
      assert.equal(other.latencyUs(0, peer), latency);
    }
  });

  it('change nothing of the others', () => {
    const [with0, without] = [path('seed'), path('seed')];
    for (const peer of far) with0.connect(0, peer);
    for (const peer of neighboursOf(graph, 0))
      assert.equal(with0.latencyUs(0, peer), without.latencyUs(0, peer));
  });
});

const still: NetworkSpec = {
  latency: { min: 20, max: 20 },
  jitterMs: 0,
  loss: { chance: 0, burst: 1 },
  packetLoss: 0,
  upBytesPerSecond: 1_000_000,
  downBytesPerSecond: 500_000,
  overheadBytes: 0,
};

interface Parcel extends Transit {
  readonly sentAtUs: number;
}

type Due =
  | { readonly kind: 'send'; readonly from: number; readonly to: number; readonly bytes: number }
  | { readonly kind: 'arrive'; readonly parcel: Parcel }
  | { readonly kind: 'deliver'; readonly parcel: Parcel }
  | { readonly kind: 'turn'; readonly peer: number; readonly direction: Direction };

/** Sends parcels at given times over four peers that all know each other; returns what was delivered, and when. */
function deliveries(
  spec: Partial<NetworkSpec>,
  sends: ReadonlyArray<readonly [timeUs: number, from: number, to: number, bytes: number]>,
): { readonly network: NetworkModel<Parcel>; readonly arrived: { parcel: Parcel; atUs: number }[] } {
  const queue = new EventQueue<Due>({ eventsMax: 1_000_000 });
  const network = new NetworkModel<Parcel>(
    { ...still, ...spec },
    connectivityGraph(4, 3, rngFor('graph')),
    'test',
    {
      arriveAt: (timeUs, parcel) => queue.push(timeUs, { kind: 'arrive', parcel }),
      deliverAt: (timeUs, parcel) => queue.push(timeUs, { kind: 'deliver', parcel }),
      turnAt: (timeUs, peer, direction) => queue.push(timeUs, { kind: 'turn', peer, direction }),
    },
  );
  for (const [timeUs, from, to, bytes] of sends) queue.push(timeUs, { kind: 'send', from, to, bytes });
  const arrived: { parcel: Parcel; atUs: number }[] = [];
  for (let due = queue.pop(); due; due = queue.pop()) {
    const { timeUs, payload } = due;
    if (payload.kind === 'send') {
      const { from, to, bytes } = payload;
      const transfer = network.transferOf(from, to, bytes, timeUs);
      network.send({ from, to, transfer, sentAtUs: timeUs }, timeUs);
    } else if (payload.kind === 'arrive') network.arrive(payload.parcel, timeUs);
    else if (payload.kind === 'deliver') arrived.push({ parcel: payload.parcel, atUs: timeUs });
    else network.turn(payload.peer, payload.direction, timeUs);
  }
  return { network, arrived };
}

describe('NetworkModel', () => {
  it('takes the uplink, the latency and the slower downlink, both ends at work together', () => {
    const { arrived, network } = deliveries({}, [[0, 0, 1, 960]]);
    // 960 bytes and 40 of headers: 1 ms up, 20 ms on the way, 2 ms down from the first byte on.
    assert.deepEqual(
      arrived.map(({ atUs }) => atUs),
      [22_000],
    );
    assert.deepEqual([...network.sentBytes], [1000, 0, 0, 0]);
    assert.deepEqual([...network.receivedBytes], [0, 1000, 0, 0]);
  });

  it('lets connections share a line equally, and messages of one connection follow each other', () => {
    const up = { downBytesPerSecond: Number.POSITIVE_INFINITY };
    const shared = deliveries(up, [
      [0, 0, 1, 9600],
      [0, 0, 2, 9600],
      [0, 0, 2, 960],
    ]);
    // Two of 9,880 bytes (seven segments) at half a byte a microsecond; then the third has the line to itself.
    const times = shared.arrived.map(({ parcel, atUs }) => [parcel.to, parcel.transfer.wireBytes, atUs]);
    assert.deepEqual(times, [
      [1, 9880, 39_760],
      [2, 9880, 39_760],
      [2, 1000, 40_760],
    ]);
    const late = deliveries(up, [
      [0, 0, 1, 9600],
      [4940, 0, 2, 1200],
    ]);
    // The second needs 2,480 us of a shared line, in which the first gets on by 1,240 bytes.
    assert.deepEqual(
      late.arrived.map(({ parcel, atUs }) => [parcel.to, atUs]),
      [
        [2, 4940 + 2480 + 20_000],
        [1, 9880 + 1240 + 20_000],
      ],
    );
  });

  it('waits on a loaded line as long as an M/D/1 queue does', () => {
    // Service of 1,000 us; load 0.7: a mean wait of rho / (2 (1 - rho)) services, 1,167 us.
    const rng = rngFor('md1');
    let clock = 0;
    const sends = Array.from({ length: 60_000 }, () => {
      clock += rng.exponential() * (1000 / 0.7);
      return [Math.round(clock), 0, 1, 960] as const;
    });
    const { arrived } = deliveries({ downBytesPerSecond: Number.POSITIVE_INFINITY }, sends);
    const wait =
      arrived.reduce((sum, { parcel, atUs }) => sum + atUs - parcel.sentAtUs - 21_000, 0) / arrived.length;
    assert.equal(arrived.length, 60_000);
    assert.ok(Math.abs(wait / 1166.7 - 1) < 0.05, `${wait} us`);
  });

  it('keeps a shared line as busy as an M/D/1 processor-sharing queue', () => {
    // Many connections, load 0.6: a message takes service / (1 - rho) whatever its size (Kleinrock 1967).
    const rng = rngFor('ps');
    let clock = 0;
    const sends = Array.from({ length: 60_000 }, (_, i) => {
      clock += rng.exponential() * (1000 / 0.6);
      return [Math.round(clock), 0, 1 + (i % 3), 960] as const;
    });
    const { arrived } = deliveries({ downBytesPerSecond: Number.POSITIVE_INFINITY }, sends);
    const stay =
      arrived.reduce((sum, { parcel, atUs }) => sum + atUs - parcel.sentAtUs - 20_000, 0) / arrived.length;
    // With three connections it lies between first come, first served (1,750) and sharing among all (2,500).
    assert.ok(stay > 1750 && stay < 2500, `${stay} us`);
  });

  it('loses about the share of messages it is told to, in bursts of the length it is told', () => {
    for (const burst of [1 / 0.8, 5]) {
      const sends = Array.from({ length: 40_000 }, (_, i) => [i * 1000, 0, 1, 60] as const);
      const { arrived } = deliveries({ loss: { chance: 0.2, burst }, upBytesPerSecond: 1e9 }, sends);
      const there = new Set(arrived.map(({ parcel }) => parcel.sentAtUs));
      let bursts = 0;
      for (let i = 0; i < sends.length; i++) {
        if (!there.has(i * 1000) && (i === 0 || there.has((i - 1) * 1000))) bursts++;
      }
      const lost = sends.length - there.size;
      assert.ok(Math.abs(lost / sends.length - 0.2) < 0.02, `${lost} lost`);
      assert.ok(Math.abs(lost / bursts / burst - 1) < 0.06, `bursts of ${lost / bursts}`);
    }
  });

  it('adds jitter of the mean it is told, and lets no message overtake another of its connection', () => {
    const sends = Array.from({ length: 20_000 }, (_, i) => [i * 40_000, 0, 1, 60] as const);
    const wide = { jitterMs: 4, upBytesPerSecond: 1e9, downBytesPerSecond: Number.POSITIVE_INFINITY };
    const { arrived } = deliveries(wide, sends);
    const delay =
      arrived.reduce((sum, { parcel, atUs }) => sum + atUs - parcel.sentAtUs - 20_001, 0) / arrived.length;
    // Four standard deviations of the mean: 4 ms / sqrt(20000) = .028 ms.
    assert.ok(Math.abs(delay - 4000) < 113, `${delay} us of jitter`);
    const dense = deliveries(
      { ...wide, jitterMs: 50 },
      sends.map(([, ...rest], i) => [i * 100, ...rest] as const),
    );
    const order = dense.arrived.map(({ parcel }) => parcel.sentAtUs);
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    );
  });

  it('moves a long transfer over a lossy line no faster than TCP would', () => {
    const wide = { upBytesPerSecond: 1e9, downBytesPerSecond: 1e9, packetLoss: 0.01 };
    const { arrived } = deliveries(wide, [[0, 0, 1, 1_460_000]]);
    // Mathis: sqrt(1.5 / .01) = 12.25 segments of 1,460 bytes a round trip of 40 ms; 1,027 segments with headers.
    const mathisUs = (1_500_000 / 1460 / Math.sqrt(150)) * 40_000 + 20_000;
    const took = arrived[0]!.atUs;
    assert.ok(took >= mathisUs && took <= mathisUs + 240_001, `${took} of ${mathisUs}`);
  });

  it('gives each link one latency, the same both ways, within its bounds', () => {
    const { network } = deliveries({ latency: { min: 5, max: 90 } }, []);
    const latencies = [network.latencyUs(0, 1), network.latencyUs(0, 2), network.latencyUs(2, 3)];
    assert.equal(new Set(latencies).size, 3);
    for (const latency of latencies) assert.ok(latency >= 5000 && latency <= 90_000);
    assert.equal(network.latencyUs(0, 1), network.latencyUs(1, 0));
  });
});

describe('GossipMesh', () => {
  it('keeps degrees between four and eight and repairs itself when peers die', () => {
    const graph = connectivityGraph(200, 12, rngFor('mesh graph'));
    const mesh = new GossipMesh(200, rngFor('mesh'));
    for (let a = 0; a < 200; a++) for (const b of neighboursOf(graph, a)) if (a < b) mesh.linkUp(a, b);
    const degrees = Array.from({ length: 200 }, (_, peer) => mesh.meshOf(peer).size);
    assert.ok(Math.min(...degrees) >= 4 && Math.max(...degrees) <= 8, degrees.join(' '));
    for (let dead = 0; dead < 40; dead++) {
      mesh.forget(dead);
      for (const neighbour of neighboursOf(graph, dead)) mesh.linkDown(neighbour, dead);
    }
    for (let peer = 40; peer < 200; peer++) {
      const degree = mesh.meshOf(peer).size;
      const links = mesh.linksOf(peer).size;
      assert.ok(degree >= (links < 8 ? 2 : 4) && degree <= 8, `${peer} has ${degree} of ${links}`);
      for (const other of mesh.meshOf(peer)) assert.ok(other >= 40 && mesh.meshOf(other).has(peer));
    }
  });
});

describe('GossipMesh of a small network', () => {
  it('is thin while all hear the author, and grows with it', () => {
    const mesh = new GossipMesh(12, rngFor('small mesh'));
    const links = (peers: number): void => {
      for (let a = 0; a < peers - 1; a++) mesh.linkUp(a, peers - 1);
    };
    const degrees = (peers: number): number[] =>
      Array.from({ length: peers }, (_, peer) => mesh.meshOf(peer).size);
    for (let peers = 2; peers <= 8; peers++) links(peers);
    assert.ok(
      degrees(8).every((degree) => degree >= 2 && degree <= 4),
      degrees(8).join(' '),
    );
    for (let peers = 9; peers <= 12; peers++) links(peers);
    assert.ok(
      degrees(12).every((degree) => degree >= 4 && degree <= 8),
      degrees(12).join(' '),
    );
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
