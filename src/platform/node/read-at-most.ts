import { createReadStream } from 'node:fs';

/**
 * All of a file; null where that is more than so many bytes. What it says of its length is not gone by: a pipe and a device say 0, and a
 * link that somebody handed us may lead to a device that never ends. Rejects with system errors.
 */
export async function readAtMost(file: string, bytesMax: number): Promise<Buffer | null> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of createReadStream(file, { end: bytesMax }) as AsyncIterable<Buffer>) {
    pieces.push(piece);
    length += piece.length;
  }
  return length > bytesMax ? null : Buffer.concat(pieces, length);
}

/** The same; undefined where there is no such file. */
export function readAtMostIfAny(file: string, bytesMax: number): Promise<Buffer | null | undefined> {
  return readAtMost(file, bytesMax).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}
