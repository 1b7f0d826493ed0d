/**
 * Makes `dist` and what is generated in `src`. `--if-changed` does nothing where it was made from these sources: npm asks for it in
 * `npm ci`, before every `npm start` and `npm test`, and with the first `npx starlings` of a clone, and a build takes its files from under the feet
 * of nodes that run from it.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { isBuilt, markAsBuilt, markAsNotBuilt, root } from './built.ts';

const steps = [
  ['scripts/build-kernels.ts'],
  ['scripts/build-gradients.ts'],
  ['scripts/build-page.ts'],
  ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'],
  ['scripts/prune-types.ts'],
  ['scripts/bundle-tensorflow.ts'],
  ['scripts/bundle-program.ts'],
];

function build(): number {
  markAsNotBuilt();
  for (const step of steps) {
    const { status } = spawnSync(process.execPath, step, { cwd: root, stdio: 'inherit' });
    if (status !== 0) return status ?? 1;
  }
  // npx makes it so when it first links a clone, and not again: `npm pack` removes `dist`, and the next `npx starlings` was refused.
  chmodSync(join(root, 'dist/src/cli/main.js'), 0o755);
  markAsBuilt();
  return 0;
}

if (!(process.argv.includes('--if-changed') && isBuilt())) process.exitCode = build();
