import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { createHost } from '../../../src/network/host/host.ts';
import { identityFromSeed, peerIdOf } from '../../../src/network/identity.ts';
import { tcpProfile } from '../../../src/network/profiles/tcp.ts';
import { delayedLine, freePort } from '../../cluster/delayed-line.ts';
import { connected, eventually, loopbackHost } from '../real-hosts.ts';

const identity = identityFromSeed(new Uint8Array(32).fill(9));
const ours = peerIdOf(identity.key).toString();
const another = peerIdOf(identityFromSeed(new Uint8Array(32).fill(8)).key).toString();
const listen = ['/ip4/127.0.0.1/tcp/0'];

describe('a host that is reached under another address than it listens on', () => {
  test('tells that one and no other, to itself and to whom it meets, and can be dialled there', async () => {
    const port = await freePort();
    const line = await delayedLine(port, 0);
    const announced = [`/ip4/127.0.0.1/tcp/${line.port}`, '/dns4/node.example.org/tcp/4001'];
    const host = await loopbackHost({
      profile: tcpProfile({ listen: [`/ip4/127.0.0.1/tcp/${port}`], announce: announced }),
    });
    const other = await loopbackHost();
    try {
      const full = announced.map((address) => `${address}/p2p/${host.libp2p.peerId}`);
      assert.deepEqual(host.addresses(), full);
      const told: string[] = [];
      other.libp2p.addEventListener('peer:identify', ({ detail }) => {
        told.push(...detail.listenAddrs.map(String));
      });
      // From there to here, so that only identify can have told.
      await connected(host, other);
      await eventually('identify told', () => told.length > 0);
      assert.deepEqual(told, announced);
      await other.libp2p.hangUp(host.libp2p.peerId);
      const connection = await other.libp2p.dial(host.libp2p.peerId);
      assert.ok(connection.remoteAddr.toString().includes(`/tcp/${line.port}`), 'over the line');
    } finally {
      await Promise.all([host.stop(), other.stop()]);
      await line.close();
    }
  });

  const wrong: readonly (readonly [address: string, why: RegExp])[] = [
    ['127.0.0.1:4001', /127\.0\.0\.1:4001 is not a multiaddr/],
    ['/ip4/0.0.0.0/tcp/4001', /nobody can dial it/],
    ['/ip6/::/tcp/4001', /nobody can dial it/],
    ['/ip4/192.0.2.1/tcp/0', /others need to know the port/],
    [
      `/ip4/192.0.2.1/tcp/4001/p2p/${another}`,
      new RegExp(`leads to peer ${another}, and this one is ${ours}`),
    ],
    ['/ip4/192.0.2.1/udp/4001/quic-v1', /no transport of this host dials such an address/],
    ['/ip4/192.0.2.1', /no transport of this host dials such an address/],
  ];
  for (const [address, why] of wrong) {
    test(`${address} is refused before anything starts`, async () => {
      const profile = tcpProfile({ listen, announce: [address] });
      await assert.rejects(createHost({ identity, profile }), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'BAD_ADDRESS');
        assert.match(error.message, why);
        return true;
      });
    });
  }

  test('our own peer id at its end is no other address', async () => {
    const announce = [`/ip4/192.0.2.1/tcp/4001/p2p/${ours}`, '/ip6/2001:db8::1/tcp/4001'];
    const host = await createHost({ identity, profile: tcpProfile({ listen, announce }) });
    assert.deepEqual(host.addresses(), [announce[0], `${announce[1]}/p2p/${ours}`]);
  });
});

test('what is no address to listen on is refused in one sentence', async () => {
  const profile = tcpProfile({ listen: ['4001'] });
  await assert.rejects(createHost({ identity, profile }), { code: 'BAD_ADDRESS' });
});

test('a host that carries no runs says so to a run that wants to join', async () => {
  const host = await createHost({
    identity: identityFromSeed(randomBytes(32)),
    profile: tcpProfile({ listen }),
    carriesRuns: false,
  });
  assert.equal(host.libp2p.services.gossip, undefined);
  assert.throws(() => host.gossip.join('topic', async () => 'accept'), /carry no runs/);
});
