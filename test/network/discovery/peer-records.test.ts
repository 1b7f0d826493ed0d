/** What is remembered of peers, and strangers that tell of thousands or come with ever fresh keys. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { lpStream } from '@libp2p/utils';
import { multiaddr } from '@multiformats/multiaddr';
import fc from 'fast-check';
import { Message } from '../../../src/core/protobuf.ts';
import { PeerRecords } from '../../../src/network/discovery/peer-records.ts';
import { KAD_PROTOCOL, runCid } from '../../../src/network/protocols.ts';
import { connected, eventually, loopbackHost, someRunId } from '../real-hosts.ts';

const limits = { peersMax: 40, bytesMax: 4_000 };
const record = (bytes = 10) => ({ value: new Uint8Array(bytes) });

function metOnes(records: PeerRecords<{ value: Uint8Array }>, name: string, count: number): void {
  for (let index = 0; index < count; index++) {
    records.connected(`${name} ${index}`);
    records.put(`${name} ${index}`, record());
    records.disconnected(`${name} ${index}`);
  }
}

const heldOf = (records: PeerRecords<{ value: Uint8Array }>, name: string, count: number): number =>
  Array.from({ length: count }, (_, index) => records.get(`${name} ${index}`)).filter(Boolean).length;

describe('records of peers', () => {
  test('that others tell of take no place of those that we have met', () => {
    const records = new PeerRecords(limits);
    metOnes(records, 'friend', 15);
    for (let index = 0; index < 10_000; index++) records.put(`told ${index}`, record());
    assert.equal(heldOf(records, 'friend', 15), 15);
    assert.equal([...records.values()].length, 40);
    assert.ok(records.get('told 9999'), 'the newest is remembered');
  });

  test('that come with ever fresh keys take no place of the few that we were told of', () => {
    const records = new PeerRecords(limits);
    for (let index = 0; index < 15; index++) records.put(`told ${index}`, record());
    metOnes(records, 'fresh', 10_000);
    assert.equal(heldOf(records, 'told', 15), 15);
    assert.equal([...records.values()].length, 40);
  });

  test('of those that are connected stay, however many come', () => {
    const records = new PeerRecords(limits);
    for (let index = 0; index < 60; index++) {
      records.connected(`up ${index}`);
      records.put(`up ${index}`, record(100));
    }
    metOnes(records, 'fresh', 500);
    assert.equal(heldOf(records, 'up', 60), 60);
    for (let index = 0; index < 60; index++) records.disconnected(`up ${index}`);
    assert.equal(heldOf(records, 'up', 60), 40);
  });

  test('take so many bytes', () => {
    const records = new PeerRecords(limits);
    for (let index = 0; index < 100; index++) records.put(`long ${index}`, record(1_000));
    assert.equal([...records.values()].length, 4);
    records.put('too long', record(5_000));
    assert.equal(records.get('too long'), null);
  });

  test('are never more than there is room for, whatever happens', () => {
    const step = fc.tuple(
      fc.constantFrom('put', 'delete', 'connected', 'disconnected'),
      fc.nat(90),
      fc.nat(900),
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 200, maxLength: 400 }), (steps) => {
        const records = new PeerRecords(limits);
        const up = new Set<string>();
        for (const [what, peer, bytes] of steps) {
          const name = `${peer}`;
          if (what === 'put') records.put(name, record(bytes));
          else records[what](name);
          if (what === 'connected') up.add(name);
          if (what === 'disconnected') up.delete(name);
          const others = Array.from({ length: 91 }, (_, index) => `${index}`).flatMap((each) =>
            up.has(each) ? [] : (records.get(each) ?? []),
          );
          assert.ok(others.length <= limits.peersMax);
          assert.ok(others.reduce((sum, { value }) => sum + value.length, 0) <= limits.bytesMax);
        }
      }),
    );
  });
});

describe('a host', () => {
  test('forgets nobody it has met for a stranger that tells of ever others', async (t) => {
    const peersMax = 60;
    const [node, liar, friend] = await Promise.all([
      loopbackHost({ peerRecords: { peersMax, bytesMax: 1 << 20 } }),
      loopbackHost(),
      loopbackHost(),
    ]);
    t.after(() => Promise.all([node.stop(), liar.stop(), friend.stop()]));
    let told = 0;
    await liar.libp2p.unhandle(KAD_PROTOCOL);
    await liar.libp2p.handle(KAD_PROTOCOL, async (stream) => {
      const bytes = lpStream(stream);
      await bytes.read();
      const answer = new Message().integer(1, 3);
      for (let peer = 0; peer < 32; peer++) {
        const id = Buffer.concat([Buffer.from('002408011220', 'hex'), randomBytes(32)]);
        answer.message(9, new Message().bytes(1, id).bytes(2, multiaddr('/ip4/127.0.0.1/tcp/9').bytes));
        told++;
      }
      await bytes.write(Buffer.concat(answer.parts));
      await stream.close();
    });
    await connected(friend, node);
    await eventually('they know each other', () => node.libp2p.getPeers().length === 1);
    await node.libp2p.peerStore.merge(friend.libp2p.peerId, {
      multiaddrs: friend.addresses().map((address) => multiaddr(address)),
    });
    await node.libp2p.hangUp(friend.libp2p.peerId);
    await connected(liar, node);
    for (let search = 0; search < 8; search++) {
      const signal = AbortSignal.timeout(2_000);
      try {
        for await (const _ of node.libp2p.contentRouting.findProviders(runCid(someRunId(`${search}`)), {
          signal,
        }));
      } catch {
        // It ends as it likes.
      }
    }
    assert.ok(told > 3 * peersMax, `it told of ${told}`);
    const known = await node.libp2p.peerStore.all();
    assert.ok(known.length <= peersMax + node.libp2p.getPeers().length, `${known.length} peers`);
    assert.ok(known.some(({ id }) => id.equals(friend.libp2p.peerId)));
  });

  test('remembers so many of those that came with fresh keys', async (t) => {
    const peersMax = 8;
    const node = await loopbackHost({ peerRecords: { peersMax, bytesMax: 1 << 20 } });
    t.after(() => node.stop());
    for (let key = 0; key < 20; key++) {
      const fresh = await loopbackHost({ carriesRuns: false });
      await connected(fresh, node);
      await eventually('it was introduced', () => node.libp2p.getPeers().length === 1);
      await fresh.stop();
      await eventually('it is gone', () => node.libp2p.getPeers().length === 0);
    }
    const known = await node.libp2p.peerStore.all();
    assert.ok(known.length <= peersMax, `${known.length} peers`);
  });
});
