/** Streams that are opened while their connection ends. An error that nobody can catch fails the test, as it ends a node. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as pastAllPutOff } from 'node:timers/promises';
import type { MultiaddrConnection } from '@libp2p/interface';
import { multiaddrConnectionPair } from '@libp2p/utils';
import { muxer } from '../../src/network/muxer.ts';

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
