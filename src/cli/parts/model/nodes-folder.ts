import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ConfigError } from '../../../config/config-error.ts';
import { keyFileOf, RUNS_FOLDER } from '../../../daemon/directory.ts';

/** @throws ConfigError where `out` is in what a node keeps for itself, and nobody insists */
export function checkNotANodes(out: string, force: true | undefined): void {
  if (force) return;
  for (let folder = resolve(out); ; folder = dirname(folder)) {
    if (existsSync(keyFileOf(folder)) && existsSync(join(folder, RUNS_FOLDER))) {
      throw new ConfigError(
        'BAD_USAGE',
        `${out} is in ${folder}, which a node keeps for itself; choose another --out, or --force to write there`,
      );
    }
    if (folder === dirname(folder)) return;
  }
}
