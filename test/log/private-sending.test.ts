/** Peers that hide as a whole in what they send: how much noise, and how often. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { addSecretNoise, namedNoise } from '../../src/learning/private/secret-noise.ts';
import { epsilonOfSteps } from '../../src/math/renyi-accountant.ts';
import { PrivateSending, subtractClean } from '../../src/methods/delta-log/private-sending.ts';
import { impossibleCombination, runSpecSchema } from '../../src/run/run-spec.ts';
import { Flock } from './flock.ts';
import { smallRun, smallVector, specOf } from './small-run.ts';

const peerPrivacy = { epsilon: 8, delta: 1e-5, clipNorm: 0.5, publications: 4 };
const norm = (vector: Float32Array): number => Math.hypot(...vector);

describe('what a peer sends', () => {
  for (const [whose, addNoise] of [
    ['a node', addSecretNoise],
    ['a simulation', namedNoise('here')],
  ] as const) {
    test(`is clipped, and has the noise that its budget asks for: ${whose}`, () => {
      const sending = new PrivateSending(peerPrivacy, addNoise);
      const residual = smallVector(20_000, 'residual');
      const { clipped, noisy } = sending.protect(residual);
      assert.ok(Math.abs(norm(clipped) - 0.5) < 1e-4);
      const noise = noisy.map((value, at) => value - clipped[at]!);
      const deviation = norm(noise) / Math.sqrt(noise.length);
      const multiplier = deviation / 0.5;
      const spent = (noiseMultiplier: number) => epsilonOfSteps({ rate: 1, noiseMultiplier }, 4, 1e-5);
      assert.ok(Math.abs(spent(multiplier) / 8 - 1) < 0.05, `epsilon ${spent(multiplier)}`);
      const within = noise.filter((value) => Math.abs(value) < deviation).length / noise.length;
      assert.ok(Math.abs(within - 0.6827) < 0.02, `${within} within one deviation`);
      // What is small enough is not made larger.
      const small = residual.map((value) => value * 1e-4);
      assert.deepEqual(sending.protect(small).clipped, small);
      subtractClean(residual, { size: residual.length, values: noisy, body: new Uint8Array() }, clipped);
      assert.ok(Math.abs(norm(residual) - (norm(smallVector(20_000, 'residual')) - 0.5)) < 1e-2);
    });
  }

  test('is sent as often as its budget has it, and no more', () => {
    const run = smallRun({ strategy: { peerPrivacy } });
    const flock = new Flock(run, { peers: 4, seed: 'hiding' });
    flock.bootAll();
    // Rounds in which nobody publishes do not count, so that this run has no end.
    flock.runUntil(run.manifest.startAtMs + 14 * run.manifest.slotMs);
    assert.equal(flock.hashes().length, 1);
    for (const member of flock.members) {
      assert.equal(member.of('published').length, 4);
      assert.ok(member.of('skipped').some(({ reason }) => /budget of this peer is spent/.test(reason)));
    }
  });

  for (const copy of ['older', 'empty'] as const) {
    test(`is not sent more often by ${copy === 'older' ? 'an older copy of' : 'an empty'} store`, () => {
      const run = smallRun({ strategy: { peerPrivacy } });
      const flock = new Flock(run, { peers: 4, seed: `hiding/${copy}` });
      flock.bootAll();
      const { slotMs, startAtMs } = run.manifest;
      const member = flock.member(1);
      flock.runUntil(startAtMs + 1.9 * slotMs);
      const earlier = [...member.store];
      flock.runUntil(startAtMs + 4.9 * slotMs);
      assert.equal(member.of('published').length, 4);
      flock.kill(1);
      member.store.clear();
      if (copy === 'older') for (const [key, value] of earlier) member.store.set(key, value);
      flock.boot(1);
      flock.runUntil(startAtMs + 16 * slotMs);
      assert.equal(flock.status(0).contributions.get(member.key)?.deltas, 4);
    });
  }
});

test('what would tell of a peer without noise does not go with it, nor a budget that no noise keeps to', () => {
  const wrong = (strategy: object) => {
    const { strategy: own, ...rest } = specOf();
    return impossibleCombination(
      runSpecSchema.parse({ ...rest, strategy: { ...own, peerPrivacy, ...strategy } }),
    );
  };
  assert.equal(wrong({}), null);
  assert.match(wrong({ audits: { rate: 0.1 } })?.message ?? '', /neither audits nor votes nor an alliance/);
  assert.match(
    wrong({ judging: { id: 'votes' } })?.message ?? '',
    /neither audits nor votes nor an alliance/,
  );
  const none = { ...peerPrivacy, epsilon: 1e-6, publications: 1_000_000 };
  assert.match(wrong({ peerPrivacy: none })?.message ?? '', /no noise keeps to it/);
});
