/**
 * `node --test` of a pattern, at least two files at a time: by itself it runs one on two cores, where most tests wait for slots,
 * processes and deadlines. What else is said goes before the pattern, as Node wants its options: `npm test -- --test-name-pattern heart`.
 * What failed is said once more at the end, on stderr.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';

const filesMin = 2;
/** A file whose process does not end by then is killed and named: one that left a node running would be waited for without an end. */
const timeoutMs = 30 * 60_000;
const [pattern = '', ...options] = process.argv.slice(2);
const files = Math.max(filesMin, availableParallelism() - 1);
const folder = mkdtempSync(join(tmpdir(), 'starlings-tests-'));
const failures = join(folder, 'failures');

/** Each reporter has a destination of its own, and who names any does without the one that Node would take. */
function reporters(): string[] {
  const isNamed = (option: string): boolean =>
    options.some((word) => word === option || word.startsWith(`${option}=`));
  return [
    ...(isNamed('--test-reporter') ? [] : [`--test-reporter=${process.stdout.isTTY ? 'spec' : 'tap'}`]),
    ...(isNamed('--test-reporter-destination') ? [] : ['--test-reporter-destination=stdout']),
    `--test-reporter=${new URL('report-failures.ts', import.meta.url).href}`,
    `--test-reporter-destination=${failures}`,
  ];
}

// Ctrl-C goes to both: Node ends at once, and what is left here is taken away.
process.on('SIGINT', () => {});
const { status } = spawnSync(
  process.execPath,
  [
    ...['--test', `--test-concurrency=${files}`, `--test-timeout=${timeoutMs}`],
    ...[...options, ...reporters(), pattern],
  ],
  { stdio: 'inherit' },
);
process.exitCode = status ?? 1;
// Node makes it before anything else, and not where it does not come so far.
process.stderr.write(readFileSync(failures, { encoding: 'utf8', flag: 'a+' }));
rmSync(folder, { recursive: true });
