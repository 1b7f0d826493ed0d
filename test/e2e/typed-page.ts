/** docs/COMMUNITY.md as somebody types it who reads it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { repositoryRoot } from '../architecture/source-tree.ts';
import { entry } from '../cli/entry.ts';

const page = readFileSync(join(repositoryRoot, 'docs/COMMUNITY.md'), 'utf8');
/** Of one command: training takes the longest. */
const deadlineMs = 120_000;

/** Commands in the blocks of `sh` of a section, in order. */
export function linesOf(section: string): string[] {
  const text = page.split(/^## /m).find((each) => each.startsWith(`${section}\n`)) ?? '';
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block]) =>
    block!.split('\n').filter((line) => line.startsWith('starlings ')),
  );
}

/** `told`: what stands in the page in capitals, and is what a command before has printed. */
function wordsOf(line: string, folder: string, told: ReadonlyMap<string, string>): string[] {
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
  return words.slice(1).flatMap((word) => {
    const said = told.get(word);
    if (said !== undefined) return [said];
    return word.includes('*') ? globSync(word, { cwd: folder }) : [word];
  });
}

export interface Typed {
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

export async function until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = Date.now() + deadlineMs;
  while (!(await look())) {
    assert.ok(Date.now() < endMs, `not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What is true soon, and not yet: an entry is on its way. */
const soon = /has no model|nobody is there|no way to it/;

export interface Typing {
  /** Resolves when a line that goes on in the background has begun. */
  isReady(line: string, typed: Typed): Promise<void>;
  /** What stands in lines after it in capitals. */
  toldBy(line: string, printed: string, tookMs: number): Readonly<Record<string, string>>;
  asTyped?(line: string): string;
  /** Else it is typed again; left out: with exit code 0. */
  isDone?(line: string, code: number | null, printed: string): boolean;
}

export class TypedPage {
  readonly folder: string;
  readonly running: { readonly line: string; readonly typed: Typed }[] = [];
  /** What each line printed. */
  readonly printed = new Map<string, string>();

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async begun(): Promise<TypedPage> {
    const begun = new TypedPage(await mkdtemp(join(tmpdir(), 'starlings-page-')));
    after(async () => {
      await Promise.all(begun.running.map(({ typed }) => typed.stop()));
      await rm(begun.folder, { recursive: true, force: true });
    });
    return begun;
  }

  type(...words: readonly string[]): Typed {
    return type(words, this.folder);
  }

  /** Line by line: one needs what those before it did. */
  async typeAll(
    t: TestContext,
    lines: readonly string[],
    { isReady, toldBy, asTyped = (line) => line, isDone = (_line, code) => code === 0 }: Typing,
  ): Promise<void> {
    const told = new Map<string, string>();
    let isWhole = true;
    for (const line of lines) {
      if (!isWhole) break;
      await t.test(line, async () => {
        isWhole = false;
        const words = wordsOf(asTyped(line.replace(/ &$/, '')), this.folder, told);
        if (line.endsWith(' &')) {
          const typed = this.type(...words);
          this.running.push({ line, typed });
          await isReady(line, typed);
        } else {
          const beganMs = Date.now();
          const printed = await this.#done(line, words, isDone);
          this.printed.set(line, printed);
          for (const [name, value] of Object.entries(toldBy(line, printed, Date.now() - beganMs)))
            told.set(name, value);
        }
        isWhole = true;
      });
    }
  }

  /** What it prints. What is true soon is tried again. */
  async #done(line: string, words: readonly string[], isDone: Typing['isDone'] & {}): Promise<string> {
    let typed = this.type(...words);
    await until(line, async () => {
      const code = await typed.ended;
      if (isDone(line, code, typed.text())) return true;
      if (code !== 0) assert.match(typed.text(), soon, line);
      typed = this.type(...words);
      return false;
    });
    return typed.text();
  }
}
