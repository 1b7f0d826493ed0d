/** What suites share that look at a page in a real browser. */
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { repositoryRoot } from '../architecture/source-tree.ts';
import { launchChromium } from './browser.ts';

/** To be called in a suite: a browser for its tests, and the pages as they are now. */
export function browserOfSuite(args: readonly string[] = []): () => Browser {
  let browser: Browser;
  before(async () => {
    execFileSync(process.execPath, ['scripts/build-page.ts'], { cwd: repositoryRoot });
    browser = await launchChromium(args);
  });
  after(() => browser?.close());
  return () => browser;
}

export interface Opened {
  readonly page: Page;
  /** What its console said, from the beginning. */
  readonly complaints: string[];
}

export async function opened(page: Page, url: string): Promise<Opened> {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(url);
  return { page, complaints };
}

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

interface Axe {
  run(options: object): Promise<{
    readonly violations: readonly {
      readonly id: string;
      readonly nodes: readonly { readonly html: string }[];
    }[];
  }>;
}

/**
 * What keeps somebody from using a page, as far as axe can tell. A page's own policy lets no script in: it comes by the debugger.
 * `rules`: tags of those that are looked at; all where left out.
 */
export async function violationsOf(page: Page, rules?: readonly string[]): Promise<string[]> {
  await page.evaluate(await readFile(axePath, 'utf8'));
  return page.evaluate(
    async (options) => {
      const { violations } = await (globalThis as unknown as { axe: Axe }).axe.run(options);
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join()}`);
    },
    rules === undefined ? {} : { runOnly: [...rules] },
  );
}
