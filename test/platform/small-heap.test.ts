/** In processes of their own: flags of V8 are of the whole process. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const moduleUrl = new URL('../../src/platform/node/small-heap.ts', import.meta.url).href;
const learnerUrl = new URL('../../src/learning/thread/learner-proxy.ts', import.meta.url).href;

/** What `body` prints, as JSON. `survivors()` fills the heap with what outlives a collection. */
function run<T>(body: string): T {
  const program = `
    import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
    import { keepHeapsSmall, releaseGarbage } from '${moduleUrl}';
    const youngBytes = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size;
    const heapBytes = () => getHeapStatistics().total_physical_size;
    const survivors = () => { const kept = new Map(); for (let i = 0; i < 1e6; i++) kept.set(i % 3e5, { i: [i] }); return kept.size; };
    ${body}`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as T;
}

test('a young generation that is kept small stays so, also once a learner has a thread of its own', () => {
  const [before, after] = run<[number, number]>(`
    keepHeapsSmall();
    survivors();
    const before = youngBytes();
    const { startLearnerThread } = await import('${learnerUrl}');
    const thread = "import { parentPort } from 'node:worker_threads'; parentPort.postMessage({ kind: 'ready', size: 1, backend: '' })";
    const learner = await startLearnerThread(new URL('data:text/javascript,' + encodeURIComponent(thread)), null);
    survivors();
    console.log(JSON.stringify([before, youngBytes()]));
    await learner.close();`);
  assert.ok(before < 4e6, `${before} bytes before`);
  // It may double once, before the thread is up.
  assert.ok(after < 8e6, `${after} bytes after`);
});

test('a release gives back what garbage took', () => {
  const [full, released] = run<[number, number]>(`
    survivors();
    const full = heapBytes();
    releaseGarbage();
    console.log(JSON.stringify([full, heapBytes()]));`);
  assert.ok(full > 30e6, `${full} bytes full`);
  assert.ok(released < 12e6, `${released} bytes released`);
});
