/** The commands of docs/COMMUNITY.md, typed one after the other as they stand there. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { repositoryRoot } from '../architecture/source-tree.ts';

const page = readFileSync(join(repositoryRoot, 'docs/COMMUNITY.md'), 'utf8');
const entry = join(repositoryRoot, 'src/cli/main.ts');
/** Of one command: training takes the longest. */
const deadlineMs = 120_000;

/** Lines of the blocks of `sh`, in order. */
const lines = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block]) =>
  block!.split('\n').filter((line) => line.startsWith('starlings ')),
);

function wordsOf(line: string, folder: string, invitation: string): string[] {
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
  return words.slice(1).flatMap((word) => {
    if (word === 'INVITATION') return [invitation];
    return word.includes('*') ? globSync(word, { cwd: folder }) : [word];
  });
}

interface Typed {
  readonly text: () => string;
  readonly ended: Promise<number | null>;
  stop(): Promise<number | null>;
}

function type(words: readonly string[], cwd: string): Typed {
  const child = spawn(process.execPath, [entry, ...words], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (text += String(chunk)));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const stop = (): Promise<number | null> => {
    child.kill('SIGTERM');
    return ended;
  };
  return { text: () => text, ended, stop };
}

async function until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = Date.now() + deadlineMs;
  while (!(await look())) {
    assert.ok(Date.now() < endMs, `not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What is true soon, and not yet: a node begins its second round, an entry is on its way. */
const soon =
  /try again in the next round|has no model|nothing can be logged while|not running yet|nobody is there|no way to it/;

test('every command of docs/COMMUNITY.md does what the page says', async (t) => {
  assert.ok(lines.length > 15, 'the page has commands');
  const folder = await mkdtemp(join(tmpdir(), 'starlings-evening-'));
  const running: { readonly line: string; readonly typed: Typed }[] = [];
  after(async () => {
    await Promise.all(running.map(({ typed }) => typed.stop()));
    await rm(folder, { recursive: true, force: true });
  });
  await symlink(join(repositoryRoot, 'configs'), join(folder, 'configs'));
  let invitation = '';
  const told = new Map<string, string>();
  let isWhole = true;
  for (const line of lines) {
    // One needs what those before it did.
    if (!isWhole) break;
    await t.test(line, async () => {
      isWhole = false;
      const isBackground = line.endsWith(' &');
      const words = wordsOf(line.replace(/ &$/, ''), folder, invitation);
      if (isBackground) {
        const typed = type(words, folder);
        running.push({ line, typed });
        const ready = line.includes('serve') ? 'serving ' : 'address ';
        await until(`${line} is ready: ${typed.text()}`, () => typed.text().includes(ready));
        if (line.includes('serve')) await asked(typed);
        isWhole = true;
        return;
      }
      let typed = type(words, folder);
      await until(line, async () => {
        if ((await typed.ended) === 0) return true;
        assert.match(typed.text(), soon, line);
        typed = type(words, folder);
        return false;
      });
      told.set(line, typed.text());
      invitation = /starlings:\S+/.exec(typed.text())?.[0] ?? invitation;
      isWhole = true;
    });
  }
  const verified = told.get(lines.find((line) => line.includes('model verify'))!)!;
  assert.match(verified, /^ok\s+model of the log: [0-9a-f]{64}$/m);
  assert.match(verified, /^ok\s+weights: [0-9a-f]{64}$/m);
  assert.doesNotMatch(verified, /differs/);

  // What was served is told when the server ends, and seen by others.
  const server = running.find(({ line }) => line.includes('serve'))!;
  await server.typed.stop();
  assert.doesNotMatch(server.typed.text(), /trouble/);
  await until('usage and retirement are seen', async () => {
    const typed = type(['model', 'show', '--dir', 'bob', '--model', 'digits@1.0'], folder);
    await typed.ended;
    return /5\.0 of 5 by 1; 1 requests; retired: a better one is coming/.test(typed.text());
  });
});

async function asked(server: Typed): Promise<void> {
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(server.text())![0];
  const body = JSON.stringify({ model: 'digits@1.0', rows: [new Array(784).fill(0)] });
  const response = await fetch(`${url}/predict`, { method: 'POST', body });
  assert.equal(response.status, 200);
  const { predictions } = (await response.json()) as { predictions: readonly unknown[] };
  assert.equal(predictions.length, 1);
}
