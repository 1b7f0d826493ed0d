/** Where the package is, from `src/` and from `dist/src/` alike. */
import { existsSync } from 'node:fs';

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

/** The file to start another `starlings` with: compiled where this one is compiled. */
export function entryFile(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? '../main.ts' : '../main.js', import.meta.url);
}
