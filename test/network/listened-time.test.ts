/** A process that is held up blames nobody else for it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { withDeadline } from '../../src/network/deadline.ts';
import { connected, loopbackHost } from './real-hosts.ts';

/** Nothing else happens meanwhile. */
function holdUp(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** In a thread of its own, so that it answers while we are held up. */
const echo = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer((socket) => socket.pipe(socket));
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

test('an answer that lies in the socket when the time is over was in time', async (t) => {
  const worker = new Worker(echo, { eval: true });
  t.after(() => worker.terminate());
  const [port] = (await once(worker, 'message')) as [number];
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  const [answer] = await withDeadline(100, 'no answer', [], (signal) => {
    socket.write('well?');
    const heard = once(socket, 'data', { signal });
    holdUp(400);
    return heard;
  });
  assert.equal(String(answer), 'well?');
});

test('who does not answer is given up all the same', async () => {
  const silence = withDeadline(50, 'no answer', [], async (signal) => {
    await once(signal, 'abort');
    throw signal.reason;
  });
  await assert.rejects(silence, { code: 'TIMEOUT', message: 'no answer within 50 ms' });
});

test('a handshake takes as long as the event loop of both sides is held up', async (t) => {
  const [one, other] = [await loopbackHost(), await loopbackHost()];
  t.after(() => Promise.all([one.stop(), other.stop()]));
  let isOver = false;
  let turns = 0;
  const holding = (): void => {
    if (isOver) return;
    turns++;
    holdUp(1_200);
    setImmediate(holding);
  };
  setImmediate(holding);
  await connected(one, other).finally(() => (isOver = true));
  assert.ok(turns >= 3, 'it took longer than an address has by the clock');
});
