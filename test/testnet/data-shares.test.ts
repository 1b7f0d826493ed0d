import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sourceOf, splitSource } from '../../src/cli/parts/new-run/data-source.ts';
import { type RunSpec, runSpecSchema } from '../../src/run/run-spec.ts';
import { readIdxLabels } from '../../src/tasks/data/idx-images/idx-file.ts';
import { idxFiles } from '../../src/tasks/data/idx-images/idx-folder.ts';
import { taskKindOf } from '../../src/tasks/data/registry.ts';
import { splitData } from '../../src/testnet/data-shares.ts';

const specOf = (model: object, task: object): RunSpec =>
  runSpecSchema.parse({ name: 'shares', model, task, rounds: 2, slotMs: 1000 });
const images = specOf({ kind: 'logistic-regression', inputs: 784, outputs: 10 }, { kind: 'idx-images' });
const text = specOf({ kind: 'gpt', context: 8, layers: 1, heads: 1, width: 8 }, { kind: 'text' });

describe('the data of a testnet', () => {
  let folder = '';
  let targets: readonly string[] = [];
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starlings-split-'));
    targets = ['a', 'b', 'c'].map((name) => join(folder, name));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('of images is MNIST where nobody names another, split by label as the seed of the run says', async () => {
    const words = await splitData({ spec: images, targets, alpha: 1, source: null });
    const counts = await Promise.all(
      targets.map(async (target) => (await readIdxLabels(join(target, idxFiles.trainLabels))).length),
    );
    assert.equal(
      words,
      `images split by label over 3 nodes (Dirichlet 1): ${counts[0]}, ${counts[1]}, ${counts[2]} examples`,
    );
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      60_000,
    );
    const again = await splitData({ spec: images, targets, alpha: 1, source: null });
    assert.equal(again, words);
    assert.notEqual(
      await splitData({ spec: { ...images, seed: 2 }, targets, alpha: 1, source: null }),
      words,
    );
  });

  test('of a text is cut into parts, one after the other', async () => {
    const source = join(folder, 'whole.txt');
    await writeFile(source, 'one two three four');
    await splitData({ spec: text, targets, alpha: 1, source });
    const parts = await Promise.all(targets.map((target) => readFile(join(target, 'part.txt'), 'utf8')));
    assert.deepEqual(parts, ['one tw', 'o thre', 'e four']);
    await assert.rejects(splitData({ spec: text, targets, alpha: 1, source: null }), {
      code: 'NO_DATA',
      message: /text needs data: name a file or a folder with --split/,
    });
  });

  test('is what `data split` makes of it, from the same seed', async () => {
    const source = await taskKindOf(images.task).bundledData!();
    const out = join(folder, 'apart');
    await splitData({ spec: { ...images, seed: 3 }, targets, alpha: 0.5, source });
    const { shares } = await splitSource(await sourceOf(source, {}), {
      source,
      out,
      nodes: targets.length,
      alpha: 0.5,
      seed: 3,
    });
    for (const [node, share] of shares.entries()) {
      assert.deepEqual(
        await readIdxLabels(join(share, idxFiles.trainLabels)),
        await readIdxLabels(join(targets[node]!, idxFiles.trainLabels)),
      );
    }
  });
});
