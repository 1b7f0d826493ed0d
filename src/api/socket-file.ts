/** A socket file to listen on: what a node that was killed left there is taken away, what anybody uses is not. */
import { linkSync, lstatSync, renameSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { ListenError } from './listen-address.ts';

/** @throws ListenError where something else is there, or somebody answers there */
export async function clearSocketFile(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isSocket()) {
    throw new ListenError(`${path} is there and is no socket: name another file, or take it away`);
  }
  if (await answers(path)) throw inUse(path);
  // Another node may have come here meanwhile: what is taken away is looked at once more.
  const aside = `${path}.${process.pid}`;
  renameSync(path, aside);
  const isAlive = await answers(aside);
  if (isAlive) linkSync(aside, path);
  rmSync(aside, { force: true });
  if (isAlive) throw inUse(path);
}

export function inUse(path: string): ListenError {
  return new ListenError(`${path} is in use by another node: give this one a socket of its own`);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(true));
    // Refused, or gone; who may not ask at all (EACCES) leaves it alone.
    socket.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'),
    );
    socket.once('connect', () => socket.destroy());
  });
}
