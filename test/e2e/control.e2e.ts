/** A real node commanded from its page in a real browser, and pages that mean harm. Skipped where no Chromium is. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { BrowserContext } from 'playwright-core';
import { commandNode, linkToNode } from '../../src/daemon/connect.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { createRun, writeManifestFile } from '../../src/node/files/manifest-file.ts';
import { makeIdentity, noOpenssl } from '../api/certificates.ts';
import { crypto, signerOf } from '../log/small-run.ts';
import { tableRun } from '../run/table-run.ts';
import { noChromium } from './browser.ts';
import { browserOfSuite, type Opened, opened, violationsOf } from './page-suite.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-control-'));
after(() => rm(directory, { recursive: true, force: true }));
const at = (name: string): string => join(directory, name);
const never = new AbortController().signal;

const rows = Array.from({ length: 60 }, (_, k) => `${k % 10},${k % 7},${k % 10 > k % 7 ? 1 : 0}`);
await writeFile(at('clinic.csv'), rows.join('\n'));

async function manifestOf(
  name: string,
  file: string,
): Promise<{ readonly runId: string; readonly file: string }> {
  const spec = tableRun({
    name,
    rounds: 30,
    slotMs: 400,
  });
  const run = createRun(spec, Date.now() + 1000, crypto, signerOf(9));
  await writeManifestFile(at(file), run);
  return { runId: run.runId, file: at(file) };
}

async function daemon(name: string, api = {}) {
  const stopper = new AbortController();
  const running = await startDaemon(
    {
      ...{ directory: at(name), listen: ['/ip4/127.0.0.1/tcp/0'], announce: [], bootstrap: [], api },
      ...{ logLevel: 'debug', httpPort: 0, runs: [], tell: () => {} },
    },
    stopper.signal,
  );
  after(async () => {
    stopper.abort();
    await running.closed.catch(() => {});
  });
  return { ...running, home: at(name), http: running.info.http! };
}

const runsOf = async (home: string): Promise<unknown[]> =>
  (await commandNode(home, 'list', {}, never))['runs'] as unknown[];

describe('a node that is commanded from its page', { skip: noChromium }, () => {
  const browser = browserOfSuite(['--host-resolver-rules=MAP evil.example 127.0.0.1']);

  async function open(
    url: string,
    context: Pick<BrowserContext, 'newPage'> = browser(),
  ): Promise<Opened & { readonly asked: readonly string[] }> {
    const page = await context.newPage();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    const shown = await opened(page, url);
    await page.getByRole('heading', { name: 'Command this node' }).waitFor();
    return { ...shown, asked };
  }

  test('by a link that works once: it joins, keeps the model, leaves and stops', {
    timeout: 120_000,
  }, async () => {
    const run = await manifestOf('asked', 'asked.manifest');
    const node = await daemon('commanded');
    const link = await linkToNode(node.home, never);
    const code = link.split('=')[1]!;
    const { page, complaints, asked } = await open(link);
    await page.getByRole('button', { name: 'Join' }).waitFor();
    assert.equal(page.url(), `${node.http}/`, 'the code is gone from the address');
    assert.ok(
      asked.every((url) => !url.includes(code)),
      'and was in none that was asked for',
    );

    await page.getByLabel('invitation or run id').fill(run.file);
    // What the node says of it is text.
    await page.getByLabel('your examples').fill(at('<img src=x onerror="document.title=1">nowhere.csv'));
    await page.getByRole('button', { name: 'Join' }).click();
    await page.locator('.told', { hasText: 'nowhere.csv' }).waitFor();
    assert.equal(await page.locator('img').count(), 0);
    assert.equal(await page.title(), 'starlings');
    assert.deepEqual(await runsOf(node.home), []);
    await page.getByLabel('your examples').fill(at('clinic.csv'));
    await page.getByRole('button', { name: 'Check the examples' }).click();
    await page.locator('.told', { hasText: '48 to learn from, 12 held out' }).waitFor();
    await page.getByRole('button', { name: 'Join' }).click();
    await page.locator('.told', { hasText: /^joined/ }).waitFor();
    assert.equal((await runsOf(node.home)).length, 1);

    await page.getByLabel('how the run goes').getByText('all rounds are done').waitFor({ timeout: 60_000 });
    const download = page.waitForEvent('download', { timeout: 30_000 });
    await page.getByRole('button', { name: 'Download the model' }).click();
    const file = await download;
    assert.match(file.suggestedFilename(), /^[\w.-]+\.safetensors$/);
    const kept = join(node.home, 'runs', run.runId, 'model.safetensors');
    assert.deepEqual(await readFile(await file.path()), await readFile(kept));

    await page.getByRole('button', { name: 'Pause asked' }).click();
    await page.locator('.told', { hasText: /^paused/ }).waitFor();
    await page.getByRole('button', { name: 'Resume asked' }).waitFor();

    const leave = page.getByRole('button', { name: /^Leave / });
    await leave.click();
    assert.equal((await runsOf(node.home)).length, 1, 'it asks first');
    await leave.click();
    await page.locator('.told', { hasText: /^left/ }).waitFor();
    assert.deepEqual(await runsOf(node.home), []);

    const again = await open(link);
    await again.page.getByText('this link was used or is too old').waitFor();
    await again.page.close();
    complaints.length = 0;
    const stop = page.getByRole('button', { name: /^Stop the node/ });
    await stop.click();
    await stop.click();
    await node.closed;
    const log = await readFile(join(node.home, 'log.jsonl'), 'utf8');
    assert.ok(!log.includes(code));
  });

  test('with the token, pasted; with the keyboard alone; and what axe says of it', async () => {
    const node = await daemon('pasted');
    const token = (await readFile(join(node.home, 'control.token'), 'utf8')).trim();
    const { page } = await open(node.http);
    assert.equal(await page.getByRole('button', { name: 'Join' }).count(), 0);
    assert.deepEqual(await violationsOf(page), []);
    await page.getByLabel('token').focus();
    await page.keyboard.type('0'.repeat(64));
    await page.keyboard.press('Enter');
    await page.getByText(/need the token in the control\.token/).waitFor();
    await page.getByLabel('token').focus();
    await page.keyboard.type(token);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Join' }).waitFor();
    assert.deepEqual(await violationsOf(page), []);
    await page.reload();
    await page.getByRole('button', { name: 'Join' }).waitFor();
    const other = await open(node.http);
    assert.equal(await other.page.getByRole('button', { name: 'Join' }).count(), 0, 'it is in one tab alone');
    await page.getByRole('button', { name: 'Forget the token' }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('token').waitFor();
    await page.setViewportSize({ width: 360, height: 740 });
    // Plots are drawn anew for it.
    await page.waitForFunction(() => document.documentElement.scrollWidth <= 360);
  });

  test('from another machine nothing is shown without the token, and all with it', {
    skip: noOpenssl,
  }, async () => {
    const identity = makeIdentity(directory, 'page', 'IP:127.0.0.1');
    const node = await daemon('remote', { listen: '0.0.0.0:0', ...identity.files });
    const context = await browser().newContext({ ignoreHTTPSErrors: true });
    const { page } = await open(node.http, context);
    assert.equal(await page.locator('.bird').count(), 0);
    await page.getByLabel('token').fill((await readFile(join(node.home, 'control.token'), 'utf8')).trim());
    await page.getByRole('button', { name: 'Use it' }).click();
    await page.locator('.bird').waitFor();
    await page.getByRole('button', { name: 'Join' }).waitFor();
    const linked = await open(await linkToNode(node.home, never), context);
    await linked.page.locator('.bird').waitFor();
    await context.close();
  });

  test('a page of somebody else commands nothing and reads nothing, under its own name or under ours', async () => {
    const node = await daemon('attacked');
    const token = (await readFile(join(node.home, 'control.token'), 'utf8')).trim();
    const evil = createServer((_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>evil</title>'),
    ).listen(0, '127.0.0.1');
    await once(evil, 'listening');
    after(() => evil.close());
    const { port } = evil.address() as { port: number };
    const page = await browser().newPage();
    await page.goto(`http://evil.example:${port}/`);
    // Even one that knows the token.
    const got = await page.evaluate(
      async ([http, bearer]) => {
        const headers = { 'x-starlings': 'command', authorization: `Bearer ${bearer}` };
        const tries: RequestInit[] = [
          { method: 'POST', headers, body: '{}' },
          { method: 'POST', mode: 'no-cors', headers: { 'content-type': 'text/plain' }, body: '{}' },
          { method: 'POST', mode: 'no-cors', body: new URLSearchParams({ a: 'b' }) },
        ];
        for (const init of tries) await fetch(`${http}/stop`, init).catch(() => null);
        const form = document.createElement('form');
        form.method = 'POST';
        form.action = `${http}/stop`;
        form.target = 'frame';
        const frame = document.createElement('iframe');
        frame.name = 'frame';
        document.body.append(frame, form);
        form.submit();
        const read = await fetch(`${http}/status`).then(
          (response) => response.text(),
          () => 'refused',
        );
        return [read, await fetch(`${http}/live`).then(String, () => 'refused')];
      },
      [node.http, token] as const,
    );
    assert.deepEqual(got, ['refused', 'refused']);
    // Its name leads here now: DNS rebinding.
    const rebound = await page.goto(`http://evil.example:${new URL(node.http).port}/status`);
    assert.equal(rebound!.status(), 403);
    assert.deepEqual(await runsOf(node.home), [], 'it was not stopped');
    // It may not be shown in a frame either.
    await page.goto(`http://evil.example:${port}/`);
    const framed = await page.evaluate(async (http) => {
      const frame = document.createElement('iframe');
      frame.src = http;
      document.body.append(frame);
      await new Promise((resolve) => frame.addEventListener('load', resolve));
      return frame.contentDocument === null;
    }, node.http);
    assert.ok(framed);
    const inside = page.frames().at(-1)!;
    assert.equal(
      await inside
        .locator('#page')
        .count()
        .catch(() => 0),
      0,
    );
  });
});
