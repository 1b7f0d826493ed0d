/**
 * TensorFlow.js as one file in `dist/vendor`, beside its WebAssembly and its licence, and what was compiled of `src` loads it from there. Its
 * packages hold every build of it six times over with their source maps, tests and a second backend: 60 MB in every installation, of which
 * 2 are used. `npm run build` ends with it; sources and tests load the packages.
 */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** What nobody who installs starlings gets: tools, for whoever builds it. */
export const bundledPackages: readonly string[] = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-wasm'];

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const vendor = join(dist, 'vendor');
const [core, wasm] = bundledPackages.map((name) =>
  join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'dist'),
) as [string, string];

/** The libraries ask for modules of Node as CommonJS does. */
const commonJs =
  'import{createRequire as _createRequire}from"node:module";import{dirname as _dirname}from"node:path";import{fileURLToPath as _path}from"node:url";' +
  'const require=_createRequire(import.meta.url),__filename=_path(import.meta.url),__dirname=_dirname(__filename);';
const notice =
  '/*! TensorFlow.js, Copyright 2017 to 2023 Google LLC, under the Apache License, Version 2.0 (LICENSE-APACHE); with long.js, by Daniel Wirtz, under the same, and seedrandom, Copyright 2019 David Bau, under the MIT license (LICENSE-MIT) */';

async function bundle(): Promise<void> {
  await build({
    stdin: {
      contents: `export * from '${bundledPackages[0]}';\nexport { setWasmPaths } from '${bundledPackages[1]}';`,
      resolveDir: dirname(dist),
    },
    outfile: join(vendor, 'tensorflow.js'),
    bundle: true,
    minifyWhitespace: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    mainFields: ['module', 'main'],
    // For a Node that has no fetch.
    external: ['node-fetch'],
    legalComments: 'none',
    banner: { js: `${notice}\n${commonJs}` },
  });
  for (const name of readdirSync(wasm).filter((each) => each.endsWith('.wasm'))) {
    copyFileSync(join(wasm, name), join(vendor, name));
  }
}

/** Of tensors, which is what our own declarations name, in a folder that is CommonJS, for their imports lack endings. */
function copyTypes(): void {
  const folder = join(vendor, 'tensorflow-types');
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }\n');
  const reached = new Set<string>();
  const toCopy = ['tensor'];
  for (let name = toCopy.pop(); name !== undefined; name = toCopy.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    const file = join(core, `${name}.d.ts`);
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    const text = readFileSync(file, 'utf8');
    writeFileSync(join(folder, `${name}.d.ts`), withoutGpu(text));
    for (const [, specifier] of text.matchAll(/from '(\.[^']+)'/g)) {
      toCopy.push(posix.join(posix.dirname(name), specifier!));
    }
  }
  writeFileSync(join(vendor, 'tensorflow.d.ts'), "export type * from './tensorflow-types/tensor.js';\n");
}

/** Types of WebGPU are a package that nobody gets for them. */
function withoutGpu(declarations: string): string {
  return declarations
    .replaceAll(/^\/\/\/ <reference types="@webgpu\/types\/dist" \/>\n/gm, '')
    .replaceAll(/: GPUBuffer;/g, ': unknown;');
}

/** In what was compiled, and in its declarations. */
function redirectImports(): void {
  const imported = new RegExp(`(from |import\\()(['"])(?:${bundledPackages.join('|')})\\2`, 'g');
  for (const name of readdirSync(join(dist, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!/\.(?:js|d\.ts)$/.test(name)) continue;
    const file = join(dist, 'src', name);
    const text = readFileSync(file, 'utf8');
    const target = relative(dirname(file), join(vendor, 'tensorflow.js')).replaceAll(sep, '/');
    const redirected = text.replaceAll(imported, (_, before: string) => `${before}'${target}'`);
    if (redirected !== text) writeFileSync(file, redirected);
  }
}

if (import.meta.main) {
  rmSync(vendor, { recursive: true, force: true });
  mkdirSync(vendor, { recursive: true });
  await bundle();
  copyTypes();
  redirectImports();
}
