/** What numpy and safetensors write, of shapes and types drawn by chance, is what is read. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { withArrays } from '../../src/tasks/data/arrays/array-files.ts';
import { elementTypes } from '../../src/tasks/data/arrays/element-types.ts';
import { writeArrays } from '../../src/tasks/data/arrays/safetensors-file.ts';
import { python, withoutPackages } from './environment.ts';

const folder = await mkdtemp(join(tmpdir(), 'starlings-numpy-'));
after(() => rm(folder, { recursive: true, force: true }));

const script = `
import json, sys, numpy as np
from safetensors.numpy import save_file, load_file
r, out = np.random.default_rng(7), sys.argv[1]
types = ['?'] + [o + t for o in '<>' for t in ('u1 i1 u2 i2 u4 i4 u8 i8 f2 f4 f8'.split())]
arrays = {}
for i in range(200):
    shape = tuple(r.integers(1, 6, size=r.integers(0, 5)))
    a = r.integers(0, 100, size=shape).astype(types[i % len(types)])
    arrays['a%d' % i] = np.asfortranarray(a) if r.random() < .5 else a
np.savez(out + '/plain.npz', **arrays)
np.savez_compressed(out + '/packed.npz', **arrays)
native = {k: np.ascontiguousarray(a.astype(a.dtype.newbyteorder('='))).reshape(a.shape) for k, a in arrays.items()}
save_file(native, out + '/all.safetensors')
json.dump({k: [list(a.shape), a.astype(float).ravel().tolist()] for k, a in arrays.items()}, open(out + '/expected.json', 'w'))
`;

function run(code: string, ...args: readonly string[]): string {
  const ended = spawnSync(python, ['-c', code, ...args], { encoding: 'utf8' });
  assert.equal(ended.status, 0, ended.stderr);
  return ended.stdout;
}

test('arrays of numpy, packed or not, and of safetensors', { skip: withoutPackages }, async () => {
  run(script, folder);
  const expected: Record<string, unknown> = JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8'));
  for (const name of ['plain.npz', 'packed.npz', 'all.safetensors']) {
    const found = await withArrays(join(folder, name), async ({ arrays, unread }) => {
      assert.equal(unread.size, 0);
      const entries = [...arrays].map(async ([key, stored]) => {
        const bytes = await stored.bytes();
        const { read, bytes: width } = elementTypes[stored.type];
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        const values = Array.from({ length: bytes.length / width }, (_, at) => read(view, at * width));
        return [key, [stored.shape, values]] as const;
      });
      return Object.fromEntries(await Promise.all(entries));
    });
    assert.deepEqual(found, expected, name);
  }
});

test('what is written here, safetensors reads', { skip: withoutPackages }, async () => {
  const file = join(folder, 'ours.safetensors');
  const bytes = new Uint8Array(new Float64Array([1, 2, 3, 4, 5, 6]).buffer);
  await writeArrays(file, [
    { name: 'flags', type: 'BOOL', shape: [2], bytes: Uint8Array.of(1, 0) },
    { name: 'x', type: 'F64', shape: [2, 3], bytes },
  ]);
  const code =
    'import sys\nfrom safetensors.numpy import load_file\nprint({k: (str(v.dtype), v.tolist()) for k, v in sorted(load_file(sys.argv[1]).items())})';
  assert.equal(
    run(code, file).trim(),
    "{'flags': ('bool', [True, False]), 'x': ('float64', [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])}",
  );
});
