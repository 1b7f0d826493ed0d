/** Strangers in a closed run, and what a stranger claims in an open one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeEnvelope } from '../../src/log/envelope.ts';
import { keysOf } from '../cluster/cluster.ts';
import { deltaOf, Forgery } from '../log/forgery.ts';
import { crypto } from '../log/small-run.ts';
import { Arena, range } from './arena.ts';
import { foldedEmpty, heaviest } from './lies.ts';

test('an honest node that is not on the list, and five strangers that answer "folded, empty"', async (t) => {
  const membership = { kind: 'allow-list' as const, members: keysOf(4) };
  const arena = await Arena.begin(t, 4, { membership }, { outsiders: 1 });
  await Promise.all(range(0, 5).map(() => arena.intrude({ answer: foldedEmpty })));
  await arena.live();
  arena.assertUnharmed();
  const refusals = arena.honest.map(({ session }) => session.status().refused['not-a-member']);
  assert.ok(
    refusals.every((count) => count > 0),
    'the outsider was not even heard',
  );
});

test('a forged history of a great weight, and one fresh key after another that claims the greatest', async (t) => {
  const arena = await Arena.begin(t, 5, { rounds: 32 });
  const run = arena.asSmallRun;
  const forgery = new Forgery(run, 11);
  let answered = 0;
  let liar = await arena.intrude({ answer: (bytes, _from, signer) => forgery.answer(signer, bytes) });
  await arena.live(async (slot) => {
    if (slot === 18 || slot === 24) {
      answered += liar.asked;
      await arena.drive(liar);
      liar = await arena.intrude({ answer: heaviest });
    }
    if (slot < 12 || slot >= 18) return;
    for (const { key, session } of arena.honest) {
      // Refused or not: it is what they conclude from it that counts.
      void liar.ask(key, forgery.claim(session.status().finalisedRound)).catch(() => {});
    }
    void liar.publish(forgery.entryOf(liar.signer, slot)).catch(() => {});
    const old = { round: -1, root: crypto.sha256(Uint8Array.of(1)), snapshot: new Uint8Array(32) };
    void liar.publish(encodeEnvelope(deltaOf(run, liar.signer, slot + 1, old))).catch(() => {});
  });
  arena.assertUnharmed();
  assert.ok(answered + liar.asked > 10, 'nobody asked the liars');
});
