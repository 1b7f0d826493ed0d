/** A newcomer that meets liars alone, takes their state for want of another, and meets the honest later. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LogState } from '../../src/log/log-state.ts';
import { Flock, towardsTarget } from './flock.ts';
import { Forgery } from './forgery.ts';
import { deltaStateOf, signerOf, smallRun } from './small-run.ts';

const strategy = { windowRounds: 4, admitRounds: 2, snapshotRounds: 4, committeeSize: 32 };
const honest = [0, 1, 2, 3];
const liars = [4, 5];
const newcomer = 6;
const all = [...honest, ...liars, newcomer];

/** A past in which the liars have done all the work and the honest have lied. */
function slander(state: LogState): void {
  for (const index of liars)
    deltaStateOf(state).contributions.set(signerOf(index).key, { deltas: 19, energy: 1 });
  for (const index of honest) state.banned.set(signerOf(index).key, 3);
}

/** Whether the newcomer holds the model of the honest, and whether it has trained in the end. */
function lived(isClosed: boolean, says?: (state: LogState) => void) {
  const members = all.map((index) => signerOf(index).key);
  const run = smallRun({
    ...{ rounds: 60, strategy },
    ...(isClosed ? { membership: { kind: 'allow-list', members } } : {}),
  });
  const forgery = new Forgery(run, 19, says);
  const isLiar = (member: number): boolean => liars.includes(member);
  const flock = new Flock(run, {
    ...{ peers: all.length, seed: `misled/${isClosed}` },
    train: (member, round, start) =>
      isLiar(member) ? { parameters: start, loss: Number.NaN } : towardsTarget(member, round, start),
    impostor: (member, bytes) => (isLiar(member) ? forgery.answer(signerOf(member), bytes) : undefined),
  });
  const { slotMs } = run.manifest;
  for (const index of [...honest, ...liars]) flock.boot(index);
  flock.runUntil(22 * slotMs);
  flock.boot(newcomer, isLiar);
  flock.runUntil(34 * slotMs);
  const isForged = (): boolean =>
    flock
      .core(newcomer)
      .model()
      .some((value) => Math.abs(value) > 50);
  assert.ok(isForged(), 'it was not misled');
  for (const index of honest) flock.connect(newcomer, index);
  flock.runUntil(110 * slotMs);
  const hashes = new Set(honest.map((index) => flock.status(index).modelHash));
  assert.equal(hashes.size, 1);
  const { length } = flock
    .member(newcomer)
    .of('published')
    .filter(({ round }) => round > 40);
  return { isRight: !isForged() && hashes.has(flock.status(newcomer).modelHash), hasTrained: length > 8 };
}

describe('a newcomer that was misled', () => {
  test('comes over to the honest in a closed run', () => assert.ok(lived(true).isRight));
  test('and in an open one, where there are more of them', () => assert.ok(lived(false).isRight));
  test('whatever the state says of them in a closed run', () => assert.ok(lived(true, slander).isRight));
  test('and is not stopped by snapshots of those who have no say in what it holds', () => {
    assert.ok(lived(false, slander).hasTrained);
  });
});
