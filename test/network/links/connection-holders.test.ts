import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionHolders } from '../../../src/network/links/connection-holders.ts';

test('a connection is free once every run that held it has let go, in whatever order and however often', () => {
  const holders = new ConnectionHolders();
  assert.equal(holders.release('peer', 'run one'), true, 'nobody ever held it');
  holders.hold('peer', 'run one');
  holders.hold('peer', 'run one');
  holders.hold('peer', 'run two');
  holders.hold('other', 'run one');
  assert.equal(holders.release('peer', 'run one'), false);
  assert.equal(holders.release('peer', 'run one'), false);
  assert.equal(holders.release('peer', 'run three'), false);
  assert.equal(holders.release('peer', 'run two'), true);
  assert.equal(holders.release('peer', 'run two'), true);
  assert.equal(holders.release('other', 'run two'), false);
});
