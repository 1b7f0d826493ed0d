import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lpStream } from '@libp2p/utils';
import { multiaddr } from '@multiformats/multiaddr';
import type { OriginOf } from '../../../src/network/conduct/origins.ts';
import type { Host } from '../../../src/network/host/host.ts';
import type { HostProfile } from '../../../src/network/profiles/host-profile.ts';
import { type RelayLimits, relayServer } from '../../../src/network/profiles/relay-server.ts';
import { RELAY_PLACE, relayTransport } from '../../../src/network/profiles/relays.ts';
import { tcpProfile } from '../../../src/network/profiles/tcp.ts';
import { connected, eventually, loopbackHost, someRunId } from '../real-hosts.ts';
import { asking, gossiping, runMember } from '../run-member.ts';

const loopback = '/ip4/127.0.0.1/tcp/0';
const limits: RelayLimits = {
  ...{ reservationsMax: 1, reservationsPerAddressMax: 1 },
  ...{ bytesMax: 2 ** 20, durationMsMax: 60_000, bytesPerHourMax: 2 ** 34 },
};

async function relayHost(
  given: Partial<RelayLimits> = {},
  originOf?: OriginOf,
  nowMs?: () => number,
): Promise<Host> {
  const tcp = tcpProfile({ listen: [loopback] });
  return loopbackHost({
    profile: { ...tcp, services: await relayServer({ ...limits, ...given }, originOf, nowMs) },
    carriesRuns: false,
  });
}

/** Nobody can dial it but over a relay. */
async function hiddenProfile(): Promise<HostProfile> {
  const tcp = tcpProfile({ listen: [RELAY_PLACE] });
  return { ...tcp, transports: [...tcp.transports, await relayTransport()] };
}

const placesOf = (host: Host): string[] =>
  host.addresses().filter((address) => address.includes('/p2p-circuit'));

test('two hosts that nobody can dial share a run over a relay, and go on after its limit cut them off', async () => {
  const relay = await relayHost({ reservationsMax: 2, bytesMax: 128 << 10 });
  const hosts = [
    await loopbackHost({ profile: await hiddenProfile() }),
    await loopbackHost({ profile: await hiddenProfile() }),
  ] as const;
  const [a, b] = hosts;
  const runId = someRunId('relayed');
  const members = [runMember(a, runId), runMember(b, runId)] as const;
  try {
    for (const host of hosts) await connected(host, relay);
    await eventually('both have places', () => hosts.every((host) => placesOf(host).length > 0));
    await Promise.all(members.map((member) => member.start()));
    await a.libp2p.dial(placesOf(b).map((address) => multiaddr(address)));
    await gossiping(members);
    const [answer] = await members[0].transport.request(b.key, Buffer.from('this'), asking());
    assert.match(Buffer.from(answer!).toString(), /asked this/);
    const between = a.libp2p.getConnections(b.libp2p.peerId);
    assert.ok(between.length > 0 && between.every(({ direct, limits }) => !direct && limits !== undefined));
    // More than one connection may carry: it is cut, and made anew.
    const piece = Buffer.alloc(60 << 10, 'x');
    const cut = async (): Promise<unknown> => {
      for (let sent = 0; sent < 10; sent++) {
        await members[0].transport.request(b.key, piece, { ...asking(), responseBytesMax: 1 << 20 });
      }
      return null;
    };
    await assert.rejects(cut());
    await eventually(
      'they are up again',
      () => members.every(({ up, down }) => up.length > down.length),
      30_000,
    );
    await gossiping(members);
    await members[0].transport.announce(Buffer.from('after the cut'));
    await eventually('it is heard', () => members[1].heard.includes('after the cut'));
  } finally {
    await Promise.all(members.map(({ transport }) => transport.stop()));
    await Promise.all([...hosts, relay].map((host) => host.stop()));
  }
});

