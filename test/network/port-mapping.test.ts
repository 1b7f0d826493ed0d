/** What a router says that it gave, by NAT-PMP on loopback, and what becomes of it. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { multiaddr } from '@multiformats/multiaddr';
import { PmpMapping } from '../../src/network/profiles/port-mapping.ts';
import { ManualClock } from '../node/manual-clock.ts';
import { eventually } from './real-hosts.ts';

interface Word {
  readonly external?: readonly [number, number, number, number];
  readonly port?: number;
  readonly lifetimeS?: number;
}

/** A host that listens on 4001, and its router, which says what `word` is at the time. */
async function mapped(t: TestContext, first: Word) {
  let word = first;
  const heard: number[] = [];
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  socket.on('message', (bytes, from) => {
    const { external = [45, 11, 0, 2], port = 40_001, lifetimeS = 7_200 } = word;
    const answer = Buffer.alloc(bytes[1] === 0 ? 12 : 16);
    answer[1] = 0x80 | bytes[1]!;
    if (bytes[1] === 0) answer.set(external, 8);
    else {
      answer.writeUInt16BE(bytes.readUInt16BE(4), 8);
      answer.writeUInt16BE(port, 10);
      answer.writeUInt32BE(lifetimeS, 12);
    }
    socket.send(answer, from.port, from.address, () => heard.push(bytes[1]!));
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const clock = new ManualClock(0);
  const told: string[] = [];
  const note =
    (sign: string) =>
    (_local: string, _port: number, external: string, port = 0): void =>
      void told.push(`${sign}${external}:${port}`);
  const mapping = new PmpMapping(
    {
      events: new EventTarget(),
      transportManager: {
        getAddrs: () => ['10.0.0.2', '127.0.0.1'].map((ip) => multiaddr(`/ip4/${ip}/tcp/4001`)),
      },
      addressManager: {
        addPublicAddressMapping: note('+'),
        removePublicAddressMapping: note('-'),
      },
    },
    { gateway: async () => '127.0.0.1', port: socket.address().port, clock },
  );
  mapping.start();
  t.after(() => mapping.stop());
  let untilMs = 0;
  return {
    told,
    /** Goes on until it was asked for so many ports. */
    async asked(times: number, saying: Word = word) {
      word = saying;
      await eventually(`asked ${times} times`, () => {
        clock.advanceTo(untilMs);
        return heard.filter((op) => op === 2).length >= times;
      });
    },
    askedAll: () => heard.length,
    pass(ms: number) {
      untilMs += ms;
      clock.advanceTo(untilMs);
    },
  };
}

test('what a router gives again stays as it is, and what it gives otherwise is noted anew', async (t) => {
  const { asked, pass, told } = await mapped(t, {});
  await asked(1);
  await eventually('it is noted', () => told.length > 0);
  pass(600_000);
  await asked(2);
  pass(600_000);
  await asked(3, { port: 40_002 });
  await eventually('the other port is noted', () => told.length >= 3);
  assert.deepEqual(told, ['+45.11.0.2:40001', '-45.11.0.2:40001', '+45.11.0.2:40002']);
});

test('what is given for a minute is asked for again in half of one', async (t) => {
  const { asked, pass, told } = await mapped(t, { lifetimeS: 60 });
  await asked(1);
  await eventually('it is noted', () => told.length > 0);
  pass(30_000);
  await asked(2);
});

test('an address of many, or a port for no time, is not noted', async (t) => {
  const many = await mapped(t, { external: [224, 0, 0, 1] });
  await eventually('it was asked', () => many.askedAll() > 0);
  const none = await mapped(t, { lifetimeS: 0 });
  await none.asked(1);
  none.pass(600_000);
  await none.asked(2);
  assert.deepEqual([...many.told, ...none.told], []);
});
