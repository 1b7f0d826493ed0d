import assert from 'node:assert/strict';
import { test } from 'node:test';
import { multiaddr } from '@multiformats/multiaddr';
import { publicOrigin } from '../../../src/network/conduct/origins.ts';
import { createExchange } from '../../../src/network/exchange/exchange.ts';
import { connected, eventually, loopbackHost, someRunId } from '../real-hosts.ts';
import { asking } from '../run-member.ts';

test('a place is an IPv4 address or an IPv6 network, and what is private or relayed is none', () => {
  const peer = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN';
  for (const [address, origin] of [
    ['/ip4/8.8.4.4/tcp/4001', '8.8.4.4'],
    ['/ip4/8.8.4.4/tcp/4002', '8.8.4.4'],
    ['/ip6/2a00:1450:4001:829::200e/tcp/1', '2a00:1450:4001:829'],
    ['/ip6/2a00:1450:4001:829:1:2:3:4/tcp/1', '2a00:1450:4001:829'],
    ['/ip6/2a00::1/tcp/1', '2a00:0:0:0'],
    ['/ip4/127.0.0.1/tcp/1', null],
    ['/ip4/192.168.3.4/tcp/1', null],
    ['/ip6/::1/tcp/1', null],
    [`/ip4/8.8.4.4/tcp/4001/p2p/${peer}/p2p-circuit`, null],
  ] as const) {
    assert.equal(publicOrigin(multiaddr(address)), origin, address);
  }
});

test('of one address so many connections are taken, whatever the keys, and of private ones all', async () => {
  for (const [originOf, taken] of [
    [() => 'one place', 2],
    [publicOrigin, 4],
  ] as const) {
    const server = await loopbackHost({ carriesRuns: false, connectionsPerAddressMax: 2, originOf });
    const strangers = await Promise.all([1, 2, 3, 4].map(() => loopbackHost({ carriesRuns: false })));
    try {
      // At once: all of them are on their way before one is there.
      await Promise.allSettled(strangers.map((stranger) => connected(stranger, server)));
      const connections = (): number => server.libp2p.getConnections().length;
      await eventually('those that are too many are closed', () => connections() === taken);
      await connected(server, strangers[0]!);
      if (taken === 4) continue;
      const shut = strangers.find((one) => server.libp2p.getConnections(one.libp2p.peerId).length === 0)!;
      await connected(server, shut);
      assert.equal(connections(), taken + 1, 'whom we dial ourselves is not counted');
    } finally {
      await Promise.all([server, ...strangers].map((host) => host.stop()));
    }
  }
});

test('keys of one address wait for each other where they take too much', async () => {
  const originOf = () => 'one place';
  const [server, ...strangers] = await Promise.all(
    [originOf, ...new Array<undefined>(5)].map((of) =>
      loopbackHost({ carriesRuns: false, ...(of ? { originOf: of } : {}) }),
    ),
  );
  const runId = someRunId('origins');
  const limits = { requestBytesMax: 1 << 10, answerBurstBytes: 64 << 10, answerBytesPerSecond: 64 << 10 };
  const serve = async () => [new Uint8Array(64 << 10)];
  const served = createExchange({ host: server!, runId, limits, serve, onEvent: () => {} });
  const clients = strangers.map((host) =>
    createExchange({ host, runId, serve: async () => [], onEvent: () => {} }),
  );
  try {
    await Promise.all([served, ...clients].map((exchange) => exchange.start()));
    await Promise.all(strangers.map((stranger) => connected(stranger, server!)));
    const begunMs = performance.now();
    const wanted = { ...asking(), responseBytesMax: 1 << 20 };
    for (const _ of [1, 2]) {
      for (const client of clients) await client.request(server!.key, new Uint8Array(1), wanted);
    }
    // Ten answers: four at once are free, each more pays for one before it at four times the pace of a peer.
    assert.ok(performance.now() - begunMs > 1_000, `ten in ${performance.now() - begunMs} ms`);
  } finally {
    await Promise.all([served, ...clients].map((exchange) => exchange.stop()));
    await Promise.all([server!, ...strangers].map((host) => host.stop()));
  }
});
