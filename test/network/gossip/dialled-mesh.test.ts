/** Who dials us may come to fill the mesh: two places of it are for peers that we have dialled. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Host } from '../../../src/network/host/host.ts';
import { peerIdOf } from '../../../src/network/identity.ts';
import { connected, eventually, loopbackHost } from '../real-hosts.ts';

const topic = 'crowded';
const hosts: Host[] = [];
after(() => Promise.all(hosts.map((host) => host.stop())));

async function listening(count: number): Promise<Host[]> {
  const made = await Promise.all(Array.from({ length: count }, () => loopbackHost()));
  hosts.push(...made);
  for (const { gossip } of made) gossip.join(topic, async () => 'accept' as const);
  return made;
}

/** Of gossipsub, which does not say it. */
interface Inside {
  getMeshPeers(topic: string): string[];
}

function inMesh(host: Host, of: readonly Host[]): number {
  const names = of.map(({ key }) => peerIdOf(key).toString());
  const inside = host.libp2p.services.gossip as unknown as Inside;
  return inside.getMeshPeers(topic).filter((peer) => names.includes(peer)).length;
}

test('a mesh that has enough who dialled us seeks two that we have dialled', async () => {
  const [node] = (await listening(1)) as [Host];
  const strangers = await listening(8);
  for (const stranger of strangers) await connected(stranger, node);
  await eventually(
    'it has enough',
    () => inMesh(node, strangers) >= 4 && node.gossip.subscribers(topic).size === 8,
  );
  const chosen = await listening(4);
  for (const [index, one] of chosen.entries())
    for (const other of chosen.slice(index + 1)) await connected(one, other);
  // They seek nobody else.
  await eventually('they have each other', () => chosen.every((one) => inMesh(one, chosen) >= 2));
  for (const one of chosen) await connected(node, one);
  await eventually('two of them are in it', () => inMesh(node, chosen) >= 2);
  assert.ok(inMesh(node, strangers) > 0, 'beside who was there');
});
