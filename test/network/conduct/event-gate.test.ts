import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventGate } from '../../../src/network/conduct/event-gate.ts';
import type { NetworkEvent } from '../../../src/network/events.ts';

const refused: NetworkEvent = { kind: 'request-refused', peer: 'a', reason: 'busy' };
const up: NetworkEvent = { kind: 'peer-up', peer: 'a' };

test('a burst passes, a flood does not, and the next that passes says how many went untold', () => {
  const gate = new EventGate();
  const told = Array.from({ length: 1_000 }, () => gate.pass(refused, 0)).flat();
  assert.ok(told.every((event) => event === refused));
  assert.equal(told.length, 257);
  assert.deepEqual(gate.pass(refused, 400), []);
  assert.deepEqual(gate.pass(refused, 500), [{ kind: 'untold', of: 'request-refused', count: 744 }, refused]);
});

test('a day of refusals leaves what a log can bear', () => {
  const gate = new EventGate();
  let told = 0;
  for (let second = 0; second < 86_400; second++) {
    for (let event = 0; event < 20; event++) told += gate.pass(refused, second * 1_000).length;
  }
  assert.ok(told < 2 * 2 * 86_400 + 256, `${told}`);
});

test('one kind takes no room from another', () => {
  const gate = new EventGate();
  for (let index = 0; index < 1_000; index++) gate.pass(refused, 1_000_000);
  assert.deepEqual(gate.pass(up, 1_000_000), [up]);
  assert.deepEqual(gate.pass(refused, 1_000_000), []);
});
