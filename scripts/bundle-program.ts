/**
 * What was compiled of `src` and `sim`, and the packages that it is made of, as few large files in `dist/program`: a process that loads some
 * 1,600 small ones needs twice the time until it does anything. What is started or imported by its place in `dist` stays there and names what
 * was bundled; all else that was compiled goes. Packages that bring native code stay outside, and so does TensorFlow.js, which is one file already.
 * `npm run build` ends with it; sources and tests load the packages.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { findPackageJSON, isBuiltin } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Metafile, type Plugin } from 'esbuild';
import { root } from './built.ts';
import { entriesIn } from './bundle-entries.ts';

const dist = join(root, 'dist');
const program = join(dist, 'program');
const { peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
/** What brings native code, and what is installed by whoever wants it. */
const outside = ['classic-level', ...Object.keys(peerDependencies)];
/** Of packages that ask for modules as CommonJS does. */
const banner =
  'import{createRequire as _createRequire}from"node:module";const require=_createRequire(import.meta.url);';

/** Where something is found by its place, the place is where it was compiled to: a bundle lies elsewhere. */
const places: Plugin = {
  name: 'places',
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /\/dist\/(?:src|sim)\/.*\.js$/ }, ({ path }) => {
      const from = posixPath(relative(program, path));
      const contents = readFileSync(path, 'utf8').replaceAll(
        'import.meta.url',
        `new URL(${JSON.stringify(from)}, import.meta.url).href`,
      );
      return { contents, loader: 'js' };
    });
    onResolve({ filter: /\/vendor\/[\w-]+\.js$/ }, ({ path, resolveDir }) => {
      const file = join(resolveDir, path);
      if (dirname(file) !== join(dist, 'vendor')) return null;
      return { path: posixPath(relative(program, file)), external: true };
    });
  },
};

/** A package of CommonJS that is imported while the program runs: esbuild would hand out its default alone, and not what is in it by name. */
const namedExports: Plugin = {
  name: 'named-exports',
  setup({ onLoad, onResolve, resolve }) {
    onResolve({ filter: /^[^.]/ }, async ({ path, kind, pluginData, resolveDir }) => {
      if (kind !== 'dynamic-import' || pluginData === 'found' || path.startsWith('node:')) return null;
      const found = await resolve(path, { kind, pluginData: 'found', resolveDir });
      if (found.external || found.errors.length > 0 || isModule(found.path)) return found;
      return { path, namespace: 'named', pluginData: resolveDir };
    });
    onLoad({ filter: /.*/, namespace: 'named' }, async ({ path, pluginData: resolveDir }) => {
      const names = Object.keys(await import(path)).filter(
        (name) => name !== 'default' && /^[\w$]+$/.test(name),
      );
      return { contents: `export { ${names.join(', ')} } from ${JSON.stringify(path)};`, resolveDir };
    });
  },
};

/** As Node tells modules from CommonJS. */
function isModule(file: string): boolean {
  if (/\.[mc]js$/.test(file)) return file.endsWith('.mjs');
  const manifest = findPackageJSON(pathToFileURL(file));
  return manifest !== undefined && JSON.parse(readFileSync(manifest, 'utf8')).type === 'module';
}

function posixPath(path: string): string {
  return path.replaceAll(sep, '/');
}

/** What a process or a thread begins with, or who installed the package imports. */
function entries(): string[] {
  const named = ['src/cli/main.js', 'src/index.js'];
  const byPlace = compiledFiles().flatMap((file) => entriesIn(file, readFileSync(join(dist, file), 'utf8')));
  return [...new Set([...named, ...byPlace])];
}

function compiledFiles(): string[] {
  return ['src', 'sim'].flatMap((folder) =>
    readdirSync(join(dist, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.js'))
      .map((name) => posixPath(join(folder, name))),
  );
}

async function bundle(files: readonly string[]): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: files.map((file) => ({
      in: join(dist, file),
      out: bundledName(file).slice(0, -'.js'.length),
    })),
    outdir: program,
    chunkNames: '[hash]',
    bundle: true,
    splitting: true,
    metafile: true,
    minifyWhitespace: true,
    keepNames: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    mainFields: ['module', 'main'],
    external: outside,
    legalComments: 'none',
    banner: { js: banner },
    plugins: [places, namedExports],
  });
  return metafile;
}

/** @throws Error where something is left outside that nobody has who installed the package */
function checkOutside({ outputs }: Metafile): void {
  for (const { path, kind, external } of Object.values(outputs).flatMap(({ imports }) => imports)) {
    // What a package of CommonJS asks for it may do without, as `ws` does.
    if (!external || kind === 'require-call') continue;
    const isThere =
      isBuiltin(path) ||
      path.startsWith('../vendor/') ||
      outside.some((name) => path === name || path.startsWith(`${name}/`));
    if (!isThere) throw new Error(`${path} is imported by the bundle, and is not in it`);
  }
}

/** What an entry is called in the bundle. */
function bundledName(file: string): string {
  return file.replaceAll('/', '.');
}

/** In place of each entry what imports it from the bundle. */
function pointTo(files: readonly string[]): void {
  for (const file of compiledFiles()) if (!files.includes(file)) rmSync(join(dist, file));
  for (const file of files) {
    const target = posixPath(relative(dirname(join(dist, file)), join(program, bundledName(file))));
    const first = readFileSync(join(dist, file), 'utf8').startsWith('#!') ? '#!/usr/bin/env node\n' : '';
    writeFileSync(join(dist, file), `${first}export * from '${target}';\n`);
  }
}

/** The licences of all that is in it: each wants to be told with copies. */
function writeLicences({ inputs }: Metafile): void {
  const folders = new Set(
    Object.keys(inputs).flatMap((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? []),
  );
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const files = readdirSync(join(root, folder)).filter((file) =>
      /^(?:licen[cs]e|notice|copying)/i.test(file),
    );
    const own = files.map((file) => readFileSync(join(root, folder, file), 'utf8').trim());
    return [`${name} ${version} (${license})`, ...own].join('\n\n');
  });
  writeFileSync(join(program, 'LICENSES.txt'), `${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`);
}

if (import.meta.main) {
  rmSync(program, { recursive: true, force: true });
  const files = entries();
  const metafile = await bundle(files);
  checkOutside(metafile);
  writeLicences(metafile);
  pointTo(files);
}
