import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stop } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { connected, eventually, loopbackHost, someRunId } from '../real-hosts.ts';
import { gossiping, runMember } from '../run-member.ts';

test('gossip goes on over a second connection when the first one closes', async () => {
  const [a, b] = [await loopbackHost(), await loopbackHost()];
  const runId = someRunId('two lines');
  const members = [runMember(a, runId), runMember(b, runId)] as const;
  try {
    await connected(a, b);
    await Promise.all(members.map((member) => member.start()));
    await gossiping(members);
    // What a host tells of itself at any later time would heal it too, by chance.
    for (const { libp2p } of [a, b]) await stop(libp2p.services.identifyPush);
    const [first] = a.libp2p.getConnections(b.libp2p.peerId);
    let introduced = 0;
    for (const { libp2p } of [a, b]) libp2p.addEventListener('peer:identify', () => introduced++);
    await a.libp2p.dial(
      b.addresses().map((address) => multiaddr(address)),
      { force: true },
    );
    await eventually('there are two, and gossip was told of both', () => introduced === 2);
    assert.ok([a, b].every(({ libp2p }) => libp2p.getConnections().length === 2));
    await first!.close();
    await eventually('there is one', () => b.libp2p.getConnections().length === 1);
    const [one, other] = members;
    await eventually('each hears of the other again', () => {
      void one.transport.announce(Buffer.from(`a ${Math.random()}`));
      void other.transport.announce(Buffer.from(`b ${Math.random()}`));
      return (
        other.heard.some((text) => text.startsWith('a')) && one.heard.some((text) => text.startsWith('b'))
      );
    });
    assert.deepEqual([one.down, other.down], [[], []], 'nobody was down in between');
  } finally {
    await Promise.all(members.map(({ transport }) => transport.stop()));
    await Promise.all([a.stop(), b.stop()]);
  }
});
