/** Commands that take long say on stderr how far they are. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { createProgressLine } from '../../src/cli/view/sim-view.ts';
import { startStarlings } from './starlings-process.ts';

test('sim fuzz says on stderr which world it lives through', async () => {
  const { child, said, ended } = startStarlings(['sim', 'fuzz', '--seeds', '100000']);
  await said('went wrong');
  child.kill('SIGINT');
  const { stdout, stderr, exitCode } = await ended;
  assert.match(stderr, /^world \d+\/100000 \(seed \d+\), 0 went wrong, about [\d:]+ (s|min|h) left$/m);
  assert.equal(stdout, '');
  assert.equal(exitCode, 130);
});

test('what is over in a moment needs no progress', (t) => {
  t.mock.method(performance, 'now', () => now);
  let now = 0;
  const stream = new PassThrough();
  const line = createProgressLine(stream as unknown as NodeJS.WriteStream);
  for (const [atMs, text] of [
    [0, 'a'],
    [4999, 'b'],
    [5000, 'c'],
    [9999, 'd'],
    [10_000, 'e'],
  ] as const) {
    now = atMs;
    line.show(text);
  }
  line.end();
  assert.equal(String(stream.read()), 'c\ne\n');
});
