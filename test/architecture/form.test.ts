/** Rules of form that no linter holds: ambient time and chance, size of files, barrels, leftovers. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readSources, type SourceFile, withoutComments } from './source-tree.ts';

const linesMax = 450;
const linesWorthAWord = 400;
/** Longer than that, and to be taken apart: these may shrink and not grow. */
const linesMaxOf: Readonly<Record<string, number>> = {};

const sources = readSources('src', 'sim');
const tests = readSources('test', 'bench');

/** Each line of code (comments apart) that matches, as `path:line: text`. */
function linesMatching(files: readonly SourceFile[], pattern: RegExp): string[] {
  return files.flatMap(({ path, text }) =>
    withoutComments(text)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}

const ambient =
  /\bDate\.now\b|\bMath\.random\b|\bnew Date\b|\bDate\(|\bset(?:Timeout|Interval)\b|\bperformance\.now\b|\bprocess\.hrtime\b|\bgetRandomValues\b|\brandomUUID\b/;
/** What drivers promise, not what the core does. */
const ports = ['src/core/ports.ts', 'src/content/content-store.ts'];
const asynchronous = /\basync\b|\bawait\b|\bPromise\b|\bsetImmediate\b|\bqueueMicrotask\b/;
/** A flag that takes a path, and behind it what a shell might take for several words. */
const toldPath = /\bstarlings [^'"]*--(?:dir|out|config) \$\{(?!shellWord\()/;
// Split, or this file would find itself.
const leftover = new RegExp(`\\b(?:${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b`);
const silenced = new RegExp(
  `\\b(?:test|it|describe|suite)\\.(?:${['sk' + 'ip', 'on' + 'ly', 'to' + 'do'].join('|')})\\b|\\bonly: true`,
);

function matches(pattern: RegExp, lines: readonly string[]): boolean[] {
  return lines.map((text) => linesMatching([{ path: 'planted.ts', text }], pattern).length === 1);
}

describe('form', () => {
  test('neither the core nor the simulator reads a clock or draws by chance', () => {
    const pure = sources.filter(({ path }) =>
      /^(sim|src\/(core|content|log|entries|methods|run|codec|math|registry))\//.test(path),
    );
    assert.ok(pure.length > 40);
    assert.deepEqual(
      linesMatching(pure, ambient),
      [],
      'take the time as an argument (nowMs) and chance from rngFor of src/math/rng.ts',
    );
    const planted = ['const t = Date.now();', 'new Date().getTime()', 'Math.random()', 'setTimeout(f, 1)'];
    assert.deepEqual(matches(ambient, planted), [true, true, true, true]);
    assert.deepEqual(matches(ambient, ['/** Never Date.now. */', '// not Math.random()']), [false, false]);
  });

  test('commands that are told take a path with spaces', () => {
    assert.deepEqual(linesMatching(sources, toldPath), [], 'shellWord of src/platform/node/shell-word.ts');
    const told = (path: string): string => `starlings testnet down --dir \${${path}}`;
    assert.deepEqual(matches(toldPath, [told('dir'), told('shellWord(dir)')]), [true, false]);
  });

  test('the core is synchronous', () => {
    const core = sources.filter(
      ({ path }) =>
        /^src\/(core|content|log|entries|methods|run|codec|math|kernels|registry)\//.test(path) &&
        !ports.includes(path),
    );
    assert.deepEqual(
      linesMatching(core, asynchronous),
      [],
      'handle(input, nowMs) answers at once: ask for what takes time by an output, and take the result as an input',
    );
    assert.deepEqual(matches(asynchronous, ['async function f() {}', 'await x;', ': Promise<void>']), [
      true,
      true,
      true,
    ]);
  });

  test('src/index.ts is the only index file', () => {
    const isIndex = ({ path }: { path: string }) => /(^|\/)index\.[cm]?[jt]s$/.test(path);
    assert.deepEqual(
      [...sources, ...tests].filter(isIndex).map(({ path }) => path),
      ['src/index.ts'],
      'import from the file that defines it; only the public surface re-exports',
    );
    assert.ok(isIndex({ path: 'src/codec/index.ts' }));
  });

  test('only src/index.ts re-exports', () => {
    const reExport = /^export\b[^;'"]*?\bfrom\s+'/m;
    assert.deepEqual(
      sources
        .filter(({ path, text }) => path !== 'src/index.ts' && reExport.test(text))
        .map(({ path }) => path),
      [],
      'import from the file that defines it',
    );
    assert.match("export {\n  a,\n} from './a.ts';", reExport);
  });

  test(`no file of src or sim has more than ${linesMax} lines, but for those that are named`, (context) => {
    const lengths = sources.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }));
    for (const { path, lines } of lengths) {
      if (lines > linesWorthAWord)
        context.diagnostic(`${path} has ${lines} lines: look for the part that stands alone`);
    }
    assert.deepEqual(
      lengths.filter(({ path, lines }) => lines > (linesMaxOf[path] ?? linesMax)),
      [],
      'a class that grows past this splits into machines with their own handle',
    );
    assert.deepEqual(
      Object.keys(linesMaxOf).filter(
        (path) => !lengths.some((file) => file.path === path && file.lines > linesMax),
      ),
      [],
      'it is short enough now: take its row out of linesMaxOf',
    );
  });

  test('nothing is left for later', () => {
    const leftovers = [...sources, ...tests].flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => (leftover.test(line) ? [`${path}:${index + 1}`] : [])),
    );
    assert.deepEqual(leftovers, [], 'do it, or write an issue');
    assert.match(['// TO', 'DO: later'].join(''), leftover);
  });

  test('no test is switched off and none shuts the others out', () => {
    assert.deepEqual(
      linesMatching(tests, silenced),
      [],
      'repair it or delete it; what depends on the machine skips by a condition: { skip: condition }',
    );
    assert.deepEqual(matches(silenced, [['test.on', "ly('x')"].join(''), ['it.sk', "ip('x')"].join('')]), [
      true,
      true,
    ]);
  });
});
