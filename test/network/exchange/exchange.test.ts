import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Stream, StreamHandler } from '@libp2p/interface';
import type { PeerKey } from '../../../src/core/io.ts';
import { type RequestOptions, RequestRefusedError } from '../../../src/core/ports.ts';
import { createExchange, type Exchange } from '../../../src/network/exchange/exchange.ts';
import { answerHead, encodeVarint, framePieces } from '../../../src/network/exchange/frames.ts';
import { defaultExchangeLimits, type ExchangeLimits } from '../../../src/network/exchange/limits.ts';
import { writePieces } from '../../../src/network/exchange/stream-io.ts';
import type { Host } from '../../../src/network/host/host.ts';
import { identityFromSeed, peerIdOf } from '../../../src/network/identity.ts';
import { tcpProfile } from '../../../src/network/profiles/tcp.ts';
import { exchangeProtocol } from '../../../src/network/protocols.ts';
import { connected, eventually, loopbackHost, someRunId } from '../real-hosts.ts';

const MIB = 1 << 20;
const runId = someRunId('exchange');
const protocol = exchangeProtocol(runId);

const wanted = (overrides: Partial<RequestOptions> = {}): RequestOptions => ({
  responseBytesMax: 16 * MIB,
  timeoutMs: 10_000,
  signal: new AbortController().signal,
  ...overrides,
});

function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) {
    bytes[index] = (index * 31 + (index >>> 8) * 7 + seed) & 0xff;
  }
  return bytes;
}

type Serve = (from: PeerKey, bytes: Uint8Array) => Promise<readonly Uint8Array[]>;

