/** The file to start another `starlings` with: compiled where this one is compiled. */
export function entryFile(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? '../main.ts' : '../main.js', import.meta.url);
}
