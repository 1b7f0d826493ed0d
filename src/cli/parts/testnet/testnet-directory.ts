import { basename, dirname, extname, resolve } from 'node:path';
import { shellWord } from '../../../platform/node/shell-word.ts';

/** Where `testnet up`, `status` and `down` meet if nobody says otherwise. */
export const TESTNET_DIRECTORY = '.starlings/testnet';

/** Where `start` keeps what came of a run if nobody says otherwise: each has its own, so that one after the other can be tried. */
export function startDirectory(file: string | undefined): string {
  if (file === undefined) return '.starlings/start';
  const path = resolve(file);
  const name = basename(path, extname(path));
  // What `init` writes is called so, wherever it is.
  return `.starlings/start-${name === 'run' ? basename(dirname(path)) : name}`;
}

/** With which a testnet that was stopped goes on. Its folder names no command: who trains by a trainer says so again. */
export function resumeCommand(directory: string, trainer: string | undefined): string {
  const words = ['starlings testnet up --resume'];
  if (directory !== TESTNET_DIRECTORY) words.push(`--dir ${shellWord(directory)}`);
  if (trainer !== undefined) words.push(`--trainer ${shellWord(trainer)}`);
  return words.join(' ');
}
