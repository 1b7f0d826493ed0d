/** A long piece of work should not end in the discovery that its result has nowhere to go. */
import { closeSync, existsSync, lstatSync, openSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigError } from '../../config/config-error.ts';
import { whyNotReplaced } from '../../platform/node/atomic-file.ts';

/** `flag`: that named the file. @throws ConfigError where `out` exists and is not to be replaced, or cannot be written; system errors */
export function checkMayWrite(out: string, force: true | undefined, flag = '--out'): void {
  checkFree(out, force, flag);
  checkReplaceable(out);
}

/** Of a folder, whose files are replaced one by one. @throws ConfigError, as of a file */
export function checkMayFill(out: string, force: true | undefined): void {
  checkFree(out, force);
  const found = statSync(out, { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  if (found) throw new ConfigError('BAD_USAGE', `${out} is no folder; name one`);
  checkWritable(out);
}

function checkFree(out: string, force: true | undefined, flag = '--out'): void {
  // A link that leads nowhere is there too.
  if (force || !lstatSync(out, { throwIfNoEntry: false })) return;
  throw new ConfigError('BAD_USAGE', `${out} exists; choose another ${flag}, or --force to replace it`);
}

/** Of a file that is written whole and renamed. @throws ConfigError, system errors with the path */
export function checkReplaceable(path: string | undefined): void {
  if (path === undefined) return;
  const why = whyNotReplaced(path);
  if (why !== null) throw new ConfigError('BAD_USAGE', why);
  checkWritable(path);
}

/** Of a file that is opened and written, or replaced: by writing one beside it. @throws ConfigError, system errors with the path */
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
