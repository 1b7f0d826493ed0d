/** How long `starlings start` waits for nodes that get on slowly, and when it gives up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Observation } from '../../src/testnet/observe.ts';
import { Joining } from '../../src/testnet/patience.ts';
import { someView } from '../node/some-view.ts';

/** By their numbers of peers; null: no answer yet, 'gone': the process has ended. */
function lookAt(peers: readonly (number | null | 'gone')[]): Observation {
  const nodes = peers.map((each, index) => ({
    name: `node-0${index}`,
    alive: each !== 'gone',
    view: typeof each === 'number' ? someView({ peers: each }) : null,
  }));
  return { atMs: 0, nodes, bootstraps: 1, bootstrapsAlive: 1 };
}

test('nodes whose links come and go have joined once each has had enough of them', () => {
  const joining = new Joining();
  assert.equal(joining.isOver(lookAt([3, 2, 0, null, 1])), false);
  assert.equal(joining.isOver(lookAt([0, 3, 4, 1, 2])), false);
  assert.equal(joining.count, 3);
  assert.equal(joining.isOver(lookAt([2, 0, 1, 3, 3])), true);
});

test('two nodes have joined with one peer each, and none has while one is gone', () => {
  assert.equal(new Joining().isOver(lookAt([1, 1])), true);
  const joining = new Joining();
  assert.equal(joining.isOver(lookAt([3, 3, 3, 3])), true);
  assert.equal(joining.isOver(lookAt([3, 3, 3, 'gone'])), false);
});

test('there is patience while any node gets on, and none after a minute in which none did', () => {
  let nowMs = 0;
  const joining = new Joining(() => nowMs);
  const isStuck = (atMs: number, ...peers: readonly (number | null)[]): boolean => {
    nowMs = atMs;
    const look = lookAt(peers);
    assert.equal(joining.isOver(look), false);
    return joining.isStuck(look);
  };
  assert.equal(isStuck(0, 0, null, null, null), false);
  assert.equal(isStuck(59_000, 0, 1, null, null), false);
  assert.equal(isStuck(118_000, 1, 1, 3, 0), false);
  assert.equal(isStuck(177_000, 3, 3, 3, 2), false);
  // Links that are lost and found again are no progress.
  assert.equal(isStuck(200_000, 0, 0, 0, 0), false);
  assert.equal(isStuck(230_000, 3, 3, 3, 2), false);
  assert.equal(isStuck(237_001, 3, 3, 3, 2), true);
});

test('nobody waits for a node that has ended, and it is that node that is named', () => {
  const joining = new Joining(() => 0);
  const found = lookAt([3, 3, 3, 2]);
  assert.equal(joining.isOver(found), false);
  assert.equal(joining.isStuck(found), false);
  assert.match(joining.whyNot(found), /^not all nodes found the others, 3 of 4 did/);
  const ended = lookAt([3, 'gone', 3, 3]);
  assert.equal(joining.isOver(ended), false);
  assert.equal(joining.isStuck(ended), true);
  assert.equal(joining.count, 4);
  assert.equal(joining.whyNot(ended), 'node-01 ended before all nodes had found the others');
});
