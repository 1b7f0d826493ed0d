/** The dashboard in a real browser: it is live, comes back, and what peers are called is text. Skipped where no Chromium is. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { pageReport } from '../../src/api/page-report.ts';
import { startPageServer } from '../../src/api/page-server.ts';
import { readInvitation } from '../../src/node/invitation.ts';
import { apiOf, peerKey } from '../api/api-of-one-node.ts';
import { someView } from '../node/some-view.ts';
import { noChromium } from './browser.ts';
import { browserOfSuite, type Opened, opened, violationsOf } from './page-suite.ts';
import { flockRun, keyOf, someFlock } from './some-flock.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-page-'));
after(() => rm(directory, { recursive: true, force: true }));
const hostile = '<img src=x onerror="document.title=1">';
const names = ['Ward 1', 'Ward 2', hostile, 'a-name-that-is-longer-than-any-screen-of-a-telephone-is-wide'];

describe('the dashboard', { skip: noChromium }, () => {
  const browser = browserOfSuite();

  /** Opened and greeted, and what its console said. */
  async function open(
    url: string,
    { width = 1280, height = 900, colorScheme = 'light' as 'light' | 'dark', locale = 'en-US' } = {},
  ): Promise<Opened> {
    const options = { viewport: { width, height }, colorScheme, locale };
    const shown = await opened(await browser().newPage(options), url);
    await shown.page.waitForSelector('.flock .bird');
    return shown;
  }

  async function flockPage(options: Parameters<typeof open>[1] = {}) {
    const feed = someFlock(names, 60);
    const server = await startPageServer({ port: 0, feed, onError: assert.ifError });
    after(() => server.close());
    return { feed, ...(await open(server.url, options)) };
  }

  test('shows all nodes, and what happens within 200 ms', async () => {
    const { feed, page, complaints } = await flockPage();
    assert.equal(await page.locator('.bird').count(), names.length);
    assert.equal(await page.locator('.links line').count(), 6);
    assert.equal(await page.locator('.canvas canvas').count(), 4);
    const command = (await page.locator('.invitation pre').textContent()) ?? '';
    const [, invitation = ''] = /^\s*starlings join (\S+) --data YOUR_DATA\s*$/.exec(command) ?? [];
    const { runId, addresses } = readInvitation(invitation);
    assert.deepEqual([runId, addresses.length], [flockRun, 3]);
    assert.ok((await page.locator('.qr').boundingBox())!.width > 200);
    const seen = page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          const observer = new MutationObserver(() => {
            if (document.body.textContent?.includes('the disk is full')) resolve(Date.now());
          });
          observer.observe(document.body, { childList: true, subtree: true, characterData: true });
        }),
    );
    // The observer is there once the page answers again.
    await page.evaluate(() => 0);
    const atMs = Date.now();
    feed.tell({
      node: 'Ward 1',
      pulses: [keyOf(0)],
      events: [{ atMs, node: 'Ward 1', runId: flockRun, tone: 'trouble', text: 'the disk is full' }],
    });
    const tookMs = (await seen) - atMs;
    assert.ok(tookMs < 200, `${tookMs} ms`);
    feed.tell({ node: 'Ward 2', isUp: false });
    await page.locator('.bird.down').waitFor();
    assert.deepEqual(complaints, []);
  });

  test('is there in a browser whose locale is none that it knows', async () => {
    const { page, complaints } = await flockPage({ locale: 'en-US@posix' });
    assert.equal(await page.evaluate(() => navigator.languages[0]), 'en-US@posix');
    assert.equal(await page.locator('.bird').count(), names.length);
    assert.equal(await page.locator('.canvas canvas').count(), 4);
    assert.deepEqual(complaints, []);
  });

  test('draws what a task measures in place of accuracy, each in a chart of its own', async () => {
    const { feed, page, complaints } = await flockPage();
    for (const round of [61, 62]) {
      const figures = { heldOutLoss: 1, measures: { rmse: 60 - round, 'AUC <b>x</b>': 0.5 } };
      feed.tell({ node: names[0]!, notes: [{ runId: flockRun, note: { kind: 'figures', round, figures } }] });
    }
    await page.waitForSelector('figcaption:text("rmse on held-out examples")');
    assert.equal(await page.locator('.canvas canvas').count(), 6);
    const label = await page.getByLabel(/^rmse on held-out examples/).getAttribute('aria-label');
    assert.equal(label, 'rmse on held-out examples: Ward 1 -2');
    assert.equal(await page.locator('figcaption b').count(), 0);
    assert.deepEqual(complaints, []);
  });

  test('is painted within a second', async () => {
    const { page } = await flockPage();
    const paintedMs = await page.evaluate(
      () => performance.getEntriesByName('first-contentful-paint')[0]!.startTime,
    );
    assert.ok(paintedMs < 1000, `${paintedMs} ms`);
  });

  test('takes what peers are called for text, and lets nothing in from elsewhere', async () => {
    const { page, complaints } = await flockPage();
    assert.ok((await page.locator('tbody').textContent())!.includes(hostile));
    assert.equal(await page.locator('img').count(), 0);
    assert.equal(await page.title(), 'starlings');
    assert.deepEqual(complaints, []);
    const refused = await page.evaluate(async () => {
      const script = document.createElement('script');
      script.textContent = 'document.title = "inline"';
      document.body.append(script);
      return [document.title, await fetch('http://127.0.0.1:9/').then(String, () => 'refused')];
    });
    assert.deepEqual(refused, ['starlings', 'refused']);
  });

  test('says of sums that hide what each learned what can be said of them', async () => {
    const feed = someFlock(names, 60);
    for (const { id, runs } of feed.hello().nodes)
      feed.tell({
        node: id,
        views: runs.map(({ view }) => ({ ...view, run: { ...view.run!, shareOf: 'sums' } })),
      });
    const server = await startPageServer({ port: 0, feed, onError: assert.ifError });
    after(() => server.close());
    const { page } = await open(server.url);
    const section = page.locator('section[aria-labelledby="shares"]');
    assert.equal(await section.locator('h2').textContent(), 'Who took part in the model');
    const text = (await section.textContent()) ?? '';
    assert.match(text, /nobody can tell: what a member learned is hidden/);
    assert.match(text, /25\.0 %, 55 sums/);
    assert.doesNotMatch(text, /norm|delta/);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`can be used by everybody, as far as axe can tell: ${colorScheme}`, async () => {
      const { page } = await flockPage({ colorScheme });
      assert.deepEqual(await violationsOf(page), []);
    });
  }

  for (const [width, height] of [
    [360, 740],
    [820, 1180],
    [3840, 2160],
  ] as const) {
    test(`fits a screen of ${width} by ${height}`, async () => {
      const { page, complaints } = await flockPage({ width, height });
      const [needed, clipped] = await page.evaluate(() => [
        document.documentElement.scrollWidth,
        [...document.querySelectorAll('.canvas')].filter(
          (canvas) => canvas.scrollWidth > canvas.clientWidth || canvas.scrollHeight > canvas.clientHeight,
        ).length,
      ]);
      assert.ok(needed! <= width, `it is ${needed} wide`);
      assert.equal(clipped, 0, 'no plot is clipped');
      assert.deepEqual(complaints, []);
    });
  }

  test('says that its node is gone, and goes on when the node is back', async () => {
    const node = await apiOf([someView({ peerKey, loss: 0.5 })]);
    const { page } = await open(node.http);
    node.say({ source: 'session', event: { kind: 'saved', path: '/models/one', modelHash: 'aa' } });
    await page.getByText('/models/one').waitFor();
    await node.close();
    await page.getByText('not connected').waitFor();
    assert.ok(await page.getByText('/models/one').isVisible(), 'what was known stays');
    const again = await apiOf([someView({ peerKey, loss: 0.25 })], Number(new URL(node.http).port));
    after(() => again.close());
    await page.getByText('live', { exact: true }).waitFor();
    again.say({ source: 'session', event: { kind: 'saved', path: '/models/two', modelHash: 'bb' } });
    await page.getByText('/models/two').waitFor();
    assert.ok(await page.getByText('/models/one').isVisible());
  });

  test('is a report that opens from a file, alone', async () => {
    const file = join(directory, 'report.html');
    await writeFile(file, await pageReport(someFlock(names, 60).hello()));
    const { page, complaints } = await open(pathToFileURL(file).href);
    assert.ok(await page.getByText('as it stood last').isVisible());
    assert.equal(await page.locator('.canvas canvas').count(), 4);
    assert.ok((await page.locator('tbody').textContent())!.includes(hostile));
    assert.equal(await page.title(), 'starlings');
    assert.deepEqual(complaints, []);
  });

  test('can be used with the keyboard, and remembers light or dark', async () => {
    const { page } = await flockPage();
    const theme = () => page.evaluate(() => document.documentElement.dataset['theme']);
    assert.equal(await theme(), 'light');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    assert.equal(await theme(), 'dark');
    await page.reload();
    await page.waitForSelector('.bird');
    assert.equal(await theme(), 'dark');
  });
});
