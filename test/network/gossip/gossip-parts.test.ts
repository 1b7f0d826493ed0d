/** What frames of gossipsub are made of, of frames that its own encoder wrote. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RPC } from '@libp2p/gossipsub/message';
import { encodeVarint } from '../../../src/network/exchange/frames.ts';
import { type GossipPart, gossipParts } from '../../../src/network/gossip/gossip-parts.ts';

function partsOf(rpc: RPC): Map<GossipPart, number> {
  const bytes = RPC.encode(rpc);
  const frame = Uint8Array.from([...encodeVarint(bytes.length), ...bytes]);
  const parts = new Map<GossipPart, number>();
  gossipParts(frame, (part, bytes) => parts.set(part, (parts.get(part) ?? 0) + bytes));
  assert.equal(
    [...parts.values()].reduce((sum, bytes) => sum + bytes, 0),
    frame.length,
    'every byte is of one part',
  );
  return parts;
}

test('a message is its data and its topic, and what frames them', () => {
  const data = new Uint8Array(1_000);
  const parts = partsOf({ subscriptions: [], messages: [{ topic: 'some topic', data }] });
  // A tag and a length before each; before the message too, and before the whole.
  assert.deepEqual(
    parts,
    new Map([
      ['announcements', 1_003],
      ['topics', 12],
      ['other', 5],
    ] as const),
  );
});

test('what peers tell each other is counted by what it is', () => {
  const messageIDs = [new Uint8Array(20), new Uint8Array(20)];
  const topicID = 'some topic';
  const none = { ihave: [], iwant: [], graft: [], prune: [], idontwant: [] };
  const tell = (control: Partial<RPC.ControlMessage>): GossipPart[] => [
    ...partsOf({ subscriptions: [], messages: [], control: { ...none, ...control } }).keys(),
  ];
  assert.deepEqual(tell({ idontwant: [{ messageIDs }] }), ['idontwant', 'other']);
  assert.deepEqual(tell({ ihave: [{ topicID, messageIDs }] }), ['ihave', 'other']);
  assert.deepEqual(tell({ iwant: [{ messageIDs }] }), ['iwant', 'other']);
  assert.deepEqual(tell({ graft: [{ topicID }], prune: [{ topicID, peers: [], backoff: 60 }] }), [
    ...(['graft', 'prune', 'other'] as const),
  ]);
  const joined = partsOf({ subscriptions: [{ subscribe: true, topic: topicID }], messages: [] });
  assert.deepEqual([...joined.keys()], ['subscriptions', 'other']);
});
