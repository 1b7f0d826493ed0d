/** The source files as the architecture tests see them: path, text and what each one imports. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface SourceFile {
  /** Relative to the repository, with forward slashes: `src/codec/rice.ts`. */
  readonly path: string;
  readonly text: string;
}

export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url));

/** AssemblyScript has TypeScript's syntax and endings, but is no part of the program that Node runs. */
const otherLanguage = /(^|\/)kernels\/assembly\//;

/** All TypeScript files below the given folders of the repository, in order of path. */
export function readSources(...folders: readonly string[]): SourceFile[] {
  return folders
    .flatMap((folder) =>
      readdirSync(join(repositoryRoot, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.tsx?$/.test(name) && !otherLanguage.test(name.replaceAll('\\', '/')))
        .map((name) => posix.join(folder, name.replaceAll('\\', '/'))),
    )
    .sort()
    .map((path) => ({ path, text: readFileSync(join(repositoryRoot, path), 'utf8') }));
}

// The formatter puts every import and export at the start of a line and quotes with '. A dynamic import, the
// type `import('x').T` and a worker's URL may stand anywhere.
const specifierPatterns = [
  /^(?:import|export)\b[^;'"]*?\bfrom\s+'([^']+)'/gm,
  /^import\s+'([^']+)'/gm,
  /\bimport\(\s*'([^']+)'/g,
  /\bnew URL\(\s*['`]([^'`]+\.(?:tsx?|\$\{extension\}))['`],\s*import\.meta\.url/g,
];

/** Every module that the file names, as written: `../math/rng.ts`, `node:fs`, `@libp2p/tcp`. */
export function specifiersOf(file: SourceFile): string[] {
  const code = withoutComments(file.text);
  return specifierPatterns
    .flatMap((pattern) => [...code.matchAll(pattern)])
    .map((match) => match[1]!.replace(/\$\{extension\}$/, 'ts'));
}

/** The repository path that a relative specifier means, or null for a package or a Node module. */
export function targetOf(file: SourceFile, specifier: string): string | null {
  return specifier.startsWith('.') ? posix.join(posix.dirname(file.path), specifier) : null;
}

/** `@libp2p/crypto/keys` is of the package `@libp2p/crypto`; null for relative paths and Node modules. */
export function packageOf(specifier: string): string | null {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return null;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Blanks whole-line and block comments, so that prose may name what code must not use. Lines stay lines. */
export function withoutComments(text: string): string {
  return text
    .replace(/^\s*\/\*[\s\S]*?\*\//gm, (comment) => comment.replace(/[^\n]/g, ''))
    .replace(/(^|\s)\/\/ .*$/gm, '$1');
}

/** `src/codec/rice.ts` lies in `codec`, `sim/engine.ts` in `sim`, `src/index.ts` in `index`. */
export function folderOf(path: string): string {
  const [top, second] = path.split('/');
  if (top !== 'src') return top!;
  return second!.endsWith('.ts') ? second!.slice(0, -'.ts'.length) : second!;
}
