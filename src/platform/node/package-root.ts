/** Where the package is, from `src/` and from `dist/src/` alike. */
import { existsSync, readFileSync } from 'node:fs';

/** URL of the package's folder, with a slash at its end. */
export function packageRoot(): URL {
  let folder = new URL('.', import.meta.url);
  while (!existsSync(new URL('package.json', folder))) {
    const above = new URL('..', folder);
    if (above.href === folder.href) throw new Error('package.json of starlings is not above its own files');
    folder = above;
  }
  return folder;
}

export function packageVersion(): string {
  const text = readFileSync(new URL('package.json', packageRoot()), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
