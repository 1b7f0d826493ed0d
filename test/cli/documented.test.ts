/** What README.md, SECURITY.md and docs/ have people type: commands and options of src/cli that there are. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.ts';
import { repositoryRoot } from '../architecture/source-tree.ts';

interface Page {
  readonly path: string;
  readonly text: string;
}

/** docs/LOG.md tells of what was. */
const pages: readonly Page[] = [
  'README.md',
  'SECURITY.md',
  ...readdirSync(join(repositoryRoot, 'docs'))
    .filter((name) => name.endsWith('.md') && name !== 'LOG.md')
    .map((name) => `docs/${name}`),
].map((path) => ({ path, text: readFileSync(join(repositoryRoot, path), 'utf8') }));

const program = await createProgram([
  'alliance',
  'arena',
  'data',
  'label',
  'model',
  'node',
  'privacy',
  'testnet',
]);

/** In code, fenced, indented or within backticks; a command goes on behind a backslash. */
const code = /^```[\s\S]*?^```|^ {4}.*$|`[^`]+`/gm;
const typed = /(?<![\w./@-])starlings((?: +[^\s`|&;#)]+)+)/g;

function commandOf(words: readonly string[]): { readonly command: Command; readonly depth: number } {
  let command = program;
  let depth = 0;
  for (const word of words) {
    const below = command.commands.find((each) => each.name() === word);
    if (below === undefined) break;
    command = below;
    depth++;
  }
  return { command, depth };
}

/** What the words name that there is not. */
function unknownOf(words: readonly string[]): string[] {
  const { command, depth } = commandOf(words);
  const next = words[depth];
  // `node` is a command and has some.
  const isGroup = command.commands.length > 0 && command.name() !== 'node';
  if (isGroup && next !== undefined && /^[a-z][a-z-]*$/.test(next)) return [next];
  const known = new Set([...command.options, ...program.options].flatMap(({ long }) => long ?? []));
  return words
    .slice(depth)
    .map((word) => /^--[a-z][a-z-]*/.exec(word)?.[0])
    .filter((option) => option !== undefined)
    .filter((option) => option !== '--help' && option !== '--version' && !known.has(option));
}

function* invocations({ text }: Page): Generator<readonly string[]> {
  for (const [part] of text.replaceAll(/\\\n\s*/g, ' ').matchAll(code)) {
    for (const [, words] of part.matchAll(typed)) yield words!.trim().split(/ +/);
  }
}

function unknownIn(page: Page): string[] {
  return [...invocations(page)].flatMap((words) =>
    unknownOf(words).map((name) => `${page.path}: starlings ${words.join(' ')}: ${name}`),
  );
}

describe('the README and docs/', () => {
  test('have people type commands and options that there are', () => {
    assert.ok(pages.flatMap((page) => [...invocations(page)]).length > 100);
    assert.deepEqual(pages.flatMap(unknownIn), [], 'it was renamed or went: write the sentence anew');
    const text =
      '    npx starlings start --nodes 3 \\\n      --no-such 4\n`starlings sim fuss` `starlings node leave RUN --nodes 2`';
    assert.deepEqual(unknownIn({ path: 'x.md', text }), [
      'x.md: starlings start --nodes 3 --no-such 4: --no-such',
      'x.md: starlings sim fuss: fuss',
      'x.md: starlings node leave RUN --nodes 2: --nodes',
    ]);
  });
});

/** Commands that are typed, with what their `--help` says. */
function* helps(command: Command, before: string): Generator<{ words: string; of: Command; help: string }> {
  for (const of of command.commands) {
    const words = `${before} ${of.name()}`;
    let help = '';
    of.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    if (of.commands.length === 0 || words === ' node' || words === ' sim') yield { words, of, help };
    yield* helps(of, words);
  }
}

describe('--help of every command', () => {
  test('has an example that can be typed, and exit codes', () => {
    let count = 0;
    for (const { words, of, help } of helps(program, '')) {
      count += 1;
      assert.match(help, /^Exit codes:\n {2}0 {4}done/m, words);
      const typed = /^Example:\n {2}starlings (.+)$/m.exec(help)?.[1];
      assert.ok(typed?.startsWith(words.trim()), `${words}: ${typed}`);
      const all = (typed ?? '').split(' ');
      assert.deepEqual([commandOf(all).command, unknownOf(all)], [of, []], typed);
      const missing = of.options.filter(({ mandatory, long }) => mandatory && !all.includes(long ?? ''));
      assert.deepEqual(
        missing.map(({ long }) => long),
        [],
        typed,
      );
    }
    assert.ok(count > 90, `${count}`);
  });
});
