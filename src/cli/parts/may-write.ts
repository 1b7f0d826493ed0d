import { existsSync } from 'node:fs';
import { ConfigError } from '../../config/config-error.ts';

/** @throws ConfigError where `out` exists and is not to be replaced */
export function checkMayWrite(out: string, force: true | undefined): void {
  if (!existsSync(out) || force) return;
  throw new ConfigError('BAD_USAGE', `${out} exists; choose another --out, or --force to replace it`);
}
