/** The layers of docs/ARCHITECTURE.md against the imports of src and sim. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { bundledPackages } from '../../scripts/bundle-tensorflow.ts';
import {
  folderOf,
  packageOf,
  readSources,
  repositoryRoot,
  type SourceFile,
  specifiersOf,
  targetOf,
  withoutComments,
} from './source-tree.ts';

/** Folders of each layer from the top down; `index` is the file src/index.ts. */
const rows = [
  ['index'],
  ['cli'],
  ['testnet'],
  ['daemon'],
  ['page'],
  ['api'],
  ['node'],
  ['network'],
  ['audit'],
  ['ledger'],
  ['learning'],
  ['run'],
  ['methods'],
  ['entries'],
  ['log'],
  ['tasks'],
  ['tensor'],
  ['platform'],
  ['content'],
  ['core'],
  ['codec'],
  ['math'],
  ['kernels'],
  ['registry'],
];

function mayImport(folder: string): readonly string[] {
  const config = ['index', 'cli', 'testnet'].includes(folder) ? ['config'] : [];
  const sim = folder === 'index' || folder === 'cli' ? ['sim'] : [];
  switch (folder) {
    case 'sim':
      return [
        ...['config', 'learning', 'run', 'methods', 'tasks', 'entries', 'log'],
        ...['content', 'platform', 'core', 'codec', 'math', 'registry'],
      ];
    case 'config':
      return ['run', 'tasks', 'platform'];
    default: {
      const row = rows.findIndex((folders) => folders.includes(folder));
      return [...rows.slice(row).flat(), ...config, ...sim];
    }
  }
}

const folders = [...rows.flat(), 'config', 'sim'];
const allowed = new Map(folders.map((folder) => [folder, mayImport(folder)]));

/** One address syntax, no network: addresses in flags are checked before the slow import of libp2p. */
const addressSyntaxMayBeImportedBy = 'src/cli/parts/node/addresses.ts';

/** Runs anywhere: in a node, in a browser, in the simulator. */
const core = ['core', 'content', 'log', 'entries', 'methods', 'run', 'codec', 'math', 'kernels', 'registry'];

const sources = readSources('src', 'sim');

function* imports(files: readonly SourceFile[]): Generator<{ file: SourceFile; specifier: string }> {
  for (const file of files) {
    for (const specifier of specifiersOf(file)) yield { file, specifier };
  }
}

function upwardImports(files: readonly SourceFile[]): string[] {
  const found: string[] = [];
  for (const { file, specifier } of imports(files)) {
    const target = targetOf(file, specifier);
    const from = folderOf(file.path);
    if (target === null || folderOf(target) === from || allowed.get(from)?.includes(folderOf(target)))
      continue;
    found.push(`${file.path} imports ${target}`);
  }
  return found;
}

function libp2pOutsideNetwork(files: readonly SourceFile[]): string[] {
  return [...imports(files)]
    .filter(({ file }) => folderOf(file.path) !== 'network')
    .filter(({ specifier }) => /^(libp2p$|libp2p\/|@libp2p\/|@multiformats\/multiaddr)/.test(specifier))
    .filter(
      ({ file, specifier }) =>
        !(file.path === addressSyntaxMayBeImportedBy && specifier === '@multiformats/multiaddr'),
    )
    .map(({ file, specifier }) => `${file.path} imports ${specifier}`);
}

function nodeModulesInTheCore(files: readonly SourceFile[]): string[] {
  return [...imports(files)]
    .filter(({ file }) => core.includes(folderOf(file.path)))
    .filter(
      ({ specifier }) => specifier.startsWith('node:') || /^(fs|net|crypto|os|path|tls)$/.test(specifier),
    )
    .map(({ file, specifier }) => `${file.path} imports ${specifier}`);
}

function undeclaredPackages(files: readonly SourceFile[], declared: ReadonlySet<string>): string[] {
  return [...imports(files)]
    .map(({ file, specifier }) => ({ file, name: packageOf(specifier) }))
    .filter(({ name }) => name !== null && !declared.has(name))
    .map(({ file, name }) => `${file.path} imports ${name}`);
}

function readPackage(): Record<
  'dependencies' | 'devDependencies' | 'peerDependencies',
  Record<string, string>
> {
  return JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8'));
}

