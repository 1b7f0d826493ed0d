import assert from 'node:assert/strict';
import { test } from 'node:test';
import { multiaddr } from '@multiformats/multiaddr';
import { isReachedOverRelaysAlone } from '../../../src/network/discovery/serve-while-reachable.ts';
import { withoutPrivateRelays } from '../../../src/network/host/announced-addresses.ts';
import { dialOrder } from '../../../src/network/profiles/dial-order.ts';

const relay = '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5';

/** In the order in which a node of 192.168.1.0/24 dials them. */
const inOrder = [
  '/ip4/192.168.1.7/tcp/4001',
  '/ip4/45.12.0.2/tcp/4001',
  `/ip4/45.11.0.2/tcp/4001/p2p/${relay}/p2p-circuit`,
  `/ip4/10.1.0.2/tcp/4001/p2p/${relay}/p2p-circuit`,
  '/ip4/127.0.0.1/tcp/4001',
  '/ip4/192.168.5.7/tcp/4001',
];

test('a network that we are in comes first, and what may swallow what it is sent last', () => {
  const addresses = inOrder.toReversed().map((text) => ({ multiaddr: multiaddr(text), isCertified: false }));
  const sorted = addresses.sort(dialOrder(() => ['192.168.1.2/24', 'fd00::1/64']));
  assert.deepEqual(
    sorted.map((address) => address.multiaddr.toString()),
    inOrder,
  );
});

test('what the peer has signed goes before what others tell, but for networks that are not ours', () => {
  const signed = ['/ip4/45.12.0.2/tcp/4001', '/ip4/192.168.5.7/tcp/4001'];
  const told = ['/ip4/192.168.1.7/tcp/4001', '/ip4/45.12.0.3/tcp/4001'];
  const addresses = [
    ...told.map((text) => ({ multiaddr: multiaddr(text), isCertified: false })),
    ...signed.map((text) => ({ multiaddr: multiaddr(text), isCertified: true })),
  ];
  const sorted = addresses.sort(dialOrder(() => ['192.168.1.2/24']));
  assert.deepEqual(
    sorted.map((address) => address.multiaddr.toString()),
    [signed[0], ...told, signed[1]],
  );
});

test('of the addresses of a relay those of the internet are told, where there is one', () => {
  const told = (texts: readonly string[]) =>
    withoutPrivateRelays(texts.map((text) => multiaddr(text))).map(String);
  assert.deepEqual(told(inOrder), inOrder.toSpliced(3, 1));
  const local = inOrder.slice(3);
  assert.deepEqual(told(local), local);
});

test('who is reached over relays alone is told by its addresses', () => {
  const relayedAlone = (texts: readonly string[]) =>
    isReachedOverRelaysAlone(texts.map((text) => multiaddr(text)));
  assert.equal(relayedAlone(inOrder), false);
  assert.equal(relayedAlone(inOrder.toSpliced(1, 1)), true);
  assert.equal(relayedAlone(['/ip4/192.168.1.7/tcp/4001']), false, 'a local network has no relays');
});
