/** Hosts that were told to refuse each other, over real connections. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Host } from '../../../src/network/host/host.ts';
import { connected, eventually, loopbackHost } from '../real-hosts.ts';

describe('a host that was told to refuse another', () => {
  let hosts: Host[] = [];
  before(async () => {
    hosts = await Promise.all([loopbackHost(), loopbackHost(), loopbackHost()]);
  });
  after(() => Promise.all(hosts.map((host) => host.stop())));
  const between = (a: Host, b: Host): number => a.libp2p.getConnections(b.libp2p.peerId).length;

  test('hangs up, dials it no more, and is not dialled by it; others are as before', async () => {
    const [one, other, third] = hosts as [Host, Host, Host];
    await connected(one, other);
    await connected(one, third);
    await eventually('all are connected', () => between(other, one) === 1 && between(third, one) === 1);
    one.refused.replace([other.key]);
    await eventually('both ends are gone', () => between(one, other) + between(other, one) === 0);
    await assert.rejects(connected(one, other), /gater|denied|block/i);
    // The other was told nothing: what it opens is closed from here before anything is said over it.
    await connected(other, one).catch(() => {});
    await eventually('nothing is left of it', () => between(other, one) === 0 && between(one, other) === 0);
    assert.equal(between(one, third), 1);
    await connected(other, third);
    assert.deepEqual(one.refused.keys(), [other.key]);
  });

  test('names replace those before, and none at all lets everybody in', async () => {
    const [one, other, third] = hosts as [Host, Host, Host];
    one.refused.replace([third.key]);
    await eventually('the third is gone', () => between(one, third) === 0);
    await connected(other, one);
    await assert.rejects(connected(one, third));
    one.refused.replace([]);
    await connected(third, one);
    await eventually('both are there', () => between(one, other) === 1 && between(one, third) === 1);
  });

  test('whoever was on the way in when it came to be refused does not get in', async () => {
    const [one, other] = hosts as [Host, Host, Host];
    one.refused.replace([other.key]);
    await eventually('it is gone', () => between(one, other) === 0);
    one.refused.replace([]);
    const arriving = connected(other, one).catch(() => {});
    one.refused.replace([other.key]);
    await arriving;
    await eventually('nothing is left', () => between(one, other) + between(other, one) === 0);
  });
});
