import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionClaims } from '../../src/network/claims.ts';

test('a connection is free once every run that held it has let go, in whatever order and however often', () => {
  const claims = new ConnectionClaims();
  assert.equal(claims.release('peer', 'run one'), true, 'nobody ever held it');
  claims.claim('peer', 'run one');
  claims.claim('peer', 'run one');
  claims.claim('peer', 'run two');
  claims.claim('other', 'run one');
  assert.equal(claims.release('peer', 'run one'), false);
  assert.equal(claims.release('peer', 'run one'), false);
  assert.equal(claims.release('peer', 'run three'), false);
  assert.equal(claims.release('peer', 'run two'), true);
  assert.equal(claims.release('peer', 'run two'), true);
  assert.equal(claims.release('other', 'run two'), false);
});
