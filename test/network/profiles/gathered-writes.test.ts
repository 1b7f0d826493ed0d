/** Over real sockets: what is written in one turn arrives as one piece, and nothing is lost where it ends at once. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { gatherWrites } from '../../../src/network/profiles/gathered-writes.ts';

async function socketPair(t: TestContext): Promise<readonly [Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const from = connect({ port: address.port, host: '127.0.0.1', noDelay: true });
  const [[to]] = (await Promise.all([once(server, 'connection'), once(from, 'connect')])) as [
    [Socket],
    unknown,
  ];
  t.after(() => {
    from.destroy();
    to.destroy();
    server.close();
  });
  gatherWrites(from);
  return [from, to];
}

test('the pieces of a frame are one packet', async (t) => {
  const [from, to] = await socketPair(t);
  const pieces: number[] = [];
  to.on('data', (piece) => pieces.push(piece.length));
  const arrived = once(to, 'data');
  for (const bytes of [2, 40, 16]) from.write(new Uint8Array(bytes));
  await arrived;
  assert.deepEqual(pieces, [58]);
});

test('a socket that ends in the turn in which it was written to has sent all', async (t) => {
  const [from, to] = await socketPair(t);
  let heard = 0;
  to.on('data', (piece) => {
    heard += piece.length;
  });
  const ended = once(to, 'end');
  for (const bytes of [2, 40, 16]) from.write(new Uint8Array(bytes));
  from.destroySoon();
  await ended;
  assert.equal(heard, 58);
});

test('much is not held back', async (t) => {
  const [from] = await socketPair(t);
  from.write(new Uint8Array(2));
  assert.equal(from.writableCorked, 1);
  from.write(new Uint8Array(100_000));
  assert.equal(from.writableCorked, 0);
});
