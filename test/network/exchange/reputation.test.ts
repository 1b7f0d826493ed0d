/** What a peer does on the exchange is held against it, and what it takes is paced. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AbsurdRequestError, RequestRefusedError } from '../../../src/core/ports.ts';
import { createExchange, type Exchange } from '../../../src/network/exchange/exchange.ts';
import type { ExchangeLimits } from '../../../src/network/exchange/limits.ts';
import type { Host } from '../../../src/network/host/host.ts';
import { exchangeProtocol } from '../../../src/network/protocols.ts';
import { connected, eventually, loopbackHost, someRunId } from '../real-hosts.ts';
import { asking } from '../run-member.ts';

const runId = someRunId('reputation');

interface Pair {
  readonly server: Host;
  readonly stranger: Host;
  readonly client: Exchange;
}

async function withPair(
  serve: (bytes: Uint8Array) => Promise<readonly Uint8Array[]>,
  body: (pair: Pair) => Promise<void>,
  limits: Partial<ExchangeLimits> = {},
): Promise<void> {
  const [server, stranger] = (await Promise.all(
    Array.from({ length: 2 }, () => loopbackHost({ carriesRuns: false })),
  )) as [Host, Host];
  const exchanges = [
    createExchange({ host: server, runId, limits, serve: (_from, bytes) => serve(bytes), onEvent: () => {} }),
    createExchange({ host: stranger, runId, serve: async () => [], onEvent: () => {} }),
  ];
  try {
    await Promise.all(exchanges.map((exchange) => exchange.start()));
    await connected(stranger, server);
    await body({ server, stranger, client: exchanges[1]! });
  } finally {
    await Promise.all(exchanges.map((exchange) => exchange.stop()));
    await Promise.all([server.stop(), stranger.stop()]);
  }
}

const isConnected = ({ server, stranger }: Pair): boolean =>
  server.libp2p.getConnections(stranger.libp2p.peerId).length > 0;

test('who asks what no honest peer asks is cut off after five, and who is refused otherwise is not', async () => {
  let served = 0;
  const serve = async (bytes: Uint8Array): Promise<never> => {
    served++;
    throw bytes[0] === 1 ? new AbsurdRequestError('not understood') : new RequestRefusedError('not held');
  };
  await withPair(serve, async (pair) => {
    const ask = (first: number) => pair.client.request(pair.server.key, Uint8Array.of(first), asking());
    for (let time = 0; time < 12; time++) await assert.rejects(ask(0), /refused/);
    assert.ok(isConnected(pair));
    for (let time = 0; time < 12; time++) await assert.rejects(ask(1));
    await eventually('it is cut off', () => !isConnected(pair));
    assert.equal(served, 12 + 5);
    await connected(pair.stranger, pair.server).catch(() => {});
    await eventually('and not let in again', () => !isConnected(pair));
  });
});

test('frames that are none are held against a peer, one that breaks off is not', async () => {
  await withPair(
    async () => [],
    async (pair) => {
      const begin = async (bytes: readonly number[], ends: boolean): Promise<void> => {
        const [connection] = pair.stranger.libp2p.getConnections(pair.server.libp2p.peerId);
        const stream = await connection!.newStream(exchangeProtocol(runId));
        stream.send(Uint8Array.from(bytes));
        if (ends) await stream.close();
      };
      for (let time = 0; time < 8; time++) await begin([9, 1], true);
      const streams = () => pair.server.libp2p.getConnections().flatMap((connection) => connection.streams);
      await eventually('they were given up', () =>
        streams().every(({ protocol }) => protocol !== exchangeProtocol(runId)),
      );
      assert.ok(isConnected(pair));
      for (let time = 0; time < 8; time++) await begin([0xff, 0xff, 0xff, 0xff, 0xff], false).catch(() => {});
      await eventually('it is cut off', () => !isConnected(pair));
    },
  );
});

test('an answer that does not come frees its seat, and who takes much waits for it', async () => {
  const limits = { answerTimeoutMs: 200, answerBurstBytes: 64 << 10, answerBytesPerSecond: 128 << 10 };
  const serve = async (bytes: Uint8Array): Promise<readonly Uint8Array[]> =>
    bytes[0] === 1 ? new Promise(() => {}) : [new Uint8Array(64 << 10)];
  await withPair(
    serve,
    async ({ client, server }) => {
      const wanted = { ...asking(), responseBytesMax: 1 << 20 };
      await assert.rejects(client.request(server.key, Uint8Array.of(1), asking()), { code: 'BUSY' });
      const begunMs = performance.now();
      for (let time = 0; time < 6; time++) await client.request(server.key, Uint8Array.of(0), wanted);
      const tookMs = performance.now() - begunMs;
      // One is free, the last pays for itself later: four of half a second, less what four requests may have at least.
      assert.ok(tookMs > 200, `six in ${tookMs} ms`);
    },
    { ...limits, requestBytesMax: 1 << 10 },
  );
});
