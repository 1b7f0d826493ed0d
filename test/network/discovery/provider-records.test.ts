import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { publicKeyToProtobuf } from '@libp2p/crypto/keys';
import { peersPerAddress } from '../../../src/network/conduct/origins.ts';
import { ProviderRecords } from '../../../src/network/discovery/provider-records.ts';
import { runCid } from '../../../src/network/protocols.ts';
import { connected, eventually, loopbackHost, someRunId } from '../real-hosts.ts';

const limits = { recordsPerPeerMax: 20, recordsMax: 400, recordsPerOriginMax: 4 };
const { recordsPerPeerMax, recordsMax } = limits;

describe('records of providers', () => {
  test('are found by content, replaced and deleted', () => {
    const records = new ProviderRecords<string>(limits);
    records.put('run', 'a', 'a/1', null);
    records.put('run', 'b', 'b/1', null);
    records.put('other', 'a', 'other', null);
    records.put('run', 'a', 'a/2', null);
    assert.deepEqual([...records.values('run')].sort(), ['a/2', 'b/1']);
    assert.deepEqual([...records.values('none')], []);
    assert.equal([...records.values(null)].length, 3);
    assert.equal(records.get('run', 'a'), 'a/2');
    records.delete('run', 'a');
    assert.equal(records.get('run', 'a'), null);
    assert.deepEqual([...records.values('run')], ['b/1']);
    assert.equal(records.size, 2);
  });

  test('a peer has its newest ones and no more', () => {
    const records = new ProviderRecords<number>(limits);
    for (let content = 0; content < 10_000; content++)
      records.put(`content ${content}`, 'flood', content, null);
    assert.equal(records.size, recordsPerPeerMax);
    assert.equal(records.get('content 9999', 'flood'), 9999);
    assert.equal(records.get('content 0', 'flood'), null);
  });

  test('peers with many records cannot push out one that has few', () => {
    const records = new ProviderRecords<string>(limits);
    for (let content = 0; content < 3; content++) records.put(`run ${content}`, 'honest', 'here', null);
    for (let peer = 0; peer < 2 * (recordsMax / recordsPerPeerMax); peer++) {
      for (let content = 0; content < recordsPerPeerMax; content++) {
        records.put(`content ${content}`, `flood ${peer}`, 'x', null);
      }
    }
    assert.equal(records.size, recordsMax);
    for (let content = 0; content < 3; content++)
      assert.equal(records.get(`run ${content}`, 'honest'), 'here');
  });

  test('of one content the peers of one address have few, the newest, and those of others stay', () => {
    const records = new ProviderRecords<string>(limits);
    records.put('run', 'honest', 'here', '5.6.7.8');
    records.put('run', 'neighbour', 'near', null);
    for (let peer = 0; peer < 1000; peer++) records.put('run', `flood ${peer}`, `${peer}`, '9.9.9.9');
    assert.deepEqual([...records.values('run')], ['here', 'near', '996', '997', '998', '999']);
    // One that comes again from elsewhere is counted there.
    records.put('run', 'flood 999', 'moved', '8.8.8.8');
    records.put('run', 'flood 0', '0', '9.9.9.9');
    assert.deepEqual([...records.values('run')], ['here', 'near', '996', '997', '998', 'moved', '0']);
    records.put('other', 'flood 0', '0', '9.9.9.9');
    assert.equal(records.size, 8, 'of another content it has as many again');
  });
});

test('strangers with many keys at one address do not fill the records of a run', async () => {
  // Who is where is said by the test: all are on the loopback interface.
  let place = '5.6.7.8';
  const host = await loopbackHost({
    ...{ carriesRuns: false, originOf: () => place, connectionsPerAddressMax: 100 },
  });
  const others = await Promise.all(Array.from({ length: 7 }, () => loopbackHost({ carriesRuns: false })));
  const content = runCid(someRunId('crowded'));
  const provide = async (from: (typeof others)[number]): Promise<void> => {
    await connected(from, host);
    // Until the host is known there as a server of the DHT there is nobody to tell.
    for (let isTaken = false; !isTaken; ) {
      for await (const event of from.libp2p.services.dht.provide(content)) {
        if (event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER') isTaken = true;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const holders = async (): Promise<Set<string>> => {
    const found = new Set<string>();
    for await (const event of host.libp2p.services.dht.findProviders(content)) {
      if (event.name !== 'PROVIDER' || !event.from.equals(host.libp2p.peerId)) continue;
      for (const { id } of event.providers) found.add(id.toString());
      break;
    }
    return found;
  };
  try {
    const [honest, ...strangers] = others;
    await provide(honest!);
    assert.ok((await holders()).has(honest!.libp2p.peerId.toString()));
    place = '9.9.9.9';
    for (const stranger of strangers) await provide(stranger);
    const found = await holders();
    assert.ok(found.has(honest!.libp2p.peerId.toString()));
    assert.equal(found.size, 1 + peersPerAddress, `${strangers.length} tried`);
  } finally {
    await Promise.all([host, ...others].map((one) => one.stop()));
  }
});

test('a host holds so many records of a stranger, stores no values, and still finds its peers', async () => {
  const [host, stranger, seeker] = await Promise.all(
    Array.from({ length: 3 }, () => loopbackHost({ carriesRuns: false })),
  );
  assert.ok(host && stranger && seeker);
  try {
    await connected(stranger, host);
    await connected(seeker, host);
    const { dht } = stranger.libp2p.services;
    await eventually('the stranger knows a server', () => stranger.libp2p.getPeers().length > 0);
    const contents = Array.from({ length: 300 }, (_, index) => runCid(someRunId(`flood ${index}`)));
    for (const content of contents) {
      for await (const event of dht.provide(content)) void event;
    }
    const found = async (content: (typeof contents)[number]): Promise<boolean> => {
      for await (const event of host.libp2p.services.dht.findProviders(content)) {
        if (event.name !== 'PROVIDER' || !event.from.equals(host.libp2p.peerId)) continue;
        return event.providers.some(({ id }) => id.equals(stranger.libp2p.peerId));
      }
      return false;
    };
    assert.equal(await found(contents[0]!), false, 'the oldest is forgotten');
    // So many questions of one peer wait for their turn, and to provide has no answer.
    const endMs = Date.now() + 15_000;
    while (!(await found(contents.at(-1)!))) assert.ok(Date.now() < endMs, 'the last is not there');
    const providers: string[] = [];
    for await (const { id } of seeker.libp2p.contentRouting.findProviders(contents.at(-1)!)) {
      providers.push(id.toString());
    }
    assert.ok(providers.includes(stranger.libp2p.peerId.toString()));
    // What libp2p's own validator would store: the stranger's public key under its hash.
    const key = Buffer.concat([Buffer.from('/pk/'), stranger.libp2p.peerId.toMultihash().bytes]);
    let stored = 0;
    for await (const event of dht.put(key, publicKeyToProtobuf(stranger.libp2p.peerId.publicKey!))) {
      if (event.name === 'PEER_RESPONSE' && event.messageName === 'PUT_VALUE') stored++;
    }
    assert.equal(stored, 0);
  } finally {
    await Promise.all([host, stranger, seeker].map((one) => one.stop()));
  }
});
