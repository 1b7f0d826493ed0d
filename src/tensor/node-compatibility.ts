/** What `@tensorflow/tfjs-node` needs of Node and no longer finds. */
import { createRequire } from 'node:module';

/** Functions of `util` that Node 23 removed. */
const removed: Readonly<Record<string, (value: unknown) => boolean>> = {
  isNullOrUndefined: (value) => value === null || value === undefined,
  isArray: Array.isArray,
};

/** Puts them back where they are missing: version 4.22 calls both at every operation, and would fail at the first. */
export function restoreUtilities(): void {
  const util = createRequire(import.meta.url)('node:util') as Record<string, unknown>;
  for (const [name, test] of Object.entries(removed)) util[name] ??= test;
}
