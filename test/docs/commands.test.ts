/** Commands that pages show, and that sentences of the program tell people to type, are there, with their options. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../architecture/source-tree.ts';
import { starlings } from '../cli/starlings-process.ts';

interface Place {
  readonly commands: ReadonlySet<string>;
  readonly options: ReadonlySet<string>;
}

/** By its words, the program's own left out, as the shell completes them. */
type Tree = ReadonlyMap<string, Place>;

async function treeOfCommands(): Promise<Tree> {
  const { stdout } = await starlings('completion', 'bash');
  const rows = stdout.matchAll(/^ {4}'(.*)'\) words='(.*)' options='(.*)' ;;$/gm);
  return new Map(
    [...rows].map(([, path, commands, options]) => [
      path!,
      { commands: new Set(commands!.split(' ')), options: new Set(options!.split(' ')) },
    ]),
  );
}

/** What of `line` no command knows; null where all is known. */
function unknownIn(tree: Tree, line: string): string | null {
  let path = '';
  const options = new Set(tree.get('')!.options);
  let isOption = false;
  for (const word of line.split(/\s+/).slice(1)) {
    const flag = /^(--[a-z][a-z-]*)/.exec(word)?.[1];
    const place = tree.get(path)!;
    if (flag !== undefined) {
      if (!options.has(flag)) return `${path || 'starlings'} ${flag}`;
      isOption = true;
    } else if (place.commands.has(word)) {
      path = `${path} ${word}`.trim();
      for (const option of tree.get(path)!.options) options.add(option);
      isOption = false;
    } else if (
      !isOption &&
      /^[a-z-]+$/.test(word) &&
      place.commands.size > 1 &&
      path !== 'node' &&
      path !== 'sim'
    ) {
      return `${path} ${word}`.trim();
    }
  }
  return null;
}

/** From `starlings` on, up to what is no part of the command: a comment, a pipe, the end of code in prose, a value of a template. */
function commandsIn(text: string): string[] {
  const lines = text
    .replaceAll(/\\\n\s*/g, '')
    .matchAll(/(?:^ {4}(?:npx )?|npx |`(?:npx )?)(starlings [a-z][^\n`#|;&$]*)/gm);
  const started = text.matchAll(/npm start -- ([^\n`#|;&$]*)/g);
  return [
    ...[...lines].map(([, line]) => line!),
    ...[...started].map(([, rest]) => `starlings start ${rest}`),
  ];
}

const pages = ['README.md', 'SECURITY.md', 'docs/*.md', 'examples/**/*.md', 'configs/**/*.{yaml,service}'];
/** What was there on the day it was written, and a sentence that begins with our name. */
const others = ['docs/LOG.md', 'src/cli/main.ts'];

test('commands that are shown or told are there, with their options', async () => {
  const tree = await treeOfCommands();
  assert.ok(tree.size > 40 && tree.get('node join')!.options.has('--data'));
  assert.equal(unknownIn(tree, 'starlings start --nodes 3'), null);
  assert.equal(unknownIn(tree, 'starlings strat'), 'strat');
  assert.equal(unknownIn(tree, 'starlings model list'), 'model list');
  assert.equal(unknownIn(tree, 'starlings node join --nodes 3'), 'node join --nodes');
  let seen = 0;
  const unknown = globSync([...pages, 'src/**/*.{ts,tsx}', 'sim/**/*.ts'], { cwd: repositoryRoot })
    .filter((path) => !others.includes(path))
    .flatMap((path) =>
      commandsIn(readFileSync(join(repositoryRoot, path), 'utf8')).flatMap((line) => {
        seen += 1;
        const what = unknownIn(tree, line);
        return what === null ? [] : [`${path}: ${line.trim()}: ${what}`];
      }),
    );
  assert.ok(seen > 150, `${seen} commands`);
  assert.deepEqual(unknown, []);
});