/** What a file loads before it runs: not types, which are erased, and not what it imports when it needs it. */
const loadedSpecifier = /^(?:import|export)\s+(?!type\b)(?:[^;'"]*?\bfrom\s+)?'([^']+)'/gm;

function loads(file: SourceFile): string[] {
  return [...withoutComments(file.text).matchAll(loadedSpecifier)].map(
    ([, specifier]) => targetOf(file, specifier!) ?? specifier!,
  );
}

/** Every file and package that these files load, directly or through others. */
function loadedBy(entries: readonly string[], files: readonly SourceFile[]): ReadonlySet<string> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const loaded = new Set(entries);
  for (const path of loaded) {
    const file = byPath.get(path);
    if (file === undefined) continue;
    for (const each of loads(file)) loaded.add(each);
  }
  return loaded;
}

/** Files that load themselves by a detour. */
function circles(files: readonly SourceFile[]): string[] {
  const open = new Map(files.map((file) => [file.path, new Set(loads(file))]));
  const paths = [...open.keys()];
  // What loads nothing that is left loads no circle.
  for (let before = -1; before !== open.size; ) {
    before = open.size;
    for (const path of paths)
      if (![...(open.get(path) ?? [])].some((each) => open.has(each))) open.delete(path);
  }
  return [...open.keys()].filter((path) => loadedBy([...open.get(path)!], files).has(path));
}

/** Read by whoever has only a manifest: a core, a simulator, a browser. */
const anywhere = ['src/run/manifest.ts', 'src/methods/create-core.ts', 'src/core/round-clock.ts'];

function boundToPlace(loaded: ReadonlySet<string>): string[] {
  return [...loaded].filter((name) => /^(node:|@tensorflow\/)|^src\/(tensor|platform)\//.test(name));
}

describe('layers', () => {
  test('every folder of src has a place in the table, and the table names no other', () => {
    assert.deepEqual(
      [...new Set(sources.map(({ path }) => folderOf(path)))].sort(),
      [...folders].sort(),
      'give a new folder its row here and in docs/ARCHITECTURE.md, and take out the row of one that is gone',
    );
  });

  test('docs/ARCHITECTURE.md has the same table', () => {
    const text = readFileSync(join(repositoryRoot, 'docs/ARCHITECTURE.md'), 'utf8');
    const [, table = ''] = text.split('<!-- layers -->');
    const written = [...table.matchAll(/^\| `([^|]+)` \|/gm)].map((match) => match[1]!.split('`, `'));
    assert.deepEqual(
      written.map((row) => row.map((name) => name.replace(/^src\/|\/$|\.ts$/g, ''))),
      [...rows, ['config'], ['sim']],
      'the rows between the two <!-- layers --> marks are those of this test, from the top down',
    );
  });

  test('imports point down', () => {
    assert.deepEqual(
      upwardImports(sources),
      [],
      'move what is needed down a layer, or pass it in from above; see the table in docs/ARCHITECTURE.md',
    );
    const planted = [
      { path: 'src/codec/x.ts', text: "import type { Y } from '../core/y.ts';\n" },
      { path: 'src/network/x.ts', text: "const { y } = await import('../node/y.ts');\n" },
      { path: 'src/daemon/x.ts', text: "export {\n  y,\n} from '../config/y.ts';\n" },
      { path: 'sim/x.ts', text: "import '../src/daemon/y.ts';\n" },
      { path: 'src/daemon/view/x.ts', text: "import { y } from '../../cli/y.ts';\n" },
      { path: 'src/math/x.ts', text: "new Worker(new URL('../core/y.ts', import.meta.url));\n" },
    ];
    assert.equal(upwardImports(planted).length, planted.length);
  });

  test('no file loads itself by a detour', () => {
    assert.deepEqual(
      circles(sources),
      [],
      'what two files of a circle need goes into a third; types and what is imported when it is called make none',
    );
    const planted = [
      { path: 'src/a.ts', text: "import { b } from './b.ts';\n" },
      { path: 'src/b.ts', text: "import { c } from './c.ts';\nimport { d } from './d.ts';\n" },
      { path: 'src/c.ts', text: "import { a } from './a.ts';\n" },
      { path: 'src/d.ts', text: "import type { A } from './a.ts';\nawait import('./a.ts');\n" },
      { path: 'src/e.ts', text: "import { a } from './a.ts';\n" },
    ];
    assert.deepEqual(circles(planted), ['src/a.ts', 'src/b.ts', 'src/c.ts']);
  });

  test('every relative import names a file that is there', () => {
    const paths = new Set(sources.map(({ path }) => path));
    const astray = [...imports(sources)]
      .map(({ file, specifier }) => ({ file, target: targetOf(file, specifier) }))
      .filter(({ target }) => target !== null && !paths.has(target));
    assert.deepEqual(astray, [], 'src and sim import only each other: nothing of test, bench or dist');
    assert.ok([...imports(sources)].length > sources.length, 'the imports are no longer recognised');
  });

  test('only src/network imports libp2p', () => {
    assert.deepEqual(
      libp2pOutsideNetwork(sources),
      [],
      'put it into src/network and hand the others a port of src/core/ports.ts or a plain type',
    );
    const planted = ['libp2p', '@libp2p/tcp', '@libp2p/crypto/keys', '@multiformats/multiaddr'];
    const daemon = planted.map((name) => ({
      path: 'src/daemon/x.ts',
      text: `import { y } from '${name}';\n`,
    }));
    assert.equal(libp2pOutsideNetwork(daemon).length, planted.length);
  });

  test('the core imports no module of Node', () => {
    assert.deepEqual(
      nodeModulesInTheCore(sources),
      [],
      'these folders run anywhere: take what is needed as an argument, as in core-dependencies.ts',
    );
    const planted = [
      { path: 'src/core/x.ts', text: "import { hash } from 'node:crypto';\n" },
      { path: 'src/math/x.ts', text: "import fs from 'fs';\n" },
    ];
    assert.equal(nodeModulesInTheCore(planted).length, planted.length);
  });

  test('what a manifest says is read without Node and without TensorFlow.js', () => {
    const loaded = loadedBy(anywhere, sources);
    assert.ok(loaded.has('src/tasks/models/gpt/gpt.ts') && loaded.has('src/tasks/data/table/table.ts'));
    assert.deepEqual(
      boundToPlace(loaded),
      [],
      'a description of a model or a task imports what computes or reads files where it is called: await import',
    );
    const planted = [
      { path: 'src/a.ts', text: "import { b } from './b.ts';\nimport type { T } from 'node:fs';\n" },
      { path: 'src/b.ts', text: "import * as tf from '@tensorflow/tfjs';\nawait import('node:net');\n" },
    ];
    assert.deepEqual(boundToPlace(loadedBy(['src/a.ts'], planted)), ['@tensorflow/tfjs']);
  });

  test('every imported package is declared, and every declared one imported', () => {
    const { dependencies, devDependencies, peerDependencies } = readPackage();
    const declared = new Set(Object.keys(dependencies));
    // The page is bundled: nobody who installs it needs what it is made of.
    const bundled = sources.filter(({ path }) => folderOf(path) === 'page');
    const others = sources.filter(({ path }) => folderOf(path) !== 'page');
    // And this one with what is compiled (scripts/bundle-tensorflow.ts).
    for (const name of bundledPackages) declared.add(name);
    // Imported when it is needed, with a sentence where it is missing.
    const optional = Object.keys(peerDependencies).filter((name) => name in devDependencies);
    assert.deepEqual(
      undeclaredPackages(others, new Set([...declared, ...optional])),
      [],
      'add it: npm install --save-exact NAME',
    );
    const forTheBundle = new Set([...Object.keys(devDependencies), ...declared]);
    assert.deepEqual(undeclaredPackages(bundled, forTheBundle), []);
    const imported = new Set([...imports(others)].map(({ specifier }) => packageOf(specifier)));
    assert.deepEqual(
      [...declared].filter((name) => !imported.has(name)),
      [],
      'take it out: npm uninstall NAME',
    );
    const planted = [{ path: 'src/node/x.ts', text: "import { y } from 'left-pad/y';\n" }];
    assert.deepEqual(undeclaredPackages(planted, declared), ['src/node/x.ts imports left-pad']);
  });

  test('docs/DEPENDENCIES.md lists what package.json holds', () => {
    const { dependencies, devDependencies } = readPackage();
    const text = readFileSync(join(repositoryRoot, 'docs/DEPENDENCIES.md'), 'utf8');
    const listed = [...text.matchAll(/^\| `([^`]+)` \| (\d[^ |]*) \|/gm)].map(([, name, version]) => [
      name,
      version,
    ]);
    assert.deepEqual(
      Object.fromEntries(listed),
      { ...dependencies, ...devDependencies },
      'a row `| \\`name\\` | version |` for each: what for, why this one, licence, install scripts, size',
    );
  });
});
