/** Peers that open streams and dawdle, against the exchange of a real host. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Stream } from '@libp2p/interface';
import { createExchange, type Exchange } from '../../../src/network/exchange/exchange.ts';
import { encodeVarint } from '../../../src/network/exchange/frames.ts';
import { defaultExchangeLimits, type ExchangeLimits } from '../../../src/network/exchange/limits.ts';
import type { Host } from '../../../src/network/host/host.ts';
import { peerIdOf } from '../../../src/network/identity.ts';
import { exchangeProtocol } from '../../../src/network/protocols.ts';
import { connected, eventually, loopbackHost, someRunId } from '../real-hosts.ts';
import { asking } from '../run-member.ts';

const runId = someRunId('slow peers');
const protocol = exchangeProtocol(runId);

describe('an exchange whose seats strangers want to hold', () => {
  let server: Host;
  let honest: Host;
  let strangers: Host[];

  before(async () => {
    [server, honest, ...strangers] = (await Promise.all(
      Array.from({ length: 6 }, () => loopbackHost({ carriesRuns: false })),
    )) as [Host, Host, ...Host[]];
    await Promise.all([honest, ...strangers].map((host) => connected(host, server)));
  });
  after(async () => {
    await Promise.all([server, honest, ...strangers].map((host) => host.stop()));
  });

  async function serving(
    limits: Partial<ExchangeLimits>,
    body: (exchange: Exchange, reasons: string[]) => Promise<void>,
  ): Promise<void> {
    const reasons: string[] = [];
    const options = { runId, limits: { ...defaultExchangeLimits, ...limits } };
    const exchange = createExchange({
      ...options,
      host: server,
      serve: async (_from, bytes) => [bytes],
      onEvent: (event) => event.kind === 'request-refused' && reasons.push(event.reason),
    });
    await exchange.start();
    try {
      await body(exchange, reasons);
    } finally {
      await exchange.stop();
    }
  }

  /** A request of which only the beginning comes. */
  async function begun(from: Host, bytesAnnounced: number): Promise<Stream> {
    const [connection] = from.libp2p.getConnections(peerIdOf(server.key));
    const stream = await connection!.newStream(protocol);
    stream.send(Uint8Array.from([...encodeVarint(bytesAnnounced), 1]));
    return stream;
  }

  const client = () => createExchange({ host: honest, runId, serve: async () => [], onEvent: () => {} });

  test('eight slow streams of four keys hold every seat, and an honest request is served all the same', async () => {
    const limits = { inboundMax: 8, inboundPerPeerMax: 2, patienceMs: 200 };
    await serving(limits, async (exchange, reasons) => {
      const streams = await Promise.all(
        [...strangers, ...strangers].map((stranger) => begun(stranger, 1_000)),
      );
      await eventually('all seats are taken', () => exchange.counts().requestsIn === 8);
      const asker = client();
      let answers = 0;
      let busy = 0;
      // An asker that is told `busy` asks again, as the core does.
      while (answers < 20 && busy < 2_000) {
        await asker.request(server.key, Uint8Array.of(answers), asking()).then(
          () => answers++,
          (error: { code?: string }) => {
            assert.equal(error.code, 'BUSY');
            busy++;
          },
        );
      }
      assert.ok(reasons.includes('too slow while others wait for the seat'), reasons.join());
      // What it took away it does not need again: one seat serves all of them.
      await eventually('one of them was reset', () => streams.some(({ status }) => status !== 'open'));
      assert.equal(streams.filter(({ status }) => status === 'open').length, 7);
      assert.equal(answers, 20, `${busy} times busy`);
      for (const stream of streams) stream.abort(new Error('done'));
    });
  });

  test('a request that does not come is given up within its time, though nobody waits for the seat', async () => {
    await serving({ receiveTimeoutMs: 300 }, async (_, reasons) => {
      const startMs = performance.now();
      const stream = await begun(strangers[0]!, 1_000);
      await eventually('it was reset', () => stream.status !== 'open');
      const tookMs = performance.now() - startMs;
      assert.ok(tookMs >= 250 && tookMs < 3_000, `${tookMs} ms`);
      assert.deepEqual(reasons, ['the request came too slowly']);
    });
  });

  test('a request that trickles in above the pace has as long as it needs', async () => {
    // Each hundred bytes are worth a second.
    const limits = { receiveTimeoutMs: 500, paceBytesPerSecond: 100 };
    await serving(limits, async (exchange, reasons) => {
      const startMs = performance.now();
      const stream = await begun(strangers[0]!, 2_001);
      for (let sent = 0; sent < 20; sent++) {
        await eventually('its time has come', () => performance.now() - startMs > 60 * sent);
        stream.send(new Uint8Array(100));
      }
      assert.ok(performance.now() - startMs > 2 * limits.receiveTimeoutMs);
      await eventually('it was answered', () => exchange.counts().exchangedBytesOut > 2_000);
      assert.deepEqual(reasons, []);
      stream.abort(new Error('done'));
    });
  });

  test('memory for announced bytes is limited over all requests together', async () => {
    const limits = { requestBytesMax: 1 << 20, inboundBytesMax: 2 << 20 };
    await serving(limits, async (exchange, reasons) => {
      const streams = await Promise.all(strangers.slice(0, 2).map((stranger) => begun(stranger, 1 << 20)));
      await eventually('they are being received', () => exchange.counts().exchangedBytesIn >= 6);
      await assert.rejects(client().request(server.key, new Uint8Array(1_000), asking()), { code: 'BUSY' });
      assert.deepEqual(reasons, ['busy']);
      for (const stream of streams) stream.abort(new Error('done'));
      await eventually('their seats are free', () => reasons.length === 3);
      const [answer] = await client().request(server.key, new Uint8Array(900), asking());
      assert.equal(answer!.length, 900);
    });
  });
});
