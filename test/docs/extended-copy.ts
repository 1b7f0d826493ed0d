/** A copy of the sources with what a page adds to them, as its reader would: files from its examples, lines from its diffs. */
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { repositoryRoot } from '../architecture/source-tree.ts';

/** Returns the folder of the copy; whoever asked for it removes it. `names`: what is copied besides src and sim. */
export async function extendedCopy(page: string, names: readonly string[]): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'starlings-extended-'));
  for (const name of ['src', 'sim', 'package.json', 'tsconfig.json', ...names]) {
    await cp(join(repositoryRoot, name), join(copy, name), { recursive: true });
  }
  await symlink(join(repositoryRoot, 'node_modules'), join(copy, 'node_modules'), 'dir');
  for (const [, file, code] of page.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)) {
    await mkdir(dirname(join(copy, file!)), { recursive: true });
    await writeFile(join(copy, file!), code!);
  }
  for (const { file, hunks } of diffsOf(page)) {
    await writeFile(join(copy, file), patched(await readFile(join(copy, file), 'utf8'), hunks));
  }
  return copy;
}

interface Diff {
  readonly file: string;
  readonly hunks: string;
}

export function diffsOf(page: string): Diff[] {
  return [...page.matchAll(/```diff\n--- (\S+)\n([\s\S]*?)```/g)].map(([, file, hunks]) => ({
    file: file!,
    hunks: hunks!,
  }));
}

/** The text with each hunk's lines of before (` ` and `-`) replaced by those of after (` ` and `+`). */
function patched(text: string, hunks: string): string {
  return hunks.split('@@\n').reduce((result, hunk) => {
    const lines = hunk.trimEnd().split('\n');
    const side = (mark: string) =>
      lines.flatMap((line) => ([' ', mark].includes(line[0]!) ? [`${line.slice(1)}\n`] : [])).join('');
    assert.ok(result.includes(side('-')), `not there to be changed:\n${side('-')}`);
    return result.replace(side('-'), side('+'));
  }, text);
}

/** The part of docs/EXTENDING.md under a heading of the second level. */
export async function extendingPart(title: string): Promise<string> {
  const page = await readFile(join(repositoryRoot, 'docs/EXTENDING.md'), 'utf8');
  const part = page.split(/^(?=## )/m).find((text) => text.startsWith(`## ${title}\n`));
  assert.ok(part, `docs/EXTENDING.md has no part "${title}"`);
  return part;
}
