/** Streams that are opened while their connection ends. An error that nobody can catch fails the test, as it ends a node. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as pastAllPutOff } from 'node:timers/promises';
import type { MultiaddrConnection, Stream } from '@libp2p/interface';
import { multiaddrConnectionPair } from '@libp2p/utils';
import { type MuxerPart, muxer } from '../../../src/network/host/muxer.ts';

describe('a stream that is opened on a connection', () => {
  test('carries what is sent', async () => {
    const [ours, theirs] = multiaddrConnectionPair();
    const [from, to] = [ours, theirs].map((connection) => muxer({})().createStreamMuxer(connection));
    const heard = Promise.withResolvers<string>();
    to!.addEventListener('stream', ({ detail }) => {
      detail.addEventListener('message', ({ data }) =>
        heard.resolve(new TextDecoder().decode(data.subarray())),
      );
    });
    const stream = await from!.createStream();
    stream.send(new TextEncoder().encode('a word'));
    assert.equal(await heard.promise, 'a word');
    await from!.close();
    await to!.close();
  });

  // As when the other end hangs up between its word on the multiplexer and ours.
  for (const [how, end] of [
    ['aborted', (connection: MultiaddrConnection) => connection.abort(new Error('cut off'))],
    ['closed', (connection: MultiaddrConnection) => connection.close()],
  ] as const) {
    test(`that was ${how} before it had a multiplexer is refused, and nothing else ends`, async () => {
      const [ours] = multiaddrConnectionPair();
      await end(ours);
      const opened = muxer({})().createStreamMuxer(ours).createStream();
      await assert.rejects(async () => opened, { name: 'MuxerClosedError' });
      await pastAllPutOff();
    });
  }

  test('that is closed in the same moment goes nowhere, and nothing else ends', async () => {
    const [ours] = multiaddrConnectionPair();
    const opened = muxer({})().createStreamMuxer(ours).createStream();
    const closed = ours.close();
    await opened;
    await closed;
    await pastAllPutOff();
  });
});

/** Two ends of a connection with a stream of the first to the second, of this protocol, and what the second has sent. */
async function streamBetween(protocol: string): Promise<{
  readonly stream: Stream;
  readonly other: Stream;
  readonly parts: Map<MuxerPart, number>;
  readonly close: () => Promise<unknown>;
}> {
  const [ours, theirs] = multiaddrConnectionPair();
  const parts = new Map<MuxerPart, number>();
  const from = muxer({})().createStreamMuxer(ours);
  const to = muxer({}, (part, bytes) => parts.set(part, (parts.get(part) ?? 0) + bytes))().createStreamMuxer(
    theirs,
  );
  const other = new Promise<Stream>((resolve) => {
    to.addEventListener('stream', ({ detail }) => resolve(detail));
  });
  to.addEventListener('stream', ({ detail }) => {
    detail.protocol = protocol;
  });
  const stream = await from.createStream();
  stream.send(new Uint8Array(1));
  return { stream, other: await other, parts, close: () => Promise.all([from.close(), to.close()]) };
}

const gossip = '/meshsub/1.2.0';

describe('windows of streams of gossip', () => {
  test('are told of after 16 KiB, and not after every message', async (t) => {
    const { stream, other, parts, close } = await streamBetween(gossip);
    t.after(close);
    let heard = 0;
    const all = Promise.withResolvers<void>();
    other.addEventListener('message', ({ data }) => {
      heard += data.byteLength;
      if (heard >= 100_000) all.resolve();
    });
    for (let sent = 0; sent < 100; sent++) {
      stream.send(new Uint8Array(1_000));
      // Or they travel as one.
      await pastAllPutOff();
    }
    await all.promise;
    // One says that the stream was taken up.
    assert.ok(parts.get('windows')! <= 12 * (1 + Math.ceil(100_001 / (16 << 10))), `${parts.get('windows')}`);
  });

  test('and of no others: bodies come in bulk, and their windows widen by how soon they are told of', async (t) => {
    const { stream, other, parts, close } = await streamBetween('/starlings/files/2.0.0/run');
    t.after(close);
    let heard = 0;
    other.addEventListener('message', ({ data }) => {
      heard += data.byteLength;
    });
    for (let sent = 1; sent <= 100; sent++) {
      stream.send(new Uint8Array(1_000));
      // Or they are read as one.
      await until(() => heard > sent * 1_000);
    }
    assert.ok(parts.get('windows')! > 12 * 50, `${parts.get('windows')}`);
  });

  test('let a megabyte of small messages through, past a reader that pauses', async (t) => {
    const { stream, other, close } = await streamBetween(gossip);
    t.after(close);
    let heard = 0;
    const all = Promise.withResolvers<void>();
    other.addEventListener('message', ({ data }) => {
      heard += data.byteLength;
      other.pause();
      setImmediate(() => other.resume());
      if (heard >= 1 << 20) all.resolve();
    });
    for (let sent = 0; sent < 1 << 20; sent += 512) {
      if (!stream.send(new Uint8Array(512))) await once(stream, 'drain');
    }
    await all.promise;
  });
});

test('what small things streams send in one turn is one message of the connection, and none is lost by closing', async () => {
  const [ours, theirs] = multiaddrConnectionPair();
  const from = muxer({})().createStreamMuxer(ours);
  const to = muxer({})().createStreamMuxer(theirs);
  const heard: string[] = [];
  to.addEventListener('stream', ({ detail }) => {
    detail.addEventListener('message', ({ data }) => heard.push(new TextDecoder().decode(data.subarray())));
  });
  let messages = 0;
  theirs.addEventListener('message', () => {
    messages += 1;
  });
  const streams = await Promise.all([from.createStream(), from.createStream()]);
  await pastAllPutOff();
  messages = 0;
  for (const [at, stream] of streams.entries()) stream.send(new TextEncoder().encode(`word ${at}`));
  await until(() => heard.length === 2);
  assert.equal(messages, 1);
  streams[0]!.send(new TextEncoder().encode('the last'));
  await from.close();
  await until(() => heard.length === 3);
  assert.deepEqual(heard, ['word 0', 'word 1', 'the last']);
  await to.close();
});

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!isSo()) {
    assert.ok(performance.now() < deadline, 'in vain');
    await pastAllPutOff();
  }
}

function once(stream: Stream, event: 'drain'): Promise<void> {
  return new Promise((resolve) => {
    stream.addEventListener(event, () => resolve(), { once: true });
  });
}
