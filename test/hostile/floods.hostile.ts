/** Gossip that is too much: garbage in one frame, and a round that is filled before it begins. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { Signer } from '../../src/core/crypto.ts';
import { type Anchor, encodeEnvelope } from '../../src/log/envelope.ts';
import { ticketOf } from '../../src/log/ticket.ts';
import { methodSchema } from '../../src/methods/registry.ts';
import { deltaOf } from '../log/forgery.ts';
import { contextOf, crypto, type SmallRun, signerOf } from '../log/small-run.ts';
import { Arena, range, strategy } from './arena.ts';

const perRound = 512;
const ground = range(0, 3_000).map((index) => signerOf(1_000 + index));
const nowhere: Anchor = { round: -1, root: new Uint8Array(32), snapshot: new Uint8Array(32) };

/** So that those who flood are not counted as peers of which only some are to publish. */
const everyone = { strategy: methodSchema.parse({ ...strategy, committeeSize: 256 }) };

/** Keys whose tickets of the round are the lowest of all that were tried. */
function lowestTickets(run: SmallRun, round: number): Signer[] {
  const context = { runId: run.runId, crypto };
  return ground
    .map((signer) => ({ signer, ticket: ticketOf(context, round, signer.key) }))
    .sort((a, b) => a.ticket - b.ticket)
    .slice(0, perRound)
    .map(({ signer }) => signer);
}

test('4,998 garbage messages beside two valid ones in a frame, then as many under bad signatures', async (t) => {
  const arena = await Arena.begin(t, 4);
  const run = arena.asSmallRun;
  const validAt = (round: number): Uint8Array[] =>
    range(0, 2).map((index) =>
      encodeEnvelope(deltaOf(run, signerOf(500 + 2 * round + index), round, nowhere)),
    );
  const sizes: number[] = [];
  await arena.live(async (slot) => {
    if (slot !== 6 && slot !== 12) return;
    const flooder = await arena.intrude();
    const envelope = deltaOf(run, flooder.signer, slot, nowhere);
    const garbage = range(0, 4_998).map(() =>
      slot === 6 ? randomBytes(92) : encodeEnvelope({ ...envelope, signature: randomBytes(64) }),
    );
    const frame = [...validAt(slot), ...garbage];
    sizes.push(frame.reduce((sum, { length }) => sum + length, 0));
    for (const { key } of arena.honest) assert.ok(flooder.sendFrame(key, frame));
  });
  arena.assertUnharmed();
  assert.ok(sizes[0]! > 450_000 && sizes[1]! > 2_000_000, `frames of ${sizes} bytes`);
  for (const { session } of arena.honest) {
    const { refused } = session.status();
    for (const count of [refused.malformed, refused['bad-signature']]) assert.ok(count > 0 && count < 100);
  }
});

test('512 valid messages for the next slot, of keys with ground tickets, at once and one by one', async (t) => {
  const arena = await Arena.begin(t, 4, everyone);
  const run = arena.asSmallRun;
  const flooder = await arena.intrude();
  await arena.live(async (slot) => {
    if (slot !== 8 && slot !== 14) return;
    const signers = lowestTickets(run, slot + 1);
    const messages = signers.map((signer) => encodeEnvelope(deltaOf(run, signer, slot + 1, nowhere)));
    if (slot === 8) for (const { key } of arena.honest) assert.ok(flooder.sendFrame(key, messages));
    else for (const message of messages) await flooder.publish(message).catch(() => {});
  });
  arena.assertUnharmed();
  const { contributions } = arena.honest[0]!.session.status();
  const { delta } = contextOf(run);
  assert.equal(delta.entriesPerRoundMax, perRound);
  assert.ok(contributions.size > perRound / 2, `only ${contributions.size} authors came through`);
});