describe('exchange between two hosts', () => {
  let a: Host;
  let b: Host;
  let exchange: Exchange;
  const limits: ExchangeLimits = {
    ...defaultExchangeLimits,
    requestBytesMax: 8 * MIB,
    stallMs: 2_000,
    inboundPerPeerMax: 2,
  };

  /** Runs `body` while b serves with `serve`. */
  async function serving(
    serve: Serve,
    body: (server: Exchange, reasons: string[]) => Promise<void>,
    serverLimits = limits,
  ): Promise<void> {
    const reasons: string[] = [];
    const server = createExchange({
      host: b,
      runId,
      serve,
      limits: serverLimits,
      onEvent: (event) => {
        if (event.kind === 'request-refused') {
          reasons.push(event.reason);
        }
      },
    });
    await server.start();
    try {
      await body(server, reasons);
    } finally {
      await server.stop();
      await eventually('none of its streams is left', () => openStreams(a).length === 0);
    }
  }

  /** Runs `body` while b speaks the protocol as `handler` does: for peers that break its rules. */
  async function misbehaving(handler: StreamHandler, body: () => Promise<void>): Promise<void> {
    await b.libp2p.handle(protocol, handler);
    try {
      await body();
    } finally {
      await b.libp2p.unhandle(protocol);
    }
  }

  const openStreams = (host: Host) =>
    host.libp2p
      .getConnections()
      .flatMap(({ streams }) => streams)
      .filter((stream) => stream.protocol === protocol);

  before(async () => {
    [a, b] = await Promise.all([loopbackHost({ carriesRuns: false }), loopbackHost({ carriesRuns: false })]);
    await connected(a, b);
    exchange = createExchange({ host: a, runId, limits, serve: async () => [], onEvent: () => {} });
    await exchange.start();
  });
  after(async () => {
    await exchange.stop();
    await Promise.all([a.stop(), b.stop()]);
  });

  test('8 MiB go both ways at once, byte for byte, and the streams end', async () => {
    const question = pattern(8 * MIB, 1);
    const answer = [pattern(3 * MIB, 2), new Uint8Array(), pattern(17, 3), pattern(5 * MIB - 17, 4)];
    const serve: Serve = async (from, bytes) => {
      assert.equal(from, a.key);
      assert.deepEqual(Buffer.compare(bytes, question), 0);
      return answer;
    };
    await serving(serve, async () => {
      const [first, second] = await Promise.all([
        exchange.request(b.key, question, wanted({ responseBytesMax: 8 * MIB })),
        exchange.request(b.key, question, wanted({ responseBytesMax: 8 * MIB })),
      ]);
      for (const frames of [first, second]) {
        assert.equal(frames.length, 4);
        assert.ok(frames.every((frame, index) => Buffer.compare(frame, answer[index]!) === 0));
      }
      await eventually('no stream is left', () => openStreams(a).length + openStreams(b).length === 0);
    });
  });

  test('small requests come one after the other on one stream, large ones on their own', async () => {
    await serving(
      async (_from, bytes) => [bytes],
      async (server) => {
        for (let count = 1; count <= 5; count++) {
          const [answer] = await exchange.request(b.key, pattern(300, count), wanted());
          assert.deepEqual(answer, pattern(300, count));
          assert.equal(openStreams(a).length, 1, `after ${count}`);
        }
        const [kept] = openStreams(a);
        const [, ...frames] = await Promise.all(
          [1, 2].map((seed) => exchange.request(b.key, pattern(300, seed), wanted())),
        );
        assert.deepEqual(frames, [[pattern(300, 2)]]);
        assert.equal(openStreams(a).length, 2);
        await exchange.request(b.key, pattern(MIB, 1), wanted());
        await eventually('the large one ends', () => openStreams(a).length === 2);
        assert.ok(openStreams(a).includes(kept!));
        assert.equal(server.counts().requestsIn, 8);
        // A stream that broke is not used.
        kept!.abort(new Error('gone'));
        assert.equal((await exchange.request(b.key, pattern(300, 9), wanted())).length, 1);
      },
    );
  });

  test('segments come six at a time, again and again on the same streams', async () => {
    const segment = pattern(256 << 10, 7);
    const six = () =>
      Promise.all(
        Array.from({ length: 6 }, (_, seed) => exchange.request(b.key, pattern(40, seed), wanted())),
      );
    await serving(
      async () => [segment],
      async () => {
        await six();
        const streams = openStreams(a);
        assert.equal(streams.length, 6);
        for (let turn = 0; turn < 4; turn++)
          for (const [frame] of await six()) assert.ok(Buffer.compare(frame!, segment) === 0);
        assert.deepEqual(new Set(openStreams(a)), new Set(streams));
      },
      { ...limits, inboundPerPeerMax: 8 },
    );
  });

  test('a stream that carries nothing more for long ends, and so do all when the server stops', async () => {
    const serve: Serve = async (_from, bytes) => [bytes];
    const body = async (): Promise<void> => {
      await exchange.request(b.key, pattern(300, 1), wanted());
      await eventually(
        'it has ended at both ends',
        () => openStreams(a).length + openStreams(b).length === 0,
      );
      assert.deepEqual(await exchange.request(b.key, pattern(300, 2), wanted()), [pattern(300, 2)]);
    };
    await serving(serve, body, { ...limits, nextRequestMs: 200 });
  });

  test('bytes that nobody asked for on a stream that is kept are no answer to what is asked next', async () => {
    let streams = 0;
    const answer = (byte: number): Uint8Array => Uint8Array.from([...answerHead('ok', 1), 1, byte]);
    await misbehaving(
      (stream) => {
        streams++;
        stream.addEventListener('message', () => {
          stream.send(answer(streams));
          setTimeout(() => stream.status === 'open' && stream.send(answer(66)), 20);
        });
      },
      async () => {
        assert.deepEqual(await exchange.request(b.key, Uint8Array.of(1), wanted()), [Uint8Array.of(1)]);
        await eventually('more came', () => openStreams(a).some((stream) => stream.readBufferLength > 0));
        assert.deepEqual(await exchange.request(b.key, Uint8Array.of(1), wanted()), [Uint8Array.of(2)]);
        for (const stream of openStreams(b)) stream.abort(new Error('done'));
        await eventually('nothing is left', () => openStreams(a).length === 0);
      },
    );
  });

  test('a slow reader holds the sender back: its buffer stays small', async () => {
    let received = 0;
    await misbehaving(
      (stream) => {
        stream.addEventListener('message', ({ data }) => {
          received += data.byteLength;
          if (received < 8 * MIB && stream.readStatus === 'readable') {
            stream.pause();
            setTimeout(() => {
              if (stream.status === 'open') {
                stream.resume();
              }
            }, 5);
          }
        });
      },
      async () => {
        const [connection] = a.libp2p.getConnections(peerIdOf(b.key));
        const stream: Stream = await connection!.newStream(protocol, { negotiateFully: false });
        let queuedMax = 0;
        function* watched(): Generator<Uint8Array> {
          for (const piece of framePieces(new Uint8Array(), [pattern(8 * MIB, 5)])) {
            queuedMax = Math.max(queuedMax, stream.writeBufferLength);
            yield piece;
          }
        }
        await writePieces(stream, watched(), { stallMs: 5_000, signal: new AbortController().signal });
        await eventually('everything arrives', () => received >= 8 * MIB);
        assert.ok(queuedMax <= 512 << 10, `${queuedMax} bytes were queued`);
        stream.abort(new Error('done'));
      },
    );
  });

  test('a reader that stops altogether is given up and its stream reset', async () => {
    await misbehaving(
      (stream) => stream.pause(),
      async () => {
        const asking = exchange.request(b.key, pattern(8 * MIB, 6), wanted({ timeoutMs: 800 }));
        await assert.rejects(asking, { code: 'TIMEOUT' });
        assert.equal(openStreams(a).length, 0);
        await eventually('the other side saw the reset', () => openStreams(b).length === 0);
      },
    );
  });

  test('an announced length above the bound is refused before it is allocated', async () => {
    const lie = Uint8Array.from([...answerHead('ok', 1), ...encodeVarint(0x7fff_ffff), 1, 2, 3]);
    await misbehaving(
      (stream) => {
        stream.send(lie);
      },
      async () => {
        const before = process.memoryUsage().arrayBuffers;
        await assert.rejects(exchange.request(b.key, new Uint8Array(8), wanted()), {
          code: 'FRAME_TOO_LARGE',
        });
        assert.ok(process.memoryUsage().arrayBuffers - before < 64 * MIB);
        assert.equal(openStreams(a).length, 0);
      },
    );
  });

  test('frames that exceed the bound only together are refused, and so are too many', async () => {
    const serve: Serve = async (_from, bytes) =>
      bytes.length === 1 ? [new Uint8Array(600), new Uint8Array(600)] : Array(5000).fill(new Uint8Array());
    await serving(serve, async () => {
      const small = wanted({ responseBytesMax: 1000 });
      await assert.rejects(exchange.request(b.key, new Uint8Array(1), small), { code: 'FRAME_TOO_LARGE' });
      await assert.rejects(exchange.request(b.key, new Uint8Array(2), small), { code: 'FRAME_TOO_LARGE' });
    });
  });

  test('a request above the bound is refused at both ends', async () => {
    await assert.rejects(exchange.request(b.key, new Uint8Array(limits.requestBytesMax + 1), wanted()), {
      code: 'REQUEST_TOO_LARGE',
    });
    const never: Serve = async () => assert.fail('it must not reach the core');
    await serving(
      never,
      async (server, reasons) => {
        await assert.rejects(exchange.request(b.key, new Uint8Array(2048), wanted()), {
          code: 'STREAM_FAILED',
        });
        await eventually('it is counted', () => server.counts().requestsRefused === 1);
        assert.match(reasons[0]!, /2048 bytes is announced/);
      },
      { ...limits, requestBytesMax: 1024 },
    );
  });

  test('a silent peer costs the timeout and no stream', async () => {
    await serving(
      () => new Promise(() => {}),
      async () => {
        const startMs = Date.now();
        await assert.rejects(exchange.request(b.key, new Uint8Array(1), wanted({ timeoutMs: 300 })), {
          code: 'TIMEOUT',
        });
        assert.ok(Date.now() - startMs < 2_000);
        assert.equal(openStreams(a).length, 0);
      },
    );
  });

  test('the caller may give up', async () => {
    await serving(
      () => new Promise(() => {}),
      async () => {
        const controller = new AbortController();
        const asking = exchange.request(b.key, new Uint8Array(1), wanted({ signal: controller.signal }));
        controller.abort();
        await assert.rejects(asking, { code: 'STREAM_FAILED' });
        assert.equal(openStreams(a).length, 0);
      },
    );
  });

  test('an answer cut off between two frames is no answer', async () => {
    const cut = Uint8Array.from([...answerHead('ok', 2), 3, 1, 2, 3]);
    await misbehaving(
      async (stream) => {
        stream.send(cut);
        await stream.close();
      },
      async () => {
        await assert.rejects(exchange.request(b.key, new Uint8Array(1), wanted()), {
          code: 'FRAME_TRUNCATED',
        });
      },
    );
  });

  test('who is too slow to answer, or full, is busy: a no would count against it', async () => {
    const serve: Serve = (_from, bytes) =>
      bytes[0] === 0
        ? new Promise(() => {})
        : Promise.reject(new Error('too many answers wait for the disk'));
    await serving(
      serve,
      async () => {
        for (const kind of [0, 1])
          await assert.rejects(exchange.request(b.key, Uint8Array.of(kind), wanted()), { code: 'BUSY' });
      },
      { ...limits, answerTimeoutMs: 200 },
    );
  });

  test('refusals and too many requests at a time have names', async () => {
    const gate = Promise.withResolvers<void>();
    const serve: Serve = async (_from, bytes) => {
      if (bytes[0] === 0) {
        throw new RequestRefusedError('the core refuses');
      }
      await gate.promise;
      return [bytes];
    };
    await serving(serve, async (server) => {
      await assert.rejects(exchange.request(b.key, Uint8Array.of(0), wanted()), { code: 'REFUSED' });
      const held = [1, 2].map((value) => exchange.request(b.key, Uint8Array.of(value), wanted()));
      await eventually('two are being served', () => server.counts().requestsIn === 3);
      await assert.rejects(exchange.request(b.key, Uint8Array.of(3), wanted()), { code: 'BUSY' });
      gate.resolve();
      assert.deepEqual(
        (await Promise.all(held)).map(([frame]) => frame![0]),
        [1, 2],
      );
      assert.equal((await exchange.request(b.key, Uint8Array.of(4), wanted()))[0]![0], 4);
    });
  });

  test('a peer that does not speak the protocol is a failure at once', async () => {
    await assert.rejects(exchange.request(b.key, Uint8Array.of(1), wanted()), { code: 'STREAM_FAILED' });
  });

  test('a peer that dies while it answers is a failure at once', async () => {
    const mortal = await loopbackHost({ carriesRuns: false });
    await connected(a, mortal);
    await mortal.libp2p.handle(protocol, (stream) => {
      stream.send(Uint8Array.from([...answerHead('ok', 1), ...encodeVarint(1000), 1]));
      setTimeout(() => mortal.stop(), 50);
    });
    const startMs = Date.now();
    await assert.rejects(exchange.request(mortal.key, Uint8Array.of(1), wanted()), /stream|truncated/i);
    assert.ok(Date.now() - startMs < 5_000);
    await eventually(
      'the connection is gone',
      () => a.libp2p.getConnections(peerIdOf(mortal.key)).length === 0,
    );
    await assert.rejects(exchange.request(mortal.key, Uint8Array.of(1), wanted()), { code: 'NOT_CONNECTED' });
  });

  test('a peer that alone can answer is dialled where the DHT tells, and a key that nobody has is not', async () => {
    const far = await loopbackHost({ carriesRuns: false });
    const answers = createExchange({
      ...{ host: far, runId, limits, onEvent: () => {} },
      serve: async () => [Uint8Array.of(7)],
    });
    await answers.start();
    await connected(far, b);
    const request = (key: string, dials?: true) =>
      exchange.request(key, Uint8Array.of(1), wanted({ ...(dials && { dials }) }));
    try {
      await assert.rejects(request(far.key), { code: 'NOT_CONNECTED' });
      await eventually('b has it in its routing table', () =>
        b.libp2p.getPeers().some((id) => id.equals(peerIdOf(far.key))),
      );
      assert.deepEqual(await request(far.key, true), [Uint8Array.of(7)]);
      assert.deepEqual(await request(far.key), [Uint8Array.of(7)], 'it is connected now');
      const nobody = identityFromSeed(new Uint8Array(32).fill(77)).key;
      await assert.rejects(
        exchange.request(nobody, Uint8Array.of(1), wanted({ dials: true, timeoutMs: 3_000 })),
        ({ code }) => code === 'NOT_CONNECTED' || code === 'TIMEOUT',
      );
    } finally {
      await answers.stop();
      await far.stop();
    }
  });

  test('a peer that listens nowhere is asked once it has called', async () => {
    const caller = await loopbackHost({ carriesRuns: false, profile: tcpProfile({ listen: [] }) });
    const calls = createExchange({
      ...{ host: caller, runId, limits, onEvent: () => {} },
      serve: async () => [Uint8Array.of(7)],
    });
    await calls.start();
    await connected(caller, b);
    const ask = (dials: Partial<RequestOptions>) =>
      exchange.request(caller.key, Uint8Array.of(1), wanted({ timeoutMs: 5_000, ...dials }));
    try {
      await assert.rejects(
        ask({ dials: true }),
        ({ code }) => code === 'NOT_CONNECTED' || code === 'TIMEOUT',
        'nobody can dial it',
      );
      await eventually('the caller has learned of it', () =>
        b.libp2p.getPeers().some((id) => id.equals(peerIdOf(a.key))),
      );
      await calls.request(a.key, Uint8Array.of(2), wanted({ dials: true })).catch(() => {});
      assert.deepEqual(await ask({}), [Uint8Array.of(7)]);
    } finally {
      await calls.stop();
      await caller.stop();
    }
  });
});
