/** A newcomer of an open run that meets more liars than honest peers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Flock, towardsTarget } from './flock.ts';
import { Forgery } from './forgery.ts';
import { signerOf, smallRun } from './small-run.ts';

const strategy = { windowRounds: 4, admitRounds: 2, snapshotRounds: 4, committeeSize: 32 };
const honest = [0, 1];
const newcomer = 7;

/** Whether the newcomer ends up with a state that nobody has folded. Members 2 to 6 vouch for it. */
function isMisled(trusted: ReadonlySet<string>): boolean {
  const run = smallRun({ rounds: 40, strategy });
  const forgery = new Forgery(run, 19);
  const isLiar = (member: number): boolean => member > 1 && member < newcomer;
  const flock = new Flock(run, {
    ...{ peers: 8, seed: 'trusted' },
    trusted: (index) => (index === newcomer ? trusted : new Set()),
    train: (member, round, start) =>
      isLiar(member) ? { parameters: start, loss: Number.NaN } : towardsTarget(0, round, start),
    impostor: (member, bytes) => (isLiar(member) ? forgery.answer(signerOf(member), bytes) : undefined),
  });
  const { slotMs, startAtMs } = run.manifest;
  for (let index = 0; index < newcomer; index++) flock.boot(index);
  flock.runUntil(22 * slotMs);
  flock.boot(newcomer);
  flock.runUntil(34 * slotMs);
  assert.ok(startAtMs < flock.nowMs);
  assert.ok(flock.member(newcomer).of('joined').length > 0, 'it has joined');
  const isForged = flock
    .core(newcomer)
    .model()
    .some((value) => Math.abs(value) > 50);
  const hashes = new Set([...honest, newcomer].map((index) => flock.status(index).modelHash));
  assert.equal(isForged, hashes.size > 1);
  return isForged;
}

test('goes by their number where it was told of nobody', () => {
  assert.equal(isMisled(new Set()), true);
});

test('takes the state of one whose key it was given, however many say otherwise', () => {
  assert.equal(isMisled(new Set([signerOf(0).key])), false);
});
