/** NAT-PMP: what is said on the wire, and a router on loopback that loses, lies and refuses. */
import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { askGateway, gatewayAddress } from '../../src/network/nat-pmp/gateway.ts';
import { decodePmpAnswer, encodePmpRequest, type PmpRequest } from '../../src/network/nat-pmp/message.ts';

const address: PmpRequest = { kind: 'external-address' };
const map: PmpRequest = { kind: 'map', internalPort: 4001, externalPort: 4001, lifetimeS: 7_200 };
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const given = bytesOf('00820000000000090fa19c4100001c20');

/** By hand from figures of RFC 6886, sections 3.2 and 3.3. */
test('requests and answers are those of RFC 6886', () => {
  assert.equal(hex(encodePmpRequest(address)), '0000');
  assert.equal(hex(encodePmpRequest(map)), '000200000fa10fa100001c20');
  assert.deepEqual(decodePmpAnswer(bytesOf('00800000000000092d0b0002'), address), {
    ...{ kind: 'external-address', address: '45.11.0.2' },
  });
  assert.deepEqual(decodePmpAnswer(given, map), {
    ...{ kind: 'map', internalPort: 4001, externalPort: 40_001, lifetimeS: 7_200 },
  });
  assert.deepEqual(decodePmpAnswer(bytesOf('0082000200000009'), map), { kind: 'refused', result: 2 });
});

test('what answers something else, or nothing, is no answer, and a port is held no longer than was asked', () => {
  for (const bytes of ['', '00', '0080000000000009', '008000000000000900', '00800000000000092d0b000200'])
    assert.equal(decodePmpAnswer(bytesOf(bytes), address), null, bytes);
  assert.equal(decodePmpAnswer(given, address), null);
  assert.equal(decodePmpAnswer(given, { ...map, internalPort: 4002 }), null);
  const longer = given.slice();
  longer.fill(0xff, 12);
  assert.deepEqual(decodePmpAnswer(longer, map), { ...map, externalPort: 40_001 });
});

test('the router is found where packets for everywhere go', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-nat-pmp-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const gatewayOf = async (routes: string): Promise<string | null> => {
    await writeFile(join(folder, 'route'), routes);
    return gatewayAddress(join(folder, 'route'));
  };
  const head = 'Iface\tDestination\tGateway \tFlags\n';
  const local = 'eth0\t0002A8C0\t00000000\t0001\n';
  assert.equal(await gatewayAddress(join(folder, 'none')), null);
  assert.equal(await gatewayOf(`${head}${local}eth0\t00000000\t0102A8C0\t0003\n`), '192.168.2.1');
  for (const none of [
    '',
    head,
    head + local,
    `${head}tun0\t00000000\t00000000\t0001\n`,
    'x\ny\t00000000\tzz',
  ])
    assert.equal(await gatewayOf(none), null);
});

/** On a port of loopback; resolves to that port. */
async function router(t: TestContext, onMessage: (from: RemoteInfo) => readonly Uint8Array[]) {
  const socket = createSocket('udp4');
  socket.on('message', (_, from) => {
    for (const bytes of onMessage(from)) socket.send(bytes, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  return socket.address().port;
}

test('a datagram that is lost is sent again, and what nobody asked for or another one sends is passed over', async (t) => {
  let heard = 0;
  const stranger = createSocket('udp4');
  t.after(() => stranger.close());
  const lie = given.slice();
  lie[11] = 0x42;
  const port = await router(t, (from) => {
    stranger.send(lie, from.port, from.address);
    heard += 1;
    return heard < 3 ? [bytesOf('ffff'), bytesOf('')] : [given];
  });
  const { answer, local } = await askGateway('127.0.0.1', map, AbortSignal.timeout(15_000), port);
  assert.deepEqual(answer, { ...map, externalPort: 40_001 });
  assert.equal(local, '127.0.0.1');
  assert.equal(heard, 3);
});

test('a router that says no is heard, and one that is mute or has no such port only costs the time that it is given', async (t) => {
  const signal = AbortSignal.timeout(15_000);
  const refusing = await router(t, () => [bytesOf('0082000300000009')]);
  assert.deepEqual((await askGateway('127.0.0.1', map, signal, refusing)).answer, {
    ...{ kind: 'refused', result: 3 },
  });
  const asked = Promise.withResolvers<void>();
  const mute = await router(t, () => {
    asked.resolve();
    return [];
  });
  const over = new AbortController();
  const asking = askGateway('127.0.0.1', map, over.signal, mute);
  await asked.promise;
  over.abort(new Error('given up'));
  await assert.rejects(asking, /given up/);
  const free = createSocket('udp4');
  free.bind(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address();
  free.close();
  await assert.rejects(askGateway('127.0.0.1', map, signal, port), /ECONNREFUSED/);
});