test('a relay that is full gives no place, and one that comes back gives it again', async () => {
  const relay = await relayHost();
  const hosts = [
    await loopbackHost({ profile: await hiddenProfile() }),
    await loopbackHost({ profile: await hiddenProfile() }),
  ] as const;
  try {
    for (const host of hosts) await connected(host, relay);
    await eventually('one has the place', () => hosts.some((host) => placesOf(host).length > 0));
    assert.ok(hosts.some((host) => placesOf(host).length === 0));
    const [holder] = hosts.filter((host) => placesOf(host).length > 0);
    for (const connection of holder!.libp2p.getConnections()) connection.abort(new Error('cut'));
    await eventually('its place is gone or new', () => holder!.libp2p.getConnections().length > 0);
    await eventually('it has a place again', () => placesOf(holder!).length > 0);
  } finally {
    await Promise.all([...hosts, relay].map((host) => host.stop()));
  }
});

test('who is away for long keeps no place from who is there', async () => {
  let nowMs = 0;
  const relay = await relayHost({}, undefined, () => nowMs);
  const [one, other] = [
    await loopbackHost({ profile: await hiddenProfile() }),
    await loopbackHost({ profile: await hiddenProfile() }),
  ] as const;
  try {
    await connected(one, relay);
    await eventually('it has the place', () => placesOf(one).length > 0);
    await one.stop();
    await eventually('it is gone', () => relay.libp2p.getConnections().length === 0);
    nowMs = 61_000;
    await connected(other, relay);
    await eventually('the other has it', () => placesOf(other).length > 0);
  } finally {
    await Promise.all([one, other, relay].map((host) => host.stop()));
  }
});

test('one address takes no more than its places, whatever is free, and keeps those it has', async () => {
  const relay = await relayHost({ reservationsMax: 8, reservationsPerAddressMax: 1 }, () => '9.9.9.9');
  const hosts = [
    await loopbackHost({ profile: await hiddenProfile() }),
    await loopbackHost({ profile: await hiddenProfile() }),
  ] as const;
  const [one, other] = hosts;
  try {
    await connected(one, relay);
    await eventually('it has a place', () => placesOf(one).length > 0);
    await connected(other, relay);
    await eventually('the other was identified', () => relay.libp2p.getPeers().length === 2);
    const stream = await other.libp2p.dialProtocol(relay.libp2p.peerId, '/libp2p/circuit/relay/0.2.0/hop');
    // A message of the protocol by hand: its length, then type RESERVE.
    const answer = new Promise<Uint8Array>((resolve) =>
      stream.addEventListener('message', ({ data }) => resolve(data.subarray()), { once: true }),
    );
    stream.send(Uint8Array.of(2, 8, 0));
    // Its length, type STATUS, and at its end the status PERMISSION_DENIED, 202 as a varint.
    assert.deepEqual([...(await answer)], [5, 8, 2, 40, 202, 1]);
    assert.equal(placesOf(other).length, 0);
    for (const connection of one.libp2p.getConnections()) connection.abort(new Error('cut'));
    await eventually('it is back', () => one.libp2p.getConnections().length > 0);
    await eventually('its place is there again', () => placesOf(one).length > 0);
  } finally {
    await Promise.all([...hosts, relay].map((host) => host.stop()));
  }
});

test('who asks a relay for one and the same peer again and again is refused, so that the peer does not drop the relay', async () => {
  const relay = await relayHost({}, undefined, () => 0);
  const hidden = await loopbackHost({ profile: await hiddenProfile() });
  const stranger = await loopbackHost();
  try {
    await connected(hidden, relay);
    await eventually('it has the place', () => placesOf(hidden).length > 0);
    await connected(stranger, relay);
    const { bytes: id } = hidden.libp2p.peerId.toMultihash();
    // Type CONNECT, and the peer by its id.
    const call = Uint8Array.of(8, 1, 18, id.length + 2, 10, id.length, ...id);
    const statuses: number[] = [];
    for (let asked = 0; asked < 40; asked++) {
      const stream = await stranger.libp2p.dialProtocol(
        relay.libp2p.peerId,
        '/libp2p/circuit/relay/0.2.0/hop',
      );
      const messages = lpStream(stream);
      await messages.write(call);
      const { 0: type, 1: status, ...rest } = (await messages.read()).subarray();
      assert.deepEqual([type, status], [8, 2], JSON.stringify(rest));
      // PERMISSION_DENIED is 202, as a varint at its end.
      statuses.push(rest[2] === 40 && rest[3] === 202 ? 202 : 0);
      stream.abort(new Error('enough'));
    }
    assert.deepEqual(statuses, [...new Array(33).fill(0), ...new Array(7).fill(202)]);
  } finally {
    await Promise.all([stranger, hidden, relay].map((host) => host.stop()));
  }
});

