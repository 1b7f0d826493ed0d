/** Trainers that this machine can start, and small images that they read. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { rngFor } from '../../../src/math/rng.ts';
import {
  type IdxImages,
  writeIdxImages,
  writeIdxLabels,
} from '../../../src/tasks/data/idx-images/idx-file.ts';
import { idxFiles } from '../../../src/tasks/data/idx-images/idx-folder.ts';
import type { ModelSpec } from '../../../src/tasks/models/registry.ts';

const examples = fileURLToPath(new URL('../../../examples/trainers/', import.meta.url));
const isWindows = process.platform === 'win32';

export const nodeTrainer = `"${process.execPath}" "${join(examples, 'node/mlp.mjs')}"`;
export const plainTrainer = `python3 "${join(examples, 'python/plain_mlp.py')}"`;
export const numpyTrainer = `python3 "${join(examples, 'python/numpy_mlp.py')}"`;

function works(line: string): boolean {
  return spawnSync(line, { shell: true, stdio: 'ignore' }).status === 0;
}

/** Why a trainer in Python cannot be started here; false where it can. */
export const withoutPython = works('python3 --version') || isWindows ? false : 'there is no python3';
export const withoutNumpy =
  withoutPython ||
  (works('python3 -c "import numpy"') ? false : 'this python3 has no numpy: the plain trainer runs');

export const imageModel: ModelSpec = { kind: 'mlp', inputs: 16, hidden: [6], outputs: 3 };

/** Folders of images of 4 x 4 pixels, whose class is the brightest of the first three rows; the second has none to learn from. */
export async function writeImages(): Promise<{ data: string; none: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-images-'));
  after(() => rm(folder, { recursive: true, force: true }));
  await write(folder, idxFiles.trainImages, idxFiles.trainLabels, 120);
  await write(folder, idxFiles.heldOutImages, idxFiles.heldOutLabels, 60);
  return { data: folder, none: join(folder, 'none') };
}

async function write(folder: string, imagesFile: string, labelsFile: string, count: number): Promise<void> {
  const rng = rngFor(`images/${imagesFile}`);
  const labels = Uint8Array.from({ length: count }, () => rng.int(3));
  const pixels = new Uint8Array(16 * count);
  for (let at = 0; at < pixels.length; at++) {
    const row = Math.floor((at % 16) / 4);
    pixels[at] = rng.int(120) + (labels[Math.floor(at / 16)] === row ? 130 : 0);
  }
  const images: IdxImages = { count, rows: 4, columns: 4, pixels };
  await writeIdxImages(join(folder, imagesFile), images);
  await writeIdxLabels(join(folder, labelsFile), labels);
}
