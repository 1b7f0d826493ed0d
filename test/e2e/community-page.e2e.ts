/** What the dashboard shows of alliances, arenas and registries, in a real browser over real nodes, live. Skipped where no Chromium is. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { arenaSpec } from '../../src/cli/parts/arena/arena-spec.ts';
import { readDaemonInfo } from '../../src/daemon/daemon-info.ts';
import { keyFileOf } from '../../src/daemon/directory.ts';
import type { Board } from '../../src/entries/arena/board.ts';
import { commitmentOf, type RevealBody } from '../../src/entries/arena/scores.ts';
import { initialVector } from '../../src/learning/initial.ts';
import { writeSafetensors } from '../../src/learning/model-files/safetensors.ts';
import { loadIdentity } from '../../src/network/identity.ts';
import { modelSchema } from '../../src/tasks/models/registry.ts';
import { type LogNode, LogNodes, logRun, until } from '../daemon/log-nodes.ts';
import { crypto } from '../log/small-run.ts';
import { noChromium } from './browser.ts';
import { browserOfSuite, type Opened, opened, violationsOf } from './page-suite.ts';
import { collect, resultOf, startCommand } from './processes.ts';

const evil = '<img src=x onerror="document.title=1"><script>document.title=2</script> & </td>';
const model = modelSchema.parse({ kind: 'logistic-regression', inputs: 8, outputs: 2 });
const patienceMs = 60_000;

describe('the dashboard over real nodes', { skip: noChromium }, () => {
  const browser = browserOfSuite();

  async function open(url: string): Promise<Opened> {
    const page = await browser().newPage();
    page.setDefaultTimeout(patienceMs);
    return opened(page, url);
  }

  /** Nothing of others ran, nobody is shut out, and telephones show it without scrolling sideways. */
  async function assertSound({ page, complaints }: Opened): Promise<void> {
    assert.equal(await page.title(), 'starlings');
    assert.equal(await page.locator('main img, main script').count(), 0);
    assert.deepEqual(await violationsOf(page), []);
    await page.setViewportSize({ width: 360, height: 740 });
    // What is drawn for the width that there was is drawn again.
    await page.waitForFunction(() => document.documentElement.scrollWidth <= 360);
    assert.deepEqual(complaints, []);
  }

  const written = (node: LogNode, id: string, input: Record<string, unknown>) =>
    until(`${id} is published`, () => node.command(id, input));
  const pageOf = (node: LogNode) => open(readDaemonInfo(node.home)!.http!);

  test('a registry: what is published with its lineage, what is said of it, what did not count', {
    timeout: 180_000,
  }, async () => {
    const nodes = await LogNodes.of(
      logRun([{ id: 'publish' }, { id: 'retire' }, { id: 'feedback' }, { id: 'usage' }]),
    );
    const [author, other] = [await nodes.start('author'), await nodes.start('other')];
    const shown = await pageOf(other);
    const { page } = shown;
    await page.getByText('Nothing is published yet.').waitFor();
    assert.equal(await page.locator('.chart').count(), 0, 'there is nothing to draw');
    const save = async (name: string, seed: number): Promise<string> => {
      await writeSafetensors(nodes.at(name), model, initialVector(model, seed), {});
      return nodes.at(name);
    };
    const about = { licence: 'MIT', metric: [`accuracy=0.5:${evil}`] };
    await written(author, 'publish', { ...about, file: await save('one', 1), model: 'digits@1.0' });
    await page.locator('tr', { hasText: 'digits@1.0' }).waitFor();
    await written(author, 'publish', {
      ...{ ...about, file: await save('two', 2), model: 'digits@1.1', parent: 'digits@1.0' },
      arena: `${'a'.repeat(59)}:${'5a'.repeat(32)}`,
    });
    const second = page.locator('tr', { hasText: 'digits@1.1' });
    await second.waitFor();
    await written(other, 'feedback', { model: 'digits@1.1', rating: 2, text: evil });
    await written(other, 'usage', { model: 'digits@1.1', requests: 7, units: 70 });
    await written(author, 'retire', { model: 'digits@1.0', reason: `worse ${evil}` });
    await page.getByText('retired: worse').waitFor();
    await page.getByText('7 times by 1').waitFor();
    const text = (await second.textContent()) ?? '';
    for (const part of [
      `accuracy 0.5 on ${evil}`,
      'made of digits@1.0; arena aaaaaaaaaaaa…, submission 5a5a5a5a',
      `2.0 of 5 by 1 (${other.key.slice(0, 8)} 2, ${evil})`,
    ])
      assert.ok(text.includes(part), `${part} in ${text}`);
    const newest = await page.locator('tbody tr', { hasText: 'digits@' }).allTextContents();
    assert.ok(newest[0]!.startsWith('digits@1.1') && newest[1]!.startsWith('digits@1.0'));
    await assertSound(shown);
  });

  test('an arena: the board, as soon as it is final, and who holds what', { timeout: 180_000 }, async () => {
    const nodes = await LogNodes.prepared();
    const names = ['ann', 'bob'];
    const shards = [];
    for (const [at, name] of names.entries()) {
      await mkdir(nodes.at(name), { mode: 0o700 });
      const { key: holder } = await loadIdentity(keyFileOf(nodes.at(name)));
      shards.push({ holder, root: `${at}c`.repeat(32), bytes: 4000, examples: 64 });
    }
    const plan = { name: 'arena', rounds: 30, judgingRounds: 30, slotMs: 300, bytesMax: 100_000, shards };
    await nodes.sign(arenaSpec(plan));
    const [ann, bob] = [await nodes.start('ann'), await nodes.start('bob')];
    const shown = await pageOf(bob);
    const { page } = shown;
    await page.getByText('now: submissions.').waitFor();
    for (const [at, name] of ['best', 'worst'].entries()) {
      const file = nodes.at(name);
      await writeSafetensors(file, model, initialVector(model, at), {});
      await written(ann, 'submit', { file, name });
    }
    await page.locator('tr', { hasText: 'worst' }).waitFor();
    await page.getByText('now: commitments.').waitFor();
    const { rows } = (await bob.command('board')) as unknown as Board;
    const reveal: RevealBody = {
      salt: 'ab'.repeat(32),
      rows: rows.map(({ entry, name }) => ({
        ...{ submission: entry, verdict: 'scored' as const },
        right: (name === 'best' ? 'ff' : '01').repeat(8),
      })),
    };
    const say = async (node: LogNode, kind: string, body: object): Promise<void> => {
      const file = nodes.at(`${kind}.json`);
      await writeFile(file, JSON.stringify(body));
      await written(node, 'write', { kind, file });
    };
    for (const node of [ann, bob])
      await say(node, 'commit', { hash: commitmentOf(crypto, node.key, reveal) });
    await page.getByText('now: reveals.').waitFor();
    for (const node of [ann, bob]) await say(node, 'reveal', reveal);
    const cells = (name: string) => page.locator('tr', { hasText: name }).locator('td').allTextContents();
    await page.getByText('1024', { exact: true }).waitFor();
    assert.deepEqual(await cells('best'), [ann!.key.slice(0, 8), '', '1', '100.0 %', '1024']);
    assert.deepEqual(await cells('worst'), [ann!.key.slice(0, 8), '', '2', '12.5 %', '512']);
    await page.getByText('has revealed').nth(1).waitFor();
    await assertSound(shown);
  });

  test('an alliance: rounds as they were voted on, who is silenced since when, alone and together', {
    timeout: 300_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'starlings-alliance-page-'));
    after(() => rmSync(folder, { recursive: true, force: true }));
    const example = 'examples/heart-alliance';
    const dataOf = (name: string): string => join(example, `${name}.csv`);
    const flip = (row: string): string => row.replace(/[^,]+$/, (label) => (Number(label) > 0 ? '0' : '1'));
    const rows = readFileSync(dataOf('cleveland'), 'utf8').trimEnd().split('\n');
    const flipped = join(folder, 'cleveland.csv');
    writeFileSync(flipped, `${rows.map(flip).join('\n')}\n`);
    const child = startCommand(
      ...['start', join(example, 'run.yaml'), '--bootstraps', '1', '--compare-alone', '--json'],
      ...['--rounds', '40', '--dir', join(folder, 'run')],
      ...['--data', flipped, ...['hungarian', 'switzerland', 'va'].map(dataOf)],
    );
    let told = '';
    child.stderr!.on('data', (data: Buffer) => (told += data.toString()));
    const end = collect(child);
    const url = await until('the page is there', async () => /dashboard (http\S+)/.exec(told)?.[1] ?? null);
    const shown = await open(url);
    const { page } = shown;
    const members = page.getByLabel('members of the alliance');
    const row = members.locator('tr', { hasText: 'node-00' });
    await row.getByText(/^silenced since the end of round \d+: its deltas carry no weight/).waitFor();
    await page.getByLabel('rounds of the alliance').getByText('stands', { exact: true }).first().waitFor();
    await members.getByText('its deltas weigh').nth(1).waitFor();
    await page
      .getByText(/since the end of round \d+ its deltas carry no weight, for /)
      .first()
      .waitFor();
    await row.locator('td').nth(5).filter({ hasText: '%' }).waitFor();
    await row.locator('td').nth(6).filter({ hasText: '%' }).waitFor();
    // The first delta after it was silenced is folded some rounds later.
    await row.getByText(/\d+ silenced/).waitFor();
    const [weighed, share] = (await row.locator('td').allTextContents()).slice(1);
    assert.ok(Number(weighed) < 20 && Number.parseFloat(share!) < 25, `${weighed}, ${share}`);
    const table = (await page.getByLabel('rounds of the alliance').textContent()) ?? '';
    assert.match(table, /node-00 cleveland silenced/);
    assert.match(table, /node-01 hungarian 0\.\d\d/);
    await assertSound(shown);
    assert.equal(resultOf(await end)['outcome'], 'silenced');
  });
});
