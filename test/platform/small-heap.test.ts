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
    import { keepHeapsSmall, keepHeapsSmallStill, releaseGarbage } from '${moduleUrl}';
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

test('an old generation is collected less while a program loads than afterwards', () => {
  const [loading, loaded] = run<[number, number]>(`
    const { PerformanceObserver, constants } = await import('node:perf_hooks');
    let collections = 0;
    const count = (entries) => { collections += entries.filter(({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR).length; };
    const observer = new PerformanceObserver((list) => count(list.getEntries()));
    observer.observe({ entryTypes: ['gc'] });
    const collectionsOf = async (act) => {
      collections = 0;
      act();
      await new Promise((resolve) => setImmediate(resolve));
      count(observer.takeRecords());
      return collections;
    };
    keepHeapsSmall();
    const loading = await collectionsOf(survivors);
    releaseGarbage();
    keepHeapsSmallStill();
    const loaded = await collectionsOf(survivors);
    console.log(JSON.stringify([loading, loaded]));`);
  assert.ok(loading < loaded, `${loading} while it loads, ${loaded} afterwards`);
});
