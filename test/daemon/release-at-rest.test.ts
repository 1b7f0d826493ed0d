import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReleaseAtRest } from '../../src/daemon/release-at-rest.ts';
import type { NodeEvent } from '../../src/node/events.ts';

const common = { atMs: 0, node: 'n', runId: 'r' } as const;
const running: NodeEvent = {
  ...common,
  source: 'session',
  event: { kind: 'running', round: 0, isBack: false },
};
const training: NodeEvent = {
  ...common,
  source: 'protocol',
  event: { kind: 'phase', phase: 'training' },
};
const searching: NodeEvent = { ...common, source: 'session', event: { kind: 'searching' } };

test('memory is given back once, when a while has passed since a run got somewhere', ({ mock }) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  let released = 0;
  const release = new ReleaseAtRest(() => released++);
  release.note(searching);
  mock.timers.tick(60_000);
  assert.equal(released, 0, 'there is nothing to give back while nothing was loaded');
  release.note(running);
  mock.timers.tick(15_000);
  release.note(running);
  mock.timers.tick(15_000);
  assert.equal(released, 0, 'not while more happens');
  mock.timers.tick(60_000);
  assert.equal(released, 1);
  release.note(running);
  release.stop();
  mock.timers.tick(60_000);
  assert.equal(released, 1);
});

test('a node that trains is not at rest', ({ mock }) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  let released = 0;
  const release = new ReleaseAtRest(() => released++);
  release.note(running);
  mock.timers.tick(15_000);
  release.note(training);
  mock.timers.tick(60_000);
  assert.equal(released, 0);
});
