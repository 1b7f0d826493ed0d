/** What a compiled file starts or looks for by its place: a bundle has all else, and takes away what it does not know of. */
import { posix } from 'node:path';

const byPlace = /new URL\(\s*([^;]*?)\s*,\s*import\.meta\.url\s*\)/g;
/** Neither names a file of ours. */
const harmless = /import\.meta\.url\.endsWith\('\.ts'\)|createRequire\(import\.meta\.url\)/g;
const entry = /^`(\.[\w./-]+)\.\$\{extension\}`$/;
const literals = /^(?:'[^']*'|"[^"]*")(?:\s*:\s*(?:'[^']*'|"[^"]*"))?$/;

/**
 * Files that `file` starts or imports by their places, as `src/x/y.js`. @throws Error where one is named in a way that cannot be read here: it would be
 * missed in the bundle, and found missing by whoever starts it
 */
export function entriesIn(file: string, text: string): string[] {
  const places = [...text.matchAll(byPlace)].map(([, place = '']) => place);
  const rest = text.replaceAll(byPlace, '').replaceAll(harmless, '');
  const unread = /^.*import\.meta\.(?:url|dirname|filename|resolve)\b.*$/m.exec(rest);
  if (unread) throw notRead(file, unread[0]);
  return places.flatMap((place) => {
    const named = entry.exec(place)?.[1];
    if (named !== undefined) return [within(file, `${named}.js`)];
    // Of sources, or of what is compiled.
    const words = place.replace(/^import\.meta\.url\.endsWith\('\.ts'\)\s*\?\s*/, '');
    if (!literals.test(words)) throw notRead(file, `new URL(${place}, import.meta.url)`);
    return [...words.matchAll(/['"]([^'"]*\.js)['"]/g)].map(([, name = '']) => within(file, name));
  });
}

function within(file: string, name: string): string {
  return posix.join(posix.dirname(file), name);
}

function notRead(file: string, line: string): Error {
  return new Error(
    `${file}: the bundle cannot tell what \`${line.trim()}\` names: write new URL(\`./NAME.\${extension}\`, import.meta.url)`,
  );
}
