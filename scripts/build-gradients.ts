/**
 * TensorFlow.js's gradients as one module. The package `@tensorflow/tfjs-core` holds them only as files that Node cannot load
 * (their imports lack endings), and the bundles that have them are those of the union `@tensorflow/tfjs`, which brings four
 * more packages and 190 MB along. What the core exports is imported from it, so nothing of it is there twice.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { build, type Plugin } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const library = '@tensorflow/tfjs-core';
const sources = join(dirname(createRequire(import.meta.url).resolve(`${library}/package.json`)), 'dist');

/** What stands in place of the library's own files, by their paths without ending. */
const replacements: Readonly<Record<string, string>> = {
  engine: `import { engine } from '${library}';\nexport const ENGINE = /* @__PURE__ */ engine();`,
  util: `import { util } from '${library}';\n${Object.keys(tf.util)
    .map((name) => `export const ${name} = /* @__PURE__ */ (() => util.${name})();`)
    .join('\n')}`,
  base: `export { backend_util } from '${library}';`,
  // Gradients hand over tensors, which the original returns as they are.
  tensor_util_env: 'export const convertToTensor = (tensor) => tensor;',
};

/** The library's own exports in place of a file of it; null where it has none, and the file is taken in. */
function sharedInstead(file: string): string | null {
  if (file in replacements) return replacements[file]!;
  if (!/^(ops\/|kernel_)/.test(file)) return null;
  const text = readFileSync(join(sources, `${file}.js`), 'utf8');
  const names = [...text.matchAll(/^export (?:const|function) (\w+)/gm)].map((match) => match[1]!);
  const shared = names.filter((name) => name in tf);
  return shared.length > 0 ? `export { ${shared.join(', ')} } from '${library}';` : null;
}

const oneLibrary: Plugin = {
  name: 'one library',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: new RegExp(`^${library}$`) }, () => ({ path: library, external: true }));
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      const contents = sharedInstead(relative(sources, path).replace(/\.js$/, ''));
      return contents === null ? null : { contents, resolveDir: root };
    });
  },
};

const banner = `// @ts-nocheck
/**
 * Built by scripts/build-gradients.ts from ${library} ${tf.version_core}: do not edit.
 * Copyright 2017 to 2022 Google LLC, under the Apache License, Version 2.0 (LICENSE-APACHE).
 */`;

/** Text of a module that registers every gradient of TensorFlow.js when it is first imported. */
export async function bundleGradients(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(sources, 'register_all_gradients.js')],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    legalComments: 'none',
    minifyWhitespace: true,
    banner: { js: banner },
    plugins: [oneLibrary],
  });
  return outputFiles[0]!.text;
}

export const gradientsFile = join(root, 'src/tensor/generated/gradients.ts');

if (import.meta.main) {
  mkdirSync(dirname(gradientsFile), { recursive: true });
  writeFileSync(gradientsFile, await bundleGradients());
}
