import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WaitingBytes, type WaitingConnection } from '../../../src/network/host/waiting-bytes.ts';

interface Fake extends WaitingConnection {
  writeBufferLength: number;
  readonly streams: { writeBufferLength: number }[];
  isAborted: boolean;
}

/** Connections with numbers in place of bytes. */
function world(count: number, bytesMax: number) {
  let nowMs = 0;
  const all = new WaitingBytes(bytesMax, () => nowMs);
  const connections = Array.from({ length: count }, (): Fake => {
    const one: Fake = {
      writeBufferLength: 0,
      streams: [{ writeBufferLength: 0 }],
      isAborted: false,
      abort: () => {
        one.isAborted = true;
      },
    };
    all.add(one, () => one.streams);
    return one;
  });
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { all, connections, pass, dropped: () => connections.map(({ isAborted }) => isAborted) };
}

test('of all connections together those go for which most waits, and no more of them than must', () => {
  const { all, connections, dropped } = world(4, 100);
  for (const [index, bytes] of [20, 50, 10, 40].entries()) {
    connections[index]!.writeBufferLength = bytes;
    all.wrote(connections[index]!);
  }
  assert.deepEqual(dropped(), [false, true, false, false]);
});

test('what has been read meanwhile does not wait any more', () => {
  const { all, connections, dropped } = world(2, 100);
  connections[0]!.writeBufferLength = 80;
  all.wrote(connections[0]!);
  connections[0]!.writeBufferLength = 0;
  connections[1]!.writeBufferLength = 80;
  all.wrote(connections[1]!);
  assert.deepEqual(dropped(), [false, false]);
});

test('what waits in streams counts, at the next look', () => {
  const { all, connections, pass, dropped } = world(3, 100);
  connections[0]!.streams[0]!.writeBufferLength = 90;
  connections[1]!.streams[0]!.writeBufferLength = 30;
  pass(1_000);
  all.wrote(connections[2]!);
  assert.deepEqual(dropped(), [true, false, false]);
});

test('one that is over counts no more', () => {
  const { all, connections, dropped } = world(2, 100);
  connections[0]!.writeBufferLength = 80;
  all.wrote(connections[0]!);
  all.remove(connections[0]!);
  connections[1]!.writeBufferLength = 80;
  all.wrote(connections[1]!);
  assert.deepEqual(dropped(), [false, false]);
});
