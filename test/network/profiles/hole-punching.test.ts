import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { lpStream } from '@libp2p/utils';
import { multiaddr } from '@multiformats/multiaddr';
import { fewAtATime, holePunching } from '../../../src/network/profiles/hole-punching.ts';
import { relayServer } from '../../../src/network/profiles/relay-server.ts';
import { RELAY_PLACE, relayTransport } from '../../../src/network/profiles/relays.ts';
import { tcpProfile } from '../../../src/network/profiles/tcp.ts';
import { connected, eventually, loopbackHost } from '../real-hosts.ts';

const PROTOCOL = '/libp2p/dcutr';
const loopback = tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] });

/** Type 100, an address, as the message of DCUtR has them. */
const connectWith = (address: string): Uint8Array => {
  const { bytes } = multiaddr(address);
  return Uint8Array.of(8, 100, 18, bytes.length, ...bytes);
};

test('who is connected directly has a host dial nobody', async () => {
  const host = await loopbackHost({ profile: { ...loopback, services: await holePunching() } });
  const stranger = await loopbackHost();
  try {
    await connected(stranger, host);
    const messages = lpStream(await stranger.libp2p.dialProtocol(host.libp2p.peerId, PROTOCOL));
    const asked = messages.write(connectWith('/ip4/1.2.3.4/tcp/9'));
    await assert.rejects(
      asked.then(() => messages.read()),
      'it says no addresses of its own',
    );
  } finally {
    await Promise.all([host, stranger].map((each) => each.stop()));
  }
});

test('who comes over a relay has a host dial no names, which may lead into its own network', async () => {
  const limits = {
    ...{ reservationsMax: 2, reservationsPerAddressMax: 2 },
    ...{ bytesMax: 2 ** 20, durationMsMax: 60_000, bytesPerHourMax: 2 ** 30 },
  };
  const relay = await loopbackHost({ profile: { ...loopback, services: await relayServer(limits) } });
  const hidden = tcpProfile({ listen: [RELAY_PLACE] });
  const transports = [...hidden.transports, await relayTransport()];
  const services = await holePunching();
  const host = await loopbackHost({ profile: { ...hidden, transports, services }, carriesRuns: false });
  const stranger = await loopbackHost({ profile: { ...loopback, transports }, carriesRuns: false });
  let dialled = 0;
  const listener = createServer((socket) => {
    dialled++;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  const synchronised: boolean[] = [];
  await stranger.libp2p.handle(
    PROTOCOL,
    async (stream) => {
      const messages = lpStream(stream);
      const signal = AbortSignal.timeout(5_000);
      await messages.read({ signal });
      await messages.write(connectWith(`/dns4/localhost/tcp/${port}`), { signal });
      const next = await messages.read({ signal }).catch(() => null);
      synchronised.push(next !== null);
    },
    { runOnLimitedConnection: true },
  );
  try {
    await connected(host, relay);
    const place = (): string | undefined => host.addresses().find((one) => one.includes('/p2p-circuit'));
    await eventually('the host has a place', () => place() !== undefined);
    await stranger.libp2p.dial(multiaddr(place()!));
    // It tries three times.
    await eventually('the stranger was asked', () => synchronised.length === 3, 30_000);
    assert.deepEqual([synchronised, dialled], [[false, false, false], 0]);
  } finally {
    listener.close();
    await Promise.all([host, stranger, relay].map((each) => each.stop()));
  }
});

test('few dials are made for others at a time, and more fail at once', async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const dial = fewAtATime(
    (name: string) => (name === 'broken' ? Promise.reject(new Error(name)) : promise),
    2,
  );
  await assert.rejects(dial('broken'), /broken/);
  const open = [dial('a'), dial('b')];
  await assert.rejects(dial('c'), /already/);
  resolve('connected');
  assert.deepEqual(await Promise.all(open), ['connected', 'connected']);
  assert.equal(await dial('d'), 'connected');
});
