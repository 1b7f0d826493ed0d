/** The page of annotators in a real browser, over real nodes: labelled and decided with the keyboard alone, whatever the texts of others hold. Skipped where no Chromium is. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { after, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { startLabelServer } from '../../src/api/label-server.ts';
import { AnnotatorDesk } from '../../src/cli/parts/label/annotator-desk.ts';
import { LabelSource } from '../../src/cli/parts/label/label-project.ts';
import { Suggester } from '../../src/cli/parts/label/suggester.ts';
import { Suggestions } from '../../src/cli/parts/label/suggestions.ts';
import { wordColumns } from '../../src/cli/parts/label/word-counts.ts';
import { keyFileOf } from '../../src/daemon/directory.ts';
import { agreementOf } from '../../src/entries/labels/agreement.ts';
import { labelsOf } from '../../src/entries/labels/consensus.ts';
import { questionSchema } from '../../src/entries/labels/question.ts';
import { writeSafetensors } from '../../src/learning/model-files/safetensors.ts';
import { loadIdentity } from '../../src/network/identity.ts';
import type { ModelSpec } from '../../src/tasks/models/registry.ts';
import { jsonOf, starlings } from '../cli/starlings-process.ts';
import { type LogNode, LogNodes, logRun, until } from '../daemon/log-nodes.ts';
import { crypto } from '../log/small-run.ts';
import { noChromium } from './browser.ts';
import { browserOfSuite, type Opened, opened, violationsOf } from './page-suite.ts';

const evil = '<img src=x onerror="document.title=1"><script>document.title=2</script> & </p>';
const texts = [evil, 'The soup was lovely.', 'The soup was cold.', 'It was open.', 'x'.repeat(4000)];
const question = { kind: 'choice', text: 'Was it <i>good</i>?', choices: ['good', 'bad'] };
const never = new AbortController().signal;

describe('the page of annotators', { skip: noChromium }, () => {
  const browser = browserOfSuite();

  const sourceAt = (node: LogNode): LabelSource =>
    new LabelSource({ target: node.home, run: undefined, crypto, fetchSeconds: 20, say: () => {} });

  async function served(node: LogNode, records = texts.length, suggestions: Suggestions | null = null) {
    const stopper = new AbortController();
    const source = sourceAt(node);
    const desk = await until('the records are there', async () => {
      const opened = await AnnotatorDesk.open({
        ...{ source, own: [], suggestions, signal: stopper.signal },
      });
      return opened.work().progress.records === records && opened;
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

  /** Ann decides. */
  async function annAndBob(asked: object): Promise<Record<'ann' | 'bob', LogNode> & { nodes: LogNodes }> {
    const nodes = await LogNodes.prepared();
    await mkdir(nodes.at('ann'), { mode: 0o700 });
    const { key } = await loadIdentity(keyFileOf(nodes.at('ann')));
    await nodes.sign(
      logRun([{ id: 'batch' }, { id: 'answer', answersMin: 2, ...asked }, { id: 'ruling', by: [key] }]),
    );
    return { nodes, ann: await nodes.start('ann'), bob: await nodes.start('bob') };
  }

  async function offer(nodes: LogNodes, node: LogNode, offered: readonly string[]): Promise<void> {
    const lines = offered.map((text) => `${JSON.stringify({ text })}\n`);
    await writeFile(nodes.at('texts.jsonl'), lines.join(''));
    await until('the records are offered', async () => {
      const given = ['--file', nodes.at('texts.jsonl'), '--name', 'texts', '--json'];
      const end = await starlings('label', 'import', '--dir', node.home, ...given);
      if (end.exitCode !== 0) throw new Error(end.stderr);
      return jsonOf(end);
    });
  }

  const labelsAt = async (node: LogNode): Promise<readonly string[]> =>
    labelsOf(await sourceAt(node).project(never)).map(({ status, label }) => `${status} ${label}`);

  async function checkAccess(page: Page): Promise<void> {
    assert.deepEqual(await violationsOf(page, ['wcag2a', 'wcag2aa']), []);
  }

  const open = async (url: string): Promise<Opened> => opened(await browser().newPage(), url);

  const valuesOf = async (node: LogNode): Promise<Record<string, string>> => {
    const { answers, peerKey } = await sourceAt(node).project(never);
    const own = answers.filter(({ author }) => author === peerKey);
    return Object.fromEntries(own.map(({ record, value }) => [record, value]));
  };

  test('is used with the keyboard alone, and shows what others wrote as text', {
    timeout: 180_000,
  }, async () => {
    const guidelines = '</p><script>document.title=3</script>\nRead twice.';
    const { nodes, ann, bob } = await annAndBob({ question, guidelines });
    await offer(nodes, ann, texts);
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
    await checkAccess(page);
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

  test('marks parts of a text with the keyboard and with the mouse', { timeout: 180_000 }, async () => {
    const spans = { kind: 'span', text: 'Who and where?', labels: ['person', 'place'] };
    const { nodes, ann, bob } = await annAndBob({ question: spans });
    const text = '<b>Ann</b> saw New York & Zoë.';
    await offer(nodes, ann, [text]);
    const [atAnn, atBob] = [await served(ann, 1), await served(bob, 1)];
    const { page, complaints } = await open(atAnn.link);
    const record = page.locator('#record');
    await record.waitFor();
    assert.equal(await record.textContent(), text);
    const told = (said: string) =>
      page.waitForFunction((wanted) => document.querySelector('[role=status]')?.textContent === wanted, said);
    assert.ok(await page.getByRole('button', { name: /^person/ }).isDisabled());
    for (let word = 0; word < 4; word++) await page.keyboard.press('ArrowRight');
    await told('selected: Ann');
    await page.keyboard.press('1');
    await told('marked: person');
    for (const name of ['New York', 'Zoë']) {
      const { x, y, right } = await page.evaluate((wanted) => {
        const walker = document.createTreeWalker(document.querySelector('#record')!, NodeFilter.SHOW_TEXT);
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
          const at = node.textContent!.indexOf(wanted);
          if (at < 0) continue;
          const range = document.createRange();
          range.setStart(node, at);
          range.setEnd(node, at + wanted.length);
          const box = range.getBoundingClientRect();
          return { x: box.left, y: box.top + box.height / 2, right: box.right };
        }
        throw new Error(`${wanted} is not there`);
      }, name);
      await page.mouse.move(x + 1, y);
      await page.mouse.down();
      await page.mouse.move(right - 1, y, { steps: 5 });
      await page.mouse.up();
      await told(`selected: ${name}`);
      await page.getByRole('button', { name: name === 'Zoë' ? /^person/ : /^place/ }).click();
    }
    await checkAccess(page);
    assert.deepEqual(await page.locator('#marks li').allTextContents(), [
      'person: Ann',
      'place: New York',
      'person: Zoë',
    ]);
    assert.equal(await record.textContent(), text, 'what is marked is still the text');
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await page.keyboard.press('Enter');
    await page.getByText('Nothing is left to answer').waitFor();
    // Back to it, without Zoë.
    await page.keyboard.press('Backspace');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await told('selected: Zoë');
    await page.keyboard.press('Delete');
    await page.keyboard.press('Enter');
    await page.getByText('Nothing is left to answer').waitFor();

    const other = await open(atBob.link);
    await other.page.getByRole('button', { name: 'Nothing here ⏎' }).click();
    await other.page.getByText('Nothing is left to answer').waitFor();
    await page.getByRole('button', { name: 'Decide 1 d' }).waitFor();
    await page.keyboard.press('d');
    const proposals = page.getByRole('group', { name: 'answers of others' });
    assert.deepEqual((await proposals.getByRole('button').allTextContents()).sort(), [
      'nothing (1)',
      'person: Ann; place: New York (1)',
    ]);
    for (let step = 0; (await page.locator('#marks li').count()) < 2; step++) {
      assert.ok(step < 3);
      await page.keyboard.press('ArrowDown');
    }
    await page.keyboard.press('Enter');
    await page.getByText('Nothing is to be decided').waitFor();
    await until('bob has the label', async () => (await labelsAt(bob))[0]?.startsWith('decided'));
    assert.deepEqual(await labelsAt(bob), ['decided [[3,6,0],[15,23,1]]']);
    assert.deepEqual([...complaints, ...other.complaints], []);
  });

  test('takes answers in words', { timeout: 180_000 }, async () => {
    const words = { kind: 'text', text: 'In other words?', charactersMax: 40 };
    const { nodes, ann, bob } = await annAndBob({ question: words });
    await offer(nodes, ann, ['It rained.', 'It snowed.']);
    const [atAnn, atBob] = [await served(ann, 2), await served(bob, 2)];
    const { page, complaints } = await open(atAnn.link);
    const shows = (text: string) =>
      page.waitForFunction((wanted) => document.querySelector('#record')?.textContent === wanted, text);
    await shows('It rained.');
    const field = page.getByRole('textbox', { name: 'your answer' });
    // Letters that mean something elsewhere are letters here.
    await page.keyboard.type('wet, and "s" & <i>dogs</i>');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type(`again${'!'.repeat(40)}`);
    assert.equal((await field.inputValue()).length, 40);
    await field.fill('wet & <i>dogs</i> ');
    await checkAccess(page);
    await page.keyboard.press('Enter');
    await shows('It snowed.');
    assert.equal(await field.inputValue(), '');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    await page.keyboard.press('s');
    await page.getByText('Nothing is left to answer').waitFor();
    await page.keyboard.press('Backspace');
    await shows('It snowed.');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Backspace');
    await shows('It rained.');
    assert.equal(await field.inputValue(), 'wet & <i>dogs</i>');

    const other = await open(atBob.link);
    for (const said of ['it was wet', 'it was cold']) {
      await other.page.getByRole('textbox').fill(said);
      await other.page.getByRole('button', { name: /^Done/ }).click();
      await other.page.waitForFunction(
        (written) => document.querySelector('textarea')?.value !== written,
        said,
      );
    }
    await page.getByRole('button', { name: 'Decide 1 d' }).click();
    await page.getByRole('button', { name: 'it was wet (1)' }).click();
    await field.press('End');
    await page.keyboard.type(', again');
    await page.keyboard.press('Enter');
    await page.getByText('Nothing is to be decided').waitFor();
    const labels = await until('bob has the label', async () => {
      const all = await labelsAt(bob);
      return all.some((one) => one.startsWith('decided')) && all;
    });
    assert.deepEqual([...labels].sort(), ['decided it was wet, again', 'open null']);
    assert.deepEqual([...complaints, ...other.complaints], []);
  });

  test('shows what a model suggests, and not one time in ten', { timeout: 180_000 }, async () => {
    const { nodes, ann } = await annAndBob({ question });
    const many = Array.from({ length: 30 }, (_, at) => `Visit ${at}.`);
    await offer(nodes, ann, many);
    // It takes everything for bad: its last bias says so.
    const model: ModelSpec = { kind: 'mlp', inputs: 8, hidden: [2], outputs: 2 };
    const vector = new Float32Array(8 * 2 + 2 + 2 * 2 + 2);
    vector[vector.length - 1] = 2;
    const task = {
      ...{ kind: 'table', label: { column: 'label', classes: ['good', 'bad'] } },
      numeric: wordColumns(8).map((column) => ({ column, mean: 0, scale: 1 })),
    };
    await writeSafetensors(nodes.at('model'), model, vector, { task: JSON.stringify(task) });
    const asked = questionSchema.parse(question);
    const suggestions = new Suggestions(await Suggester.open(nodes.at('model'), asked), crypto);
    const { page, complaints } = await open((await served(ann, many.length, suggestions)).link);
    const suggested = page.locator('#suggestion');
    let shown = 0;
    for (const at of many.keys()) {
      await page.getByText(`${at} of 30 answered`).waitFor();
      const isShown = (await suggested.count()) > 0;
      if (isShown) assert.equal(await suggested.textContent(), 'A model takes it for: bad ⏎');
      if (at === 0) await checkAccess(page);
      // Enter takes what is suggested, and nothing where nothing is.
      await page.keyboard.press('Enter');
      if (!isShown) await page.keyboard.press('1');
      shown += isShown ? 1 : 0;
    }
    await page.getByText('Nothing is left to answer').waitFor();
    assert.ok(shown >= 20 && shown < 30, `${shown} of 30`);
    const report = await until('the log has all', async () => {
      const project = await sourceAt(ann).project(never);
      return project.answers.length === 30 && agreementOf(project);
    });
    assert.deepEqual(report.suggested, {
      shown: { count: shown, of: shown },
      hidden: { count: 0, of: 30 - shown },
    });
    assert.deepEqual(complaints, []);
  });
});
