/** A node whom strangers dial before it has found anybody: the places that it fills itself, on real hosts. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Host } from '../../src/network/host/host.ts';
import { peerIdOf } from '../../src/network/identity.ts';
import { createLinks } from '../../src/network/links/links.ts';
import { tcpProfile } from '../../src/network/profiles/tcp.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import { connected, eventually, loopbackHost, someRunId } from './real-hosts.ts';
import { type RunMember, runMember } from './run-member.ts';

const runId = someRunId('besieged');
const members: RunMember[] = [];
after(async () => {
  await Promise.all(members.map(({ transport }) => transport.stop()));
  await Promise.all(members.map(({ host }) => host.stop()));
});

/** The DHT asks it nothing. */
const someHost = (): Promise<Host> =>
  loopbackHost({ profile: { ...tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }), discovery: 'dht-client' } });

/** In the run; dials nobody. */
async function passive(): Promise<RunMember> {
  const one = runMember(await someHost(), runId, { links: { peersMin: 0 } });
  members.push(one);
  await one.start();
  return one;
}

test('who has as many links as it wants, all of strangers, dials such as it has found', async (t) => {
  const host = await someHost();
  const links = createLinks({
    ...{ host, runId, clock: wallClock, random: Math.random },
    ...{ onEvent: () => {}, onPeerUp: () => {}, onPeerDown: () => {} },
    limits: { peersMin: 3, peersTarget: 3, chosenMin: 2, deafMs: 600_000 },
  });
  t.after(async () => {
    await links.stop();
    await host.stop();
  });
  links.start();
  for (let stranger = 0; stranger < 4; stranger++) await connected((await passive()).host, host);
  await eventually('all strangers are linked', () => links.peers().length === 4);
  const found = [await passive(), await passive(), await passive()];
  for (const one of found) {
    await host.libp2p.peerStore.merge(peerIdOf(one.host.key), {
      multiaddrs: one.host.libp2p.getMultiaddrs(),
    });
    links.found(one.host.key);
  }
  const linked = (): number => found.filter((one) => links.isLinked(one.host.key)).length;
  await eventually('as many as there are places for', () => linked() === 2);
  assert.ok(!links.peersMissing(), 'and then no more');
});
