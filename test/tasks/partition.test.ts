import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { rngFor } from '../../src/math/rng.ts';
import { writeIdxImages, writeIdxLabels } from '../../src/tasks/data/idx-images/idx-file.ts';
import { idxFiles, readIdxFolder, writeIdxShares } from '../../src/tasks/data/idx-images/idx-folder.ts';
import { dirichletPartition } from '../../src/tasks/datasets/dirichlet-partition.ts';

const labelsOf = (examples: number, classes: number): Uint8Array =>
  Uint8Array.from({ length: examples }, (_, index) => (index * 7) % classes);

test('a split is disjoint, covers everything, feeds every peer and repeats', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 6 }),
      fc.double({ min: 0.3, max: 50, noNaN: true }),
      fc.integer(),
      (peers, classes, alpha, seed) => {
        const labels = labelsOf(600, classes);
        const split = () =>
          dirichletPartition(labels, { peers, alpha, classes, rng: rngFor(`split/${seed}`), examplesMin: 3 });
        const shares = split();
        assert.equal(shares.length, peers);
        assert.ok(shares.every((share) => share.length >= 3));
        const together = shares.flatMap((share) => [...share]).sort((a, b) => a - b);
        assert.deepEqual(together, Array.from(labels.keys()));
        assert.deepEqual(split(), shares);
      },
    ),
    { numRuns: 100 },
  );
});

test('a small alpha skews the classes, a large one evens them out', () => {
  const labels = labelsOf(5000, 10);
  const largestClassShare = (alpha: number): number => {
    const shares = dirichletPartition(labels, { peers: 5, alpha, classes: 10, rng: rngFor('skew') });
    const fractions = shares.map((share) => {
      const counts = new Array<number>(10).fill(0);
      for (const index of share) {
        counts[labels[index]!]! += 1;
      }
      return Math.max(...counts) / share.length;
    });
    return fractions.reduce((sum, fraction) => sum + fraction, 0) / fractions.length;
  };
  assert.ok(largestClassShare(1000) < 0.13);
  assert.ok(largestClassShare(0.1) > 0.3);
});

test('a wish that cannot be met is refused', () => {
  const options = { alpha: 1, classes: 2, rng: rngFor('refused') };
  assert.throws(() => dirichletPartition(labelsOf(50, 2), { ...options, peers: 6 }), {
    code: 'DATA_SHAPE',
    message: /50 examples cannot give 6 peers 10 each/,
  });
  assert.throws(() => dirichletPartition(labelsOf(100, 2), { ...options, peers: 10, alpha: 0.01 }), {
    code: 'DATA_SHAPE',
    message: /raise alpha or use fewer peers/,
  });
  assert.throws(() => dirichletPartition(Uint8Array.of(0, 5), { ...options, peers: 1, examplesMin: 1 }), {
    code: 'DATA_SHAPE',
    message: /label 5, expected 0 to 1/,
  });
  assert.throws(() => dirichletPartition(labelsOf(50, 2), { ...options, peers: 1, alpha: 0 }), RangeError);
});

test('shares become data folders of their own with the held-out set linked', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-shares-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const pixels = Uint8Array.from({ length: 6 * 4 }, (_, index) => index);
  const labels = Uint8Array.of(0, 1, 2, 0, 1, 2);
  for (const images of [idxFiles.trainImages, idxFiles.heldOutImages]) {
    await writeIdxImages(join(folder, images), { count: 6, rows: 2, columns: 2, pixels });
  }
  for (const name of [idxFiles.trainLabels, idxFiles.heldOutLabels]) {
    await writeIdxLabels(join(folder, name), labels);
  }
  const targets = ['a', 'b'].map((name) => join(folder, 'peers', name));
  const shares = [Uint32Array.of(4, 0), Uint32Array.of(1, 2, 3, 5)];
  // Twice: the second run replaces what the first one wrote.
  await writeIdxShares({ source: folder, targets, shares });
  await writeIdxShares({ source: folder, targets, shares });
  const model = { kind: 'logistic-regression', inputs: 4, outputs: 3 } as const;
  const { train, heldOut } = await readIdxFolder(model, targets[0]!);
  assert.deepEqual([...train.inputs], [16, 17, 18, 19, 0, 1, 2, 3]);
  assert.deepEqual([...train.labels], [1, 0]);
  assert.deepEqual(heldOut.inputs, pixels);
  await assert.rejects(
    writeIdxShares({ source: folder, targets: [`${folder}/.`], shares: [shares[0]!] }),
    RangeError,
  );
  const inode = async (path: string) => (await stat(path)).ino;
  assert.equal(
    await inode(join(targets[1]!, idxFiles.heldOutImages)),
    await inode(join(folder, idxFiles.heldOutImages)),
  );
  for (const name of Object.values(idxFiles)) {
    await writeFile(join(folder, `${name}.gz`), gzipSync(await readFile(join(folder, name))));
    await rm(join(folder, name));
  }
  await writeIdxShares({ source: folder, targets, shares });
  assert.deepEqual((await readIdxFolder(model, targets[0]!)).heldOut.inputs, pixels);
  assert.deepEqual(
    (await readdir(targets[0]!)).sort(),
    Object.values(idxFiles)
      .map((name) => (name.startsWith('t10k') ? `${name}.gz` : name))
      .sort(),
    'packed files are linked as they are',
  );
});