test('who asks a relay for a place that it has already, again and again, is refused, and keeps it', async () => {
  const relay = await relayHost({}, undefined, () => 0);
  const one = await loopbackHost();
  try {
    await connected(one, relay);
    const statuses: number[] = [];
    for (let asked = 0; asked < 20; asked++) {
      const stream = await one.libp2p.dialProtocol(relay.libp2p.peerId, '/libp2p/circuit/relay/0.2.0/hop');
      const messages = lpStream(stream);
      await messages.write(Uint8Array.of(8, 0));
      const answer = (await messages.read()).subarray();
      // OK is 100, PERMISSION_DENIED 202, as a varint at its end.
      statuses.push(answer.at(-1) === 100 ? 100 : answer.at(-2)! === 202 ? 202 : 0);
      stream.abort(new Error('enough'));
    }
    assert.deepEqual(statuses, [...new Array(17).fill(100), ...new Array(3).fill(202)]);
  } finally {
    await Promise.all([one, relay].map((host) => host.stop()));
  }
});

test('a request to a relay has so many bytes, whatever it claims', async () => {
  const [relay, one] = [await relayHost(), await loopbackHost()] as const;
  try {
    await connected(one, relay);
    const stream = await one.libp2p.dialProtocol(relay.libp2p.peerId, '/libp2p/circuit/relay/0.2.0/hop');
    // A length of 4 MiB less one byte, as a varint.
    stream.send(Uint8Array.of(255, 255, 255, 1));
    stream.send(new Uint8Array(64 << 10));
    await eventually('it is cut off', () => stream.status === 'reset');
  } finally {
    await Promise.all([one, relay].map((host) => host.stop()));
  }
});

test('a relay that has passed on all of an hour cuts what it carries and makes no more', async () => {
  const relay = await relayHost({ reservationsMax: 2, bytesPerHourMax: 300 << 10 });
  const hosts = [
    await loopbackHost({ profile: await hiddenProfile() }),
    await loopbackHost({ profile: await hiddenProfile() }),
  ] as const;
  const [a, b] = hosts;
  const runId = someRunId('spent');
  const members = [runMember(a, runId), runMember(b, runId)] as const;
  try {
    for (const host of hosts) await connected(host, relay);
    await eventually('both have places', () => hosts.every((host) => placesOf(host).length > 0));
    await Promise.all(members.map((member) => member.start()));
    const way = placesOf(b).map((address) => multiaddr(address));
    await a.libp2p.dial(way);
    await gossiping(members);
    const piece = Buffer.alloc(60 << 10, 'x');
    let passed = 0;
    const pass = async (): Promise<void> => {
      for (let sent = 0; sent < 10; sent++) {
        await members[0].transport.request(b.key, piece, { ...asking(), responseBytesMax: 1 << 20 });
        passed += 2 * piece.length;
      }
    };
    await assert.rejects(pass());
    assert.ok(passed > 0 && passed <= 300 << 10, `${passed} bytes were passed on`);
    await eventually(
      'nothing is left between them',
      () => a.libp2p.getConnections(b.libp2p.peerId).length === 0,
    );
    await assert.rejects(a.libp2p.dial(way));
  } finally {
    await Promise.all(members.map(({ transport }) => transport.stop()));
    await Promise.all([...hosts, relay].map((host) => host.stop()));
  }
});
