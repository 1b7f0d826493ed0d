import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reachability } from '../../../src/network/profiles/reachability.ts';
import { tcpProfile } from '../../../src/network/profiles/tcp.ts';
import { connected, eventually, loopbackHost } from '../real-hosts.ts';

test('of those who have a host dial for them few are served at a time, and each once', async () => {
  const requestsMax = 3;
  const tcp = tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] });
  const host = await loopbackHost({ profile: { ...tcp, services: await reachability(requestsMax) } });
  const askers = await Promise.all(Array.from({ length: requestsMax + 3 }, () => loopbackHost()));
  try {
    // It asks for nothing, and waits.
    const ask = async (index: number) => {
      const { libp2p } = askers[index]!;
      return libp2p.dialProtocol(host.libp2p.peerId, '/libp2p/autonat/2/dial-request');
    };
    for (const asker of askers) await connected(asker, host);
    const streams = [await ask(0), await ask(0)];
    await eventually('the second of one is refused', () => streams[1]!.status === 'reset');
    for (let index = 1; index < askers.length; index++) streams.push(await ask(index));
    const open = (): number => streams.filter(({ status }) => status === 'open').length;
    await eventually('as many are open as may be', () => open() === requestsMax);
    assert.equal(streams[0]!.status, 'open');
  } finally {
    await Promise.all([host, ...askers].map((each) => each.stop()));
  }
});
