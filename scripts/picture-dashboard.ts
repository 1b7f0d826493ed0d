/**
 * The pictures of the dashboard in docs/pictures, of a run of eight real nodes. Needs a Chromium (CHROMIUM names another than
 * /usr/bin/chromium) and two minutes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('..', import.meta.url));
const pictures = join(root, 'docs/pictures');
const roundPictured = 45;
const patienceMs = 240_000;

const directory = mkdtempSync(join(tmpdir(), 'starlings-picture-'));
const nodes = spawn(
  process.execPath,
  ['src/cli/main.ts', 'start', '--dir', directory, '--rounds', '60', '--slot-ms', '1500'],
  { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
);
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
try {
  const url = await dashboardOf(nodes.stdout);
  mkdirSync(pictures, { recursive: true });
  const page = await browser.newPage({ viewport: { width: 1400, height: 1010 } });
  await page.goto(url);
  await page.getByText(`${roundPictured} of 60`).waitFor({ timeout: patienceMs });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    // Two frames: the first has the new colours, the second what is drawn with them.
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    await page.screenshot({ path: join(pictures, `dashboard-${colorScheme}.png`) });
  }
} finally {
  await browser.close();
  nodes.kill('SIGINT');
  if (nodes.exitCode === null) await once(nodes, 'exit');
  rmSync(directory, { recursive: true, force: true });
}

async function dashboardOf(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface(output)) {
    const [, url] = /^dashboard (http:\S+)$/.exec(line) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error('the nodes ended before they had a dashboard');
}
