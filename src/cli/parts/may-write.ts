/** A long piece of work should not end in the discovery that its result has nowhere to go. */
import { closeSync, existsSync, openSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigError } from '../../config/config-error.ts';

/** @throws ConfigError where `out` exists and is not to be replaced, or cannot be written; system errors */
export function checkMayWrite(out: string, force: true | undefined): void {
  if (existsSync(out) && !force) {
    throw new ConfigError('BAD_USAGE', `${out} exists; choose another --out, or --force to replace it`);
  }
  checkWritable(out);
}

/** By writing a file beside it, as the result will be. @throws ConfigError, system errors with the path */
export function checkWritable(path: string | undefined): void {
  if (path === undefined) return;
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) throw new ConfigError('BAD_USAGE', `${path} is a directory; name a file`);
  // A device or a pipe is written as it is.
  if (found && !found.isFile()) return;
  if (!existsSync(dirname(path))) {
    throw new ConfigError('BAD_USAGE', `${path}: its folder does not exist; create it first`);
  }
  const draft = `${path}.${process.pid}-0.tmp`;
  closeSync(openSync(draft, 'w'));
  rmSync(draft, { force: true });
}
