/** Where files go that the user gave no place for (XDG Base Directory Specification 0.8). */
import { homedir } from 'node:os';
import { join } from 'node:path';

export function dataHome(...names: readonly string[]): string {
  const base = process.env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share');
  return join(base, 'starlings', ...names);
}
