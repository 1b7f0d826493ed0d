import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { type Announcements, createAnnouncements } from '../../../src/network/gossip/announcements.ts';
import type { Host } from '../../../src/network/host/host.ts';
import { announcementTopic } from '../../../src/network/protocols.ts';
import { connected, eventually, loopbackHost, someRunId } from '../real-hosts.ts';

const hostCount = 5;
const announcementCount = 20;
const bytesEach = 20_000;
const runId = someRunId('announcements');

function announcementsOf(host: Host): Announcements {
  return createAnnouncements({ host, runId, judge: async () => 'accept', onEvent: () => {} });
}

test('peers that hear an announcement at the same time do not send it to each other', async () => {
  const hosts = await Promise.all(Array.from({ length: hostCount }, () => loopbackHost()));
  try {
    for (const [index, host] of hosts.entries()) {
      for (const other of hosts.slice(0, index)) await connected(host, other);
    }
    const all = hosts.map(announcementsOf);
    for (const one of all) one.start();
    const topic = announcementTopic(runId);
    // gossipsub has this method and does not declare it.
    const meshOf = ({ libp2p }: Host): string[] =>
      (libp2p.services.gossip as unknown as { getMeshPeers(topic: string): string[] }).getMeshPeers(topic);
    await eventually('all know all and have a mesh', () =>
      hosts.every(
        (host) => host.gossip.subscribers(topic).size === hostCount - 1 && meshOf(host).length >= 2,
      ),
    );

    const [author, ...others] = all as [Announcements, ...Announcements[]];
    const sentBefore = hosts.map((host) => host.traffic().bytesOut);
    for (let count = 1; count <= announcementCount; count++) {
      await author.announce(randomBytes(bytesEach));
      await eventually(`all heard announcement ${count}`, () =>
        others.every((one) => one.counts().announcementsIn === count),
      );
    }
    const forwarded = hosts.slice(1).map((host, index) => host.traffic().bytesOut - sentBefore[index + 1]!);
    const mean = forwarded.reduce((sum, bytes) => sum + bytes, 0) / forwarded.length;
    const heard = announcementCount * bytesEach;
    assert.ok(mean < 0.15 * heard, `${mean} bytes sent on by a peer that heard ${heard}`);
  } finally {
    await Promise.all(hosts.map((host) => host.stop()));
  }
});
