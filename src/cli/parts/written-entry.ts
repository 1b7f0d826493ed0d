/** An entry that a node is to write into a log, handed to it in a file: bodies may be larger than what a command takes. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** `write`: has the node do it, with the kind and the file of its body. */
export function throughFile<T>(
  kind: string,
  body: object,
  write: (input: { readonly kind: string; readonly file: string }) => Promise<T>,
): Promise<T> {
  return withTextFile(`${kind}.json`, JSON.stringify(body), (file) => write({ kind, file }));
}

/** A file that is there for as long as it takes, for its user alone. */
export async function withTextFile<T>(
  name: string,
  text: string,
  use: (file: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-entry-'));
  try {
    const file = join(folder, name);
    await writeFile(file, text, { mode: 0o600 });
    return await use(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
