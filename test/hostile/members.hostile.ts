/** Members who act together: two of seven. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeScores } from '../../src/entries/score/score-body.ts';
import { type Anchor, encodeEnvelope, sealEnvelope } from '../../src/log/envelope.ts';
import { decodeRequest, encodeDigestAnswer } from '../../src/log/wire.ts';
import { methodSchema } from '../../src/methods/registry.ts';
import { keysOf } from '../cluster/cluster.ts';
import { deltaOf } from '../log/forgery.ts';
import { contextOf, crypto, signerOf } from '../log/small-run.ts';
import { Arena, strategy } from './arena.ts';
import type { HostileAnswer, HostilePeer } from './hostile-peer.ts';

const honest = 5;
const liarSeeds = [71, 72].map((index) => {
  const seed = new Uint8Array(32);
  new DataView(seed.buffer).setUint32(0, index + 1);
  return seed;
});
const lyingKeys = [71, 72].map((index) => signerOf(index).key);

test('withheld votes, other sets for each half, old anchors, entries that nobody has', async (t) => {
  const members = [...keysOf(honest), ...lyingKeys];
  const arena = await Arena.begin(t, honest, { membership: { kind: 'allow-list', members }, rounds: 28 });
  const run = arena.asSmallRun;
  const halfOf = (key: string): number => arena.honest.findIndex((node) => node.key === key) % 2;
  /** To the one half nothing; to the other sets of entries that there are not, or that a round was folded empty. */
  const answer: HostileAnswer = (bytes, from) => {
    const request = decodeRequest(bytes);
    if (request?.kind !== 'digest' || halfOf(from) === 0) return null;
    const isFinal = request.finalised % 2 === 0;
    const rounds = request.digests.map((_, index) => ({
      state: isFinal ? ('differs-final' as const) : ('differs-open' as const),
      rows: isFinal
        ? []
        : [crypto.sha256(bytes, Uint8Array.of(index))].map((id) => Buffer.concat([id, id, id.subarray(30)])),
    }));
    return [encodeDigestAnswer({ nextHeld: 0, reachesBack: true, atYours: null, rounds })];
  };
  const liars = await Promise.all(liarSeeds.map((seed) => arena.intrude({ seed, answer })));
  const old: Anchor = { round: -1, root: crypto.sha256(Uint8Array.of(1)), snapshot: new Uint8Array(32) };
  await arena.live((slot) => {
    for (const [index, liar] of liars.entries()) {
      for (const { key } of arena.honest) {
        const seed = index === 0 ? `${halfOf(key)}` : 'same';
        liar.sendFrame(key, [encodeEnvelope(deltaOf(run, liar.signer, slot, old, seed))]);
        // An old word of its own again.
        const early = liar.heard.at(slot % 5);
        if (early) liar.sendFrame(key, [early]);
      }
    }
  });
  arena.assertUnharmed();
  assert.ok(liars.every(({ asked }) => asked > 20));
  const { refused } = arena.honest[0]!.session.status();
  assert.ok(refused.equivocation > 0);
});

test('votes of the wrong length, on rounds that nobody votes on, and as somebody who was not drawn', async (t) => {
  const members = [...keysOf(honest), ...lyingKeys];
  const judged = methodSchema.parse({ ...strategy, judging: { id: 'votes', every: 4 } });
  const arena = await Arena.begin(t, honest, {
    ...{ membership: { kind: 'allow-list', members }, rounds: 28, strategy: judged },
  });
  const run = arena.asSmallRun;
  const { kinds, envelopes } = contextOf(run);
  const number = kinds.findIndex(({ id }) => id === 'vote');
  const [worker, idler] = await Promise.all(liarSeeds.map((seed) => arena.intrude({ seed })));
  const old: Anchor = { round: -1, root: crypto.sha256(Uint8Array.of(1)), snapshot: new Uint8Array(32) };
  const vote = (liar: HostilePeer, round: number, about: number, index: number, length: number) => {
    const place = { round, kind: number, index, anchor: old, claims: [about] };
    const body = encodeScores(Array.from({ length }, () => 1e9));
    return encodeEnvelope(sealEnvelope(place, body, envelopes, liar.signer));
  };
  const { windowRounds } = strategy;
  await arena.live((slot) => {
    const about = slot - windowRounds - 1;
    for (const { key } of arena.honest) {
      // Who publishes is drawn, as all are where there are fewer than are wanted.
      worker!.sendFrame(key, [encodeEnvelope(deltaOf(run, worker!.signer, slot, old))]);
      if (about < 0) continue;
      worker!.sendFrame(key, [vote(worker!, slot, about, 0, 3)]);
      worker!.sendFrame(key, [vote(worker!, slot, about, 1, 500)]);
      idler!.sendFrame(key, [vote(idler!, slot, about, 0, honest + 1)]);
    }
  });
  arena.assertUnharmed();
  const { shown, refused } = arena.honest[0]!.session.status();
  const told = shown.filter(({ text }) => / times its votes did not count: it was not asked/.test(text));
  t.diagnostic(
    `${JSON.stringify(told.map(({ author, text }) => [author, text]))}, ${JSON.stringify(refused)}`,
  );
  assert.ok(
    told.some(({ author }) => author === worker!.signer.key),
    'counted, and told',
  );
  assert.ok(
    told.every(({ author }) => lyingKeys.includes(author!)),
    'of nobody else',
  );
  assert.ok(refused['not-in-committee'] > 0, 'refused of who was not drawn');
  const silenced = shown.filter(({ text }) => text.startsWith('its deltas carry no weight'));
  assert.ok(
    silenced.every(({ author }) => lyingKeys.includes(author!)),
    'no honest one is silenced for what it says',
  );
});
