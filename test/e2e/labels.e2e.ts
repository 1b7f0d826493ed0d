/** The page of annotators in a real browser, over real nodes: labelled and decided with the keyboard alone, whatever the texts of others hold. Skipped where no Chromium is. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { startLabelServer } from '../../src/api/label-server.ts';
import { AnnotatorDesk } from '../../src/cli/parts/annotator-desk.ts';
import { LabelSource } from '../../src/cli/parts/label-project.ts';
import { keyFileOf } from '../../src/daemon/directory.ts';
import { labelsOf } from '../../src/entries/labels/consensus.ts';
import { loadIdentity } from '../../src/network/identity.ts';
import { repositoryRoot } from '../architecture/source-tree.ts';
import { jsonOf, starlings } from '../cli/starlings-process.ts';
import { type LogNode, LogNodes, logRun, until } from '../daemon/log-nodes.ts';
import { crypto } from '../log/small-run.ts';
import { sourceOfAxe } from './axe.ts';
import { launchChromium, noChromium } from './browser.ts';

const evil = '<img src=x onerror="document.title=1"><script>document.title=2</script> & </p>';
const texts = [evil, 'The soup was lovely.', 'The soup was cold.', 'It was open.', 'x'.repeat(4000)];
const question = { kind: 'choice', text: 'Was it <i>good</i>?', choices: ['good', 'bad'] };
const never = new AbortController().signal;

describe('the page of annotators', { skip: noChromium }, () => {
  let browser: Browser;
  before(async () => {
    execFileSync(process.execPath, ['scripts/build-page.ts'], { cwd: repositoryRoot });
    browser = await launchChromium();
  });
  after(() => browser?.close());

  const sourceAt = (node: LogNode): LabelSource =>
    new LabelSource({ target: node.home, run: undefined, crypto, fetchSeconds: 20, say: () => {} });

  async function served(node: LogNode) {
    const stopper = new AbortController();
    const source = sourceAt(node);
    const desk = await until('the records are there', async () => {
      const opened = await AnnotatorDesk.open({ source, own: [], signal: stopper.signal });
      return opened.work().progress.records === texts.length && opened;
    });
    const token = 'ab'.repeat(32);
    const server = await startLabelServer({ port: 0, token, desk, onError: () => {} });
    const done = desk.follow();
    after(async () => {
      stopper.abort();
      await done;
      await server.close();
    });
    return { url: server.url, link: `${server.url}/#code=${token}` };
  }

  async function open(url: string): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(url);
    return { page, complaints };
  }

  const valuesOf = async (node: LogNode): Promise<Record<string, string>> => {
    const { answers, peerKey } = await sourceAt(node).project(never);
    const own = answers.filter(({ author }) => author === peerKey);
    return Object.fromEntries(own.map(({ record, value }) => [record, value]));
  };

  test('is used with the keyboard alone, and shows what others wrote as text', {
    timeout: 180_000,
  }, async () => {
    const nodes = await LogNodes.prepared();
    await mkdir(nodes.at('ann'), { mode: 0o700 });
    const { key } = await loadIdentity(keyFileOf(nodes.at('ann')));
    const guidelines = '</p><script>document.title=3</script>\nRead twice.';
    await nodes.sign(
      logRun([
        { id: 'batch' },
        { id: 'answer', question, guidelines, answersMin: 2 },
        { id: 'ruling', by: [key] },
      ]),
    );
    const [ann, bob] = [await nodes.start('ann'), await nodes.start('bob')];
    const lines = texts.map((text) => `${JSON.stringify({ text })}\n`);
    await writeFile(nodes.at('texts.jsonl'), lines.join(''));
    await until('the records are offered', async () => {
      const given = ['--file', nodes.at('texts.jsonl'), '--name', 'texts', '--json'];
      const end = await starlings('label', 'import', '--dir', ann.home, ...given);
      if (end.exitCode !== 0) throw new Error(end.stderr);
      return jsonOf(end);
    });
    const [atAnn, atBob] = [await served(ann), await served(bob)];

    const stranger = await open(atAnn.url);
    await stranger.page.getByText('open the link that').waitFor();
    await stranger.page.close();

    const { page, complaints } = await open(atAnn.link);
    const record = page.locator('#record');
    await record.waitFor();
    assert.equal(new URL(page.url()).hash, '', 'the code is in no history');
    assert.equal(await record.textContent(), evil);
    assert.equal(await page.locator('#record *').count(), 0, 'no element comes of it');
    assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), question.text);
    await page.keyboard.press('g');
    await page.getByText('Read twice.').waitFor();
    assert.equal(await page.title(), 'starlings: labels');

    // Good, bad, back, good after all; then skip, and the others.
    const told = page.getByRole('status');
    const shows = (text: string) =>
      page.waitForFunction((wanted) => document.querySelector('#record')?.textContent === wanted, text);
    await page.keyboard.press('1');
    await shows(texts[1]!);
    await page.keyboard.press('2');
    await shows(texts[2]!);
    await page.keyboard.press('Backspace');
    await shows(texts[1]!);
    assert.equal(await page.getByRole('button', { name: /^bad/ }).getAttribute('aria-pressed'), 'true');
    await page.keyboard.press('1');
    await shows(texts[2]!);
    assert.equal(await told.textContent(), 'answered: good');
    await page.keyboard.press('2');
    await shows(texts[3]!);
    await page.keyboard.press('s');
    await shows(texts[4]!);
    // A page as large as its longest text is no wider than the window.
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    const axe = await sourceOfAxe();
    const violations = await page.evaluate(
      `${axe}; axe.run({ runOnly: ['wcag2a', 'wcag2aa'] }).then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html).join()))`,
    );
    assert.deepEqual(violations, []);
    // Buttons are reached by Tab, and Enter presses them.
    await page.getByRole('button', { name: /^good/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('Nothing is left to answer').waitFor();
    const said = await until('the log has all', async () => {
      const values = await valuesOf(ann);
      return Object.keys(values).length === 4 && Object.values(values).sort();
    });
    assert.deepEqual(said, ['bad', 'good', 'good', 'good']);

    const other = await open(atBob.link);
    for (const at of texts.keys()) {
      await other.page.getByText(`${at} of 5 answered`).waitFor();
      await other.page.keyboard.press('2');
    }
    await other.page.getByText('Nothing is left to answer').waitFor();
    assert.equal(await other.page.getByRole('button', { name: /^Decide/ }).count(), 0);

    // Three times they differ; Ann decides, with a key.
    await page.getByRole('button', { name: 'Decide 3 d' }).waitFor();
    await page.keyboard.press('d');
    for (const left of [2, 1, 0]) {
      await page.keyboard.press('1');
      await page.getByRole('button', { name: `Decide ${left} d` }).waitFor();
    }
    await page.getByText('Nothing is to be decided').waitFor();
    const statuses = await until('bob has the labels', async () => {
      const labels = labelsOf(await sourceAt(bob).project(never));
      return labels.filter(({ status }) => status === 'decided').length === 3 && labels;
    });
    assert.deepEqual(statuses.map(({ status, label }) => `${status} ${label}`).sort(), [
      'agreed bad',
      'decided good',
      'decided good',
      'decided good',
      'open null',
    ]);
    assert.equal(await page.title(), 'starlings: labels', 'no text has run');
    assert.deepEqual([...complaints, ...other.complaints], []);
  });
});
