import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { type NodeProfileOptions, nodeProfile } from '../../../src/network/profiles/node-profile.ts';
import { RELAY_PLACE } from '../../../src/network/profiles/relays.ts';
import { connected, eventually, loopbackHost, someRunId } from '../real-hosts.ts';
import { gossiping, runMember } from '../run-member.ts';

const loopback: NodeProfileOptions = {
  listen: ['/ip4/127.0.0.1/tcp/0'],
  useRelays: true,
  serveRelay: {
    ...{ reservationsMax: 4, reservationsPerAddressMax: 4 },
    ...{ bytesMax: 1 << 20, durationMsMax: 60_000, bytesPerHourMax: 2 ** 34 },
  },
  mapPorts: true,
  multicastDns: true,
  networkKey: null,
};

/** Packages that the profile loads, of those that a node may do without. */
function loadedFor(options: Partial<NodeProfileOptions>): string[] {
  const program = `
    import { registerHooks } from 'node:module';
    const loaded = new Set();
    registerHooks({ resolve(specifier, context, next) {
      const found = next(specifier, context);
      const name = /node_modules\\/(@[^/]+\\/[^/]+|[^/]+)\\//.exec(found.url)?.[1];
      if (name) loaded.add(name);
      return found;
    } });
    const { nodeProfile } = await import('./src/network/profiles/node-profile.ts');
    await nodeProfile(${JSON.stringify({ ...loopback, ...options })});
    console.log(JSON.stringify([...loaded]));`;
  const answer = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  const seldom =
    /^@libp2p\/(autonat-v2|circuit-relay-v2|dcutr|mdns|pnet|upnp-nat|websockets)$|^(multicast-dns|ws|xml2js)$/;
  return (JSON.parse(answer) as string[]).filter((name) => seldom.test(name)).sort();
}

test('what a node does not use it does not load', () => {
  assert.deepEqual(loadedFor({}), [], 'one that listens on this machine alone');
  const listen = ['/ip4/0.0.0.0/tcp/0'];
  const relaying = ['@libp2p/autonat-v2', '@libp2p/circuit-relay-v2', '@libp2p/dcutr'];
  const usual = { listen, serveRelay: null, mapPorts: false, multicastDns: false };
  assert.deepEqual(loadedFor(usual), relaying);
  assert.deepEqual(loadedFor({ ...usual, useRelays: false }), ['@libp2p/autonat-v2']);
  assert.deepEqual(loadedFor({ ...usual, multicastDns: true }), [
    ...relaying,
    '@libp2p/mdns',
    'multicast-dns',
  ]);
  assert.deepEqual(loadedFor({ listen: ['/ip4/127.0.0.1/tcp/0/ws'] }), ['@libp2p/websockets', 'ws']);
});

test('who can be dialled takes no place at a relay', async () => {
  const listen = ['/ip4/0.0.0.0/tcp/4001'];
  const announce = ['/dns4/node.example.org/tcp/4001'];
  assert.deepEqual((await nodeProfile({ ...loopback, listen, announce })).listen, listen);
  assert.deepEqual((await nodeProfile({ ...loopback, listen, useRelays: false })).listen, listen);
  assert.ok(!(await nodeProfile(loopback)).listen.includes(RELAY_PLACE));
});

test('a run goes over WebSockets, dialled by one that loads them when it has to, and its bytes are counted', async () => {
  const listening = await nodeProfile({ ...loopback, listen: ['/ip4/127.0.0.1/tcp/0/ws'] });
  const dialling = await nodeProfile(loopback);
  const [a, b] = [await loopbackHost({ profile: listening }), await loopbackHost({ profile: dialling })];
  const members = [a, b].map((host) => runMember(host, someRunId('web')));
  try {
    await connected(b, a);
    await Promise.all(members.map((member) => member.start()));
    await gossiping(members);
    const before = [a.traffic(), b.traffic()];
    await members[0]!.transport.announce(Buffer.alloc(40_000, 'x'));
    await eventually('it is heard', () => members[1]!.heard.length > 0);
    assert.ok(a.traffic().bytesOut - before[0]!.bytesOut >= 40_000);
    assert.ok(b.traffic().bytesIn - before[1]!.bytesIn >= 40_000);
  } finally {
    await Promise.all(members.map(({ transport }) => transport.stop()));
    await Promise.all([a.stop(), b.stop()]);
  }
});

test('hosts with the same key of a network connect, others do not', async () => {
  const host = async (byte: number | null) =>
    loopbackHost({
      profile: await nodeProfile({
        ...loopback,
        networkKey: byte === null ? null : new Uint8Array(32).fill(byte),
      }),
    });
  const [a, b, other, open] = [await host(1), await host(1), await host(2), await host(null)];
  try {
    await connected(a, b);
    await assert.rejects(connected(other, a));
    await assert.rejects(connected(open, a));
    await assert.rejects(connected(a, open));
    const traffic = a.traffic();
    assert.ok(traffic.bytesIn > 0 && traffic.bytesOut > 0);
  } finally {
    await Promise.all([a, b, other, open].map((one) => one.stop()));
  }
});
