/** Those who come late, and one key that comes twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Forgery } from '../log/forgery.ts';
import { eventually } from '../network/real-hosts.ts';
import { Arena, range } from './arena.ts';

test('two fresh keys vouch for a state of round 2999 before a late joiner of four honest donors', async (t) => {
  const arena = await Arena.begin(t, 4, { rounds: 48 }, { later: [4] });
  const forgery = new Forgery(arena.asSmallRun, 2999);
  const liars = await Promise.all(
    range(0, 2).map(() => arena.intrude({ answer: (bytes, _from, signer) => forgery.answer(signer, bytes) })),
  );
  const late = arena.cluster.later[0]!;
  await arena.live(async (slot) => {
    if (slot < 16 || late.addresses.length > 0) return;
    arena.cluster.clock.hold();
    await late.start();
    await eventually('the late joiner has met the donors', () => late.peers >= 4);
    for (const liar of liars) await liar.dial(late.addresses);
    arena.cluster.clock.release();
  });
  await arena.cluster.finished([late]);
  arena.assertUnharmed();
  assert.equal(late.session.status().modelHash, arena.honest[0]!.session.status().modelHash);
  assert.ok(late.events.some(({ kind }) => kind === 'joined'));
  assert.ok(late.rounds('published').length >= 8, 'it trained nothing');
});

test('two nodes of one key harm nobody but themselves', async (t) => {
  const arena = await Arena.begin(t, 4, { rounds: 40 }, { later: [3] });
  const twin = arena.cluster.later[0]!;
  await arena.live(async (slot) => {
    if (slot < 8 || twin.addresses.length > 0) return;
    arena.cluster.clock.hold();
    await twin.start();
    await eventually('the twin has met the others', () => twin.peers >= 3);
    arena.cluster.clock.release();
  });
  await arena.cluster.finished([twin]);
  arena.assertUnharmed(arena.honest.slice(0, 3));
  // Whether the others hear of both depends on which of the two they are connected to: libp2p takes them for one peer.
  assert.ok(twin.rounds('published').length >= 8, 'there was one of the key alone');
  assert.equal(twin.session.status().modelHash, arena.honest[0]!.session.status().modelHash);
});
