import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Misdeeds } from '../../../src/network/conduct/misdeeds.ts';

/** gossipsub drops everything from a peer below that. */
const GRAYLIST = -80;

test('five misdeeds in a row sink a peer, four do not, and a quiet minute or so lifts it again', () => {
  const misdeeds = new Misdeeds();
  for (let index = 0; index < 4; index++) misdeeds.note('a', 1_000);
  assert.ok(misdeeds.scoreOf('a', 1_000) > GRAYLIST);
  misdeeds.note('a', 1_000);
  assert.ok(misdeeds.scoreOf('a', 1_000) < GRAYLIST);
  assert.ok(misdeeds.scoreOf('a', 2_000) < GRAYLIST);
  assert.ok(misdeeds.scoreOf('a', 61_000) > GRAYLIST);
  assert.equal(misdeeds.scoreOf('b', 1_000), 0);
});

test('one a minute is never a flood', () => {
  const misdeeds = new Misdeeds();
  for (let minute = 0; minute < 100; minute++) {
    misdeeds.note('a', minute * 60_000);
    assert.ok(misdeeds.scoreOf('a', minute * 60_000) > GRAYLIST / 4);
  }
});

test('what is long past is forgotten, and so is who was quiet longest among too many', () => {
  const misdeeds = new Misdeeds();
  misdeeds.note('old', 0);
  assert.equal(misdeeds.scoreOf('old', 3_600_000), 0);
  assert.equal(misdeeds.size, 0);
  for (let peer = 0; peer < 10_000; peer++) misdeeds.note(`peer ${peer}`, 0);
  assert.equal(misdeeds.size, 1_024);
  assert.ok(misdeeds.scoreOf('peer 9999', 0) < 0);
  assert.equal(misdeeds.scoreOf('peer 0', 0), 0);
});
