/** The opt-in environment of Python that these tests need: scripts/python-environment.sh makes it. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const atRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const made = atRoot('.venv-trainers/bin/python');
const packages = 'torch, numpy, transformers, peft, safetensors, keras, h5py';

// The machine is shared with the other trainers of a run.
process.env['OMP_NUM_THREADS'] = '1';
// On a GPU convolutions are rounded to ten bits (TF32), and are not what these tests compare with.
process.env['CUDA_VISIBLE_DEVICES'] = '';
// Of those that Keras computes with, the one that is there.
process.env['KERAS_BACKEND'] = 'torch';

export const python = process.env['STARLINGS_PYTHON'] ?? made;

/** Why nothing of this runs here; false where it does. */
export const withoutPackages: string | false = absent();

function absent(): string | false {
  if (!existsSync(python)) {
    return `there is no ${python}: run scripts/python-environment.sh, or set STARLINGS_PYTHON to a Python with ${packages}`;
  }
  const { status, stderr } = spawnSync(python, ['-c', `import ${packages}`], { encoding: 'utf8' });
  if (status === 0) return false;
  return `${python} lacks a package (${stderr.trim().split('\n').at(-1)}): scripts/python-environment.sh`;
}

/** The line that starts one of examples/trainers/python. */
export function trainerLine(script: string, ...args: readonly string[]): string {
  const words = [python, atRoot(`examples/trainers/python/${script}`), ...args];
  return words.map((word) => `"${word}"`).join(' ');
}

export const example = (name: string): string => atRoot(`examples/trainers/python/${name}`);
