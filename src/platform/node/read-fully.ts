/** What can be read at a place, as `node:fs`'s FileHandle can. */
export interface ReadableAt {
  read(
    into: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>;
}

/** Fills `into` from byte `position` on. Returns the number of bytes read: fewer only where there are no more. */
export async function readFully(source: ReadableAt, into: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await source.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
