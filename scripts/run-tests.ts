/**
 * `node --test` of a pattern, at least two files at a time: by itself it runs one on two cores, where most tests wait for slots,
 * processes and deadlines. What else is said goes before the pattern, as Node wants its options: `npm test -- --test-name-pattern heart`.
 */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

const filesMin = 2;
/** A file whose process does not end by then is killed and named: one that left a node running would be waited for without an end. */
const timeoutMs = 30 * 60_000;
const [pattern = '', ...options] = process.argv.slice(2);
const files = Math.max(filesMin, availableParallelism() - 1);

const { status } = spawnSync(
  process.execPath,
  ['--test', `--test-concurrency=${files}`, `--test-timeout=${timeoutMs}`, ...options, pattern],
  { stdio: 'inherit' },
);
process.exitCode = status ?? 1;
