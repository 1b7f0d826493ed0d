/** A run on a real host that more peers dial than it wants: link-table.ts and links.ts together. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { KEEP_ALIVE } from '@libp2p/interface';
import type { Host } from '../../src/network/host/host.ts';
import { peerIdOf } from '../../src/network/identity.ts';
import { tcpProfile } from '../../src/network/profiles/tcp.ts';
import { connected, eventually, loopbackHost, someRunId } from './real-hosts.ts';
import { type RunMember, runMember } from './run-member.ts';

const runId = someRunId('crowded');
const limits = {
  peersMin: 3,
  peersTarget: 3,
  peersMax: 4,
  youngMax: 1,
  briefMax: 0,
  settleMs: 1_000,
  deafMs: 600_000,
};

describe('a host that strangers crowd', () => {
  let crowded: RunMember;
  let honest: Host[];
  let strangers: Host[];
  const members: RunMember[] = [];

  /** In the run, and dialling nobody by itself. */
  async function member(): Promise<Host> {
    const profile = { ...tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }), discovery: 'dht-client' } as const;
    const host = await loopbackHost({ profile });
    const one = runMember(host, runId, { links: { peersMin: 0, deafMs: 600_000 } });
    members.push(one);
    await one.start();
    return host;
  }
  const hosts = (count: number) => Promise.all(Array.from({ length: count }, member));

  before(async () => {
    crowded = runMember(await loopbackHost(), runId, { links: limits });
    members.push(crowded);
    await crowded.start();
    honest = await hosts(3);
    await Promise.all(honest.map((host) => connected(crowded.host, host)));
  });
  after(async () => {
    await Promise.all(members.map(({ transport }) => transport.stop()));
    await Promise.all(members.map(({ host }) => host.stop()));
  });

  async function tagsOf(host: Host): Promise<string[]> {
    const { tags } = await crowded.host.libp2p.peerStore.get(peerIdOf(host.key));
    return [...tags.keys()].filter((tag) => tag === `${KEEP_ALIVE}-starlings-${runId}`);
  }

  test('links that have settled are tagged, so that libp2p restores them', async () => {
    await eventually('they are up', () => crowded.transport.stats().peers.length === 3);
    let tagged = 0;
    await eventually('and tagged', () => {
      void Promise.all(honest.map(tagsOf)).then((tags) => {
        tagged = tags.flat().length;
      });
      return tagged === 3;
    });
  });

  async function settled() {
    await eventually('no more than fit', () => crowded.transport.stats().peers.length === 4);
    return crowded.transport.stats();
  }

  test('fresh keys get the places of the young, and no settled link goes for them', async () => {
    strangers = await hosts(8);
    await Promise.all(strangers.map((host) => connected(host, crowded.host)));
    const closed = () =>
      crowded.log.events.filter((event) => event.kind === 'link-closed' && event.reason === 'too-many')
        .length;
    await eventually('all but one were let go', () => crowded.up.length >= 11 && closed() >= 7);
    // One that was let go may be back for a moment.
    const { peers } = await settled();
    assert.ok(honest.every(({ key }) => peers.includes(key)));
    assert.ok(crowded.down.every((peer) => strangers.some(({ key }) => key === peer)));
    await eventually('their connections are closed', () => crowded.host.libp2p.getPeers().length <= 4);
  });
});
