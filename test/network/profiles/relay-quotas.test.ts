/** How a relay shares out its places and its bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasPlace, RelayBytes, RelayCalls } from '../../../src/network/profiles/relay-quotas.ts';

const hour = 3_600_000;

test('of its places an address gets so many, and its network twice that', () => {
  const limits = { reservationsPerAddressMax: 2 };
  const has = (origin: string | null, ...taken: (string | null)[]): boolean =>
    hasPlace(origin, taken, limits);
  assert.ok(has('9.8.7.6', '9.8.7.6'));
  assert.ok(!has('9.8.7.6', '9.8.7.6', '9.8.7.6'));
  assert.ok(has('9.8.7.6', '9.8.6.6', '9.8.5.6', '9.8.4.6', '9.8.3.6'), 'others are others');
  assert.ok(!has('9.8.7.6', '9.8.7.1', '9.8.7.2', '9.8.7.3', '9.8.7.4'), 'a /24');
  const six = ['1', '2', '3', '4'].map((net) => `2001:db8:7:${net}`);
  assert.ok(!has('2001:db8:7:5', ...six), 'a /48');
  assert.ok(has('2001:db8:8:5', ...six));
  assert.ok(has(null, null, null, null), 'of what says nothing no account is taken');
});

test('bytes are counted by the hour, all together and a quarter for one address', () => {
  const bytes = new RelayBytes(1000);
  bytes.note('a', 250, 10);
  assert.ok(!bytes.isSpent('a', 10));
  bytes.note('a', 1, 20);
  assert.ok(bytes.isSpent('a', 20));
  assert.ok(!bytes.isSpent('b', 20) && !bytes.isSpent(null, 20));
  bytes.note(null, 750, 30);
  assert.ok(bytes.isSpent('b', 30) && bytes.isSpent(null, 30), 'all together');
  assert.ok(!bytes.isSpent('a', hour), 'another hour');
});

test('so many addresses that nobody would remember them are one', () => {
  const bytes = new RelayBytes(1e9);
  for (let index = 0; index < 4096; index++) bytes.note(`a${index}`, 1, 0);
  for (let index = 0; index < 10_000; index++) bytes.note(`b${index}`, 30_000, 0);
  assert.ok(bytes.isSpent('another', 0));
  assert.ok(!new RelayBytes(1e9).isSpent('another', 0));
});

test('a caller is taken now and then, whoever it calls; who is called is called by all together so often', () => {
  const calls = new RelayCalls();
  const taken = (caller: string, called: string, times: number, nowMs: number): number =>
    Array.from({ length: times }, () => calls.takes(caller, called, nowMs)).filter(Boolean).length;
  assert.equal(taken('a', 'x', 100, 0), 33);
  assert.equal(taken('a', 'y', 1, 0), 0);
  assert.equal(taken('a', 'x', 10, 1_000), 2, 'and those that were refused cost nothing');
  const others = Array.from({ length: 40 }, (_, at) => taken(`b${at}`, 'x', 10, 1_000));
  const all = others.reduce((sum, each) => sum + each, 0);
  assert.ok(all <= 257 + 16 && all > 200, `${all} calls of one peer`);
  assert.equal(taken('c', 'y', 1, 1_000), 1);
});
