/** Trainers that this machine can start, and small images that they read. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
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

/** Compiled into a folder that is gone with the tests; the line that starts it, or why there is none. */
export async function compiled(language: 'rust' | 'go'): Promise<{ line: string; absent: string | false }> {
  const compilers = { rust: 'rustc', go: 'go' } as const;
  const compiler = compilers[language];
  if (!works(`${compiler} ${language === 'go' ? 'version' : '--version'}`)) {
    return { line: '', absent: `there is no ${compiler}` };
  }
  const folder = await mkdtemp(join(tmpdir(), 'starlings-compiled-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const program = join(folder, 'points');
  const source = join(examples, language, language === 'go' ? 'main.go' : 'main.rs');
  const build = {
    rust: `rustc --edition 2021 -O -o "${program}" "${source}"`,
    go: `GO111MODULE=off go build -o "${program}" "${source}"`,
  };
  const { status, stderr } = spawnSync(build[language], { shell: true, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${build[language]}: ${stderr}`);
  return { line: `"${program}"`, absent: false };
}

/** A file of `x,y,class`, which the compiled ones read, and one of no line. */
export async function writePoints(): Promise<{ data: string; none: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-points-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const rng = rngFor('points');
  const lines = Array.from({ length: 200 }, () => {
    const [x, y] = [rng.uniform(-1, 1), rng.uniform(-1, 1)];
    return `${x},${y},${x > y ? 1 : 0}`;
  });
  await writeFile(join(folder, 'points.csv'), lines.join('\n'));
  await writeFile(join(folder, 'none.csv'), '');
  return { data: join(folder, 'points.csv'), none: join(folder, 'none.csv') };
}

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
