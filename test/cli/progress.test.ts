/** Commands that take long say on stderr how far they are. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

test('compare says on stderr which simulation runs, and how long all of them take', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-progress-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'long.yaml');
  await writeFile(
    file,
    `scenario:
  peers: 40
  learner: { id: quadratic, spread: 0.2 }
  run:
    name: long
    model: { kind: logistic-regression, inputs: 9, outputs: 2 }
    task: { kind: idx-images }
    training: { localSteps: 3, learningRate: 0.1 }
    rounds: 100000
    slotMs: 1000
  signatures: simulated
strategies: [{ strategy: { id: d-psgd } }]
topologies: [{ id: ring }]
codecs: [{ id: identity }]
seeds: [1, 2]
`,
  );
  const running = startStarlings(['compare', file, '--out', join(folder, 'out')]);
  await running.said('left in all');
  running.child.kill('SIGINT');
  const { stderr, exitCode } = await running.ended;
  assert.match(stderr, /^1\/2, about [\d:]+ (s|min|h) left in all {2}round \d+\/100000, 40 of 40 peers/m);
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
