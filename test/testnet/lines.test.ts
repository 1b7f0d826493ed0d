/** What is asked of lines of their own, in words and in commands; that they are made and hold is tried by test/nat/shaped-lines.nat.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDelayed, lineCommands, lineOf, type Shape, shapeOf } from '../../src/testnet/lines.ts';

test('a shape is a rate, and a delay where one is wanted', () => {
  const { rate, delayMs, prefix } = shapeOf('20mbit,50ms');
  assert.deepEqual([rate, delayMs], ['20mbit', 50]);
  assert.notEqual(prefix, shapeOf('20mbit').prefix, 'two testnets have nothing in common');
  assert.equal(shapeOf('1.5gbit').delayMs, null);
  assert.equal(shapeOf('64kbit,0.5ms').delayMs, 0.5);
  for (const wrong of [
    '',
    '20',
    '20mbit,',
    '20mbit,50',
    '20mbit,0ms',
    '50ms',
    '20mbit,5ms,6ms',
    '1mbit;ls',
  ]) {
    assert.throws(() => shapeOf(wrong), { code: 'BAD_SHAPE', message: /such as 20mbit or 20mbit,50ms$/ });
  }
});

test('each member has an address and names of its own', () => {
  const shape = shapeOf('20mbit');
  const lines = [
    ...Array.from({ length: 16 }, (_, index) => lineOf(shape, 'bootstrap', index)),
    ...Array.from({ length: 256 }, (_, index) => lineOf(shape, 'node', index)),
  ];
  assert.equal(new Set(lines.map(({ address }) => address)).size, lines.length);
  assert.equal(new Set(lines.map(({ namespace }) => namespace)).size, lines.length);
  for (const { address } of lines) {
    for (const part of address.split('.')) assert.ok(Number(part) <= 254);
  }
  const devices = lines.flatMap((line) => lineCommands(shape, line).flatMap((command) => command[3] ?? []));
  assert.ok(devices.every((name) => name.startsWith(shape.prefix) || name.length <= 15));
});

test('without a delay no netem is needed', () => {
  const queues = (text: string, delayedBy: Shape['delayedBy'] = 'kernel'): string[] => {
    const shape = { ...shapeOf(text), delayedBy };
    return lineCommands(shape, lineOf(shape, 'node', 3))
      .filter(([program]) => program === 'tc')
      .map((command) => command.slice(8).join(' '));
  };
  const tbf = 'tbf rate 20mbit burst 32kb latency 400ms';
  assert.deepEqual(queues('20mbit'), [tbf, tbf]);
  assert.deepEqual(queues('20mbit,50ms'), ['netem rate 20mbit delay 50ms limit 20000', tbf]);
  assert.deepEqual(queues('20mbit,50ms', 'process'), [tbf, tbf]);
  assert.ok(isDelayed({ ...shapeOf('20mbit,50ms'), delayedBy: 'process' }));
  assert.ok(!isDelayed(shapeOf('20mbit,50ms')) && !isDelayed({ ...shapeOf('1mbit'), delayedBy: 'process' }));
});
