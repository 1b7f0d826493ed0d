/** Arrays of numpy and safetensors as data: what they say is what is learned from, and what is wrong with them is a sentence. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { rngFor } from '../../src/math/rng.ts';
import { looksLikeArrays, withArrays } from '../../src/tasks/data/arrays/array-files.ts';
import { type ArraysTask, arrays, scalingOf } from '../../src/tasks/data/arrays/arrays.ts';
import { elementTypes } from '../../src/tasks/data/arrays/element-types.ts';
import { ArrayProblem, parseNpyHeader } from '../../src/tasks/data/arrays/npy-header.ts';
import { writeArrays } from '../../src/tasks/data/arrays/safetensors-file.ts';
import { loadTaskData, taskSchema } from '../../src/tasks/data/registry.ts';
import type { Dataset } from '../../src/tasks/datasets/dataset.ts';
import { impossibleTask } from '../../src/tasks/impossible-task.ts';
import type { ModelSpec } from '../../src/tasks/models/registry.ts';
import { zip } from '../platform/zip-writer.ts';
import { dictionary, float32, npy } from './array-writers.ts';
import { numpyFiles } from './numpy-files.ts';

const folder = await mkdtemp(join(tmpdir(), 'starlings-arrays-'));
after(() => rm(folder, { recursive: true, force: true }));

const taskOf = (fields: object): ArraysTask => taskSchema.parse({ kind: 'arrays', ...fields }) as ArraysTask;
const task = taskOf({ shape: [2], heldOutEvery: 4 });
const model: ModelSpec = { kind: 'logistic-regression', inputs: 2, outputs: 2 };
const flat = (inputs: number, outputs = 2): ModelSpec => ({ kind: 'logistic-regression', inputs, outputs });

async function put(name: string, bytes: Uint8Array | string): Promise<string> {
  const file = join(folder, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, bytes);
  return file;
}
const ofNumpy = (name: keyof typeof numpyFiles): Buffer => Buffer.from(numpyFiles[name], 'base64');
const all = (data: Dataset) => data.batchOf(data.measuredExamples());
const numbersOf = (values: ArrayLike<number>) => Array.from(values);

/** Numbers in C order, by name. */
async function read(path: string): Promise<Record<string, number[]>> {
  return withArrays(path, async (opened) => {
    const read: Record<string, number[]> = {};
    for (const [name, stored] of opened.arrays) {
      const bytes = await stored.bytes();
      const { read: one, bytes: width } = elementTypes[stored.type];
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      read[name] = Array.from({ length: bytes.length / width }, (_, at) => one(view, at * width));
    }
    return read;
  });
}

const inOneSentence = (reason: RegExp) => (error: Error) => {
  assert.match(error.name, /^Data(File|Shape)Error$/, error.stack);
  assert.match(error.message, reason);
  assert.ok(error.message.startsWith(folder) && !error.message.includes('\n'), error.message);
  return true;
};

const x = npy(dictionary('<f4', '(4, 2)'), float32([0, 1, 2, 3, 4, 5, 6, 7]));
const y = npy(dictionary('|u1', '(4,)'), Uint8Array.of(0, 1, 0, 1));
const pair = (other: object = {}) =>
  zip(Object.entries({ x, y, ...other }).map(([name, bytes]) => ({ name: `${name}.npy`, bytes })));

describe('arrays that numpy wrote', () => {
  test('of every type and order are the numbers that went in', async () => {
    const found = await read(await put('types.npz', ofNumpy('types')));
    assert.equal(Object.keys(found).length, 35);
    const { b1, ...rest } = found;
    assert.deepEqual(b1, [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
    for (const [name, values] of Object.entries(rest)) assert.deepEqual(values, [...Array(12).keys()], name);
  });

  test('are the same examples packed or not, in a folder, and as safetensors', async () => {
    const expected = await loadTaskData(task, model, await put('plain.npz', ofNumpy('plain')));
    assert.equal(expected.heldOut.examples, 5);
    const { inputs, labels } = all(expected.train);
    assert.deepEqual(numbersOf(inputs.slice(0, 6)), [-2.5, -2.375, -2.25, -2.125, -2, -1.875]);
    assert.deepEqual(numbersOf(labels.slice(0, 4)), [0, 1, 0, 0]);
    const version2 = ofNumpy('version2');
    await put('npys/x.npy', version2);
    const [, entry] = Object.entries(await read(join(folder, 'plain.npz'))).find(([name]) => name === 'y')!;
    await put('npys/y.npy', npy(dictionary('|u1', '(20, 1)'), Uint8Array.from(entry)));
    await put('one/site.safetensors', ofNumpy('safetensors'));
    for (const path of ['npys', 'one', 'one/site.safetensors']) {
      const data = await loadTaskData(task, model, join(folder, path));
      assert.deepEqual(all(data.train), all(expected.train), path);
      assert.deepEqual(all(data.heldOut), all(expected.heldOut), path);
    }
  });

  const unread: readonly (readonly [string, RegExp])[] = [
    ['y', /'y' holds Python objects, which are pickled and never read/],
    ['names', /'names' holds texts, expected numbers/],
    ['z', /'z' holds records of several fields/],
    ['c', /'c' has elements of the type '<c8', expected one of bool, /],
  ];
  test('that are no numbers are left alone until they are to be learned from', async () => {
    const file = await put('unread.npz', ofNumpy('unread'));
    for (const [labels, reason] of unread) {
      const named = { ...task, names: { inputs: 'x', labels } };
      await assert.rejects(loadTaskData(named, model, file), inOneSentence(reason));
    }
    const report = await arrays.inspect!({ ...task, names: { inputs: 'x', labels: 'x' } }, file, null);
    assert.deepEqual(
      report.arrays!.filter(({ type }) => type === null).map(({ name }) => name),
      unread.map(([name]) => name),
    );
  });
});

describe('the head of an array', () => {
  test('is what numpy 1, 2 and Python 2 write, whatever order its fields have', () => {
    const shapes = { '()': [], '(3,)': [3], '(3, 4)': [3, 4], '(3L, 4L)': [3, 4], '(2,2,2)': [2, 2, 2] };
    for (const [text, shape] of Object.entries(shapes)) {
      assert.deepEqual(parseNpyHeader(npy(dictionary('<f4', text), new Uint8Array(0))).shape, shape);
    }
    const turned = "{'shape':(3,),'fortran_order':True,'descr':'>i8'}";
    const { type, isBigEndian, isFortran } = parseNpyHeader(npy(turned, new Uint8Array(0), 3));
    assert.deepEqual([type, isBigEndian, isFortran], ['I64', true, true]);
  });

  const bad: readonly string[] = [
    '',
    '{}',
    '{',
    "{'descr': '<f4', 'fortran_order': False}",
    "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1,,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1e9,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': [1]}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} + exit()",
    "__import__('os').system('true')",
    dictionary('<f4', '(9007199254740993,)'),
    dictionary('<f4', '(1,1,1,1,1,1,1,1,1)'),
    dictionary('=f4', '(1,)'),
    dictionary('<f16', '(1,)'),
    dictionary('<M8[ns]', '(1,)'),
  ];
  for (const text of bad) {
    test(`is not ${text || 'nothing'}`, async () => {
      const file = await put('bad.npz', pair({ x: npy(text, float32([1, 2])) }));
      await assert.rejects(loadTaskData(task, model, file), inOneSentence(/'x' /));
    });
  }
});

describe('a file of arrays is refused in one sentence', () => {
  const big = Buffer.alloc(60_000_000);
  const claims = npy(dictionary('<f4', '(4, 2)'), big);
  const cases: readonly (readonly [string, string, () => Uint8Array, RegExp])[] = [
    ['a text', 'a.npz', () => Buffer.from('x'), /no \.npz file, or it is cut short/],
    ['nothing', 'a.npz', () => new Uint8Array(0), /no \.npz file/],
    ['a zip cut off', 'a.npz', () => pair().subarray(0, 300), /cut short/],
    ['no arrays', 'a.npz', () => zip([]), /found none/],
    ['unusual names', 'a.npz', () => pair({ x: y, z: x, q: y }).subarray(), /'x' has the shape 4, expected/],
    [
      'other names',
      'a.npz',
      () =>
        zip([
          { name: 'p.npy', bytes: x },
          { name: 'q.npy', bytes: y },
        ]),
      /no two arrays have usual names .* found p \(4 x 2 float32\), q \(4 uint8\): name them in task\.names/,
    ],
    [
      'an array twice',
      'a.npz',
      () =>
        zip([
          { name: 'x.npy', bytes: x },
          { name: 'x.npy', bytes: x },
        ]),
      /two arrays 'x'/,
    ],
    [
      'a bomb that says what it is',
      'a.npz',
      () => pair({ x: claims }),
      /claims 4 x 2 numbers .* 32 bytes, and has/,
    ],
    [
      'a bomb that lies',
      'a.npz',
      () =>
        zip([
          { name: 'x.npy', bytes: claims, size: x.length },
          { name: 'y.npy', bytes: y },
        ]),
      /'x' .*cannot be unpacked/,
    ],
    [
      'a bomb that no packing makes',
      'a.npz',
      () =>
        zip([
          { name: 'x.npy', bytes: x, size: 2 ** 31 },
          { name: 'y.npy', bytes: y },
        ]),
      /claims 2147483648 bytes packed into \d+, which no packing can/,
    ],
    [
      'more numbers than memory',
      'a.npz',
      () => pair({ x: npy(dictionary('<f4', '(1000000000, 2)'), new Uint8Array(8)) }),
      /claims 1000000000 x 2 numbers of float32, more than 2147483648 bytes/,
    ],
    [
      'a wrong checksum',
      'a.npz',
      () =>
        zip([
          { name: 'x.npy', bytes: x, crc: 1 },
          { name: 'y.npy', bytes: y },
        ]),
      /cannot be unpacked \(its checksum is another\)/,
    ],
    [
      'a header that claims more',
      'a.npz',
      () => pair({ x: x.subarray(0, -4) }),
      /cut short or its header lies/,
    ],
    [
      'no array in an entry',
      'a.npz',
      () => pair({ x: Buffer.from('no array at all') }),
      /'x' is no \.npy array/,
    ],
    ['an empty entry', 'a.npz', () => pair({ x: new Uint8Array(0) }), /'x' is no \.npy array/],
    ['a header cut off', 'a.npz', () => pair({ x: x.subarray(0, 30) }), /ends within its header/],
    ['version 9', 'a.npz', () => pair({ x: npy(dictionary('<f4', '(4, 2)'), float32([]), 9) }), /version 9/],
    [
      'a header of 4 GB',
      'a.npz',
      () =>
        pair({
          x: Buffer.concat([Buffer.from('\x93NUMPY\x02\0\xff\xff\xff\xff', 'latin1'), Buffer.alloc(99)]),
        }),
      /claims a header of 4294967295 bytes/,
    ],
    [
      'another shape',
      'a.npz',
      () => pair({ x: npy(dictionary('<f4', '(4, 3)'), float32(Array(12).fill(1))) }),
      /4 x 3, expected examples x 2/,
    ],
    [
      'other lengths',
      'a.npz',
      () => pair({ y: npy(dictionary('|u1', '(3,)'), Uint8Array.of(0, 1, 0)) }),
      /'y' has 3 labels, expected 4/,
    ],
    [
      'a number for an axis',
      'a.npz',
      () => pair({ y: npy(dictionary('|u1', '()'), Uint8Array.of(0)) }),
      /'y' has no labels/,
    ],
    [
      'no examples',
      'a.npz',
      () => pair({ x: npy(dictionary('<f4', '(0, 2)'), float32([])) }),
      /has no examples/,
    ],
    [
      'NaN',
      'a.npz',
      () => pair({ x: npy(dictionary('<f4', '(4, 2)'), float32([0, 1, 2, Number.NaN, 4, 5, 6, 7])) }),
      /'x' has NaN at \[1, 1\], expected a finite number: fill it in/,
    ],
    [
      'what is too large',
      'a.npz',
      () =>
        pair({ x: npy(dictionary('<f8', '(4, 2)'), new Uint8Array(new Float64Array(8).fill(1e300).buffer)) }),
      /has 1e\+300 at \[0, 1\], which is too large for float32/,
    ],
    [
      'a class too many',
      'a.npz',
      () => pair({ y: npy(dictionary('|u1', '(4,)'), Uint8Array.of(0, 1, 2, 0)) }),
      /label 2 in row 2, expected a class from 0 to 1/,
    ],
    [
      'a label that is measured',
      'a.npz',
      () => pair({ y: npy(dictionary('<f4', '(4,)'), float32([0, 1, 0.5, 1])) }),
      /label 0\.5 in row 2, .*label\.kind: number/,
    ],
    [
      'rows that are not one-hot',
      'a.npz',
      () => pair({ y: npy(dictionary('|u1', '(4, 2)'), Uint8Array.of(1, 0, 1, 1, 0, 1, 1, 0)) }),
      /not one-hot in row 1/,
    ],
    [
      'rows too wide',
      'a.npz',
      () => pair({ y: npy(dictionary('|u1', '(4, 3)'), new Uint8Array(12)) }),
      /3 numbers for each example, expected 2/,
    ],
    [
      'labels of many axes',
      'a.npz',
      () => pair({ y: npy(dictionary('|u1', '(4, 2, 2)'), new Uint8Array(16)) }),
      /expected one label for each example/,
    ],
    ['an npy alone', 'a.npy', () => x, /no two arrays have usual names/],
    ['safetensors that are none', 'a.safetensors', () => Buffer.from('hello, world'), /no safetensors file/],
    [
      'safetensors cut short',
      'a.safetensors',
      () => ofNumpy('safetensors').subarray(0, -9),
      /cut short or too long/,
    ],
    ['safetensors of seven bytes', 'a.safetensors', () => new Uint8Array(7), /no safetensors file/],
    [
      'safetensors with a lying offset',
      'a.safetensors',
      () => tensors({ x: { dtype: 'F32', shape: [4, 2], data_offsets: [0, 16] } }, 16),
      /does not lie where and as the header says/,
    ],
    [
      'safetensors with a hole',
      'a.safetensors',
      () => tensors({ x: { dtype: 'F32', shape: [1, 2], data_offsets: [8, 16] } }, 16),
      /does not lie where/,
    ],
    [
      'safetensors of a type that is none',
      'a.safetensors',
      () =>
        tensors(
          {
            x: { dtype: 'F8_E4M3', shape: [8], data_offsets: [0, 8] },
            y: { dtype: 'U8', shape: [8], data_offsets: [8, 16] },
          },
          16,
        ),
      /type F8_E4M3/,
    ],
  ];
  for (const [name, file, bytes, reason] of cases) {
    test(name, async () => {
      const before = process.memoryUsage().arrayBuffers;
      await assert.rejects(loadTaskData(task, model, await put(file, bytes())), inOneSentence(reason));
      assert.ok(process.memoryUsage().arrayBuffers - before < 200_000_000);
    });
  }

  test('two files in a folder, and none', async () => {
    await put('two/a.npz', pair());
    await put('two/b.npz', pair());
    await mkdir(join(folder, 'none'));
    for (const name of ['two', 'none']) {
      await assert.rejects(
        loadTaskData(task, model, join(folder, name)),
        inOneSentence(/expected one \.npz or \.safetensors file/),
      );
    }
    assert.equal(await looksLikeArrays(join(folder, 'none')), false);
  });

  test('whatever bytes of it are others', async () => {
    const whole = [pair(), ofNumpy('safetensors'), ofNumpy('types')];
    await fc.assert(
      fc.asyncProperty(
        fc.nat(2),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (which, changes) => {
          const bytes = Buffer.from(whole[which]!);
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          const file = await put(which === 1 ? 'changed.safetensors' : 'changed.npz', bytes);
          const refusal = await loadTaskData(task, model, file).then(
            () => null,
            (error: Error) => error,
          );
          if (refusal !== null) inOneSentence(/./)(refusal);
          await arrays.inspect!(task, file, model);
        },
      ),
      { numRuns: 300 },
    );
  });
});

function tensors(header: object, bytes: number): Buffer {
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(bytes)]);
}

describe('examples in arrays', () => {
  test('are scaled as the task says, each feature by its own, bytes kept as bytes', async () => {
    const file = await put('scaled.npz', pair());
    const each = taskOf({ shape: [2], mean: [0, 1], scale: [2, 4], heldOutEvery: 4 });
    assert.deepEqual(
      numbersOf(all((await loadTaskData(each, model, file)).train).inputs),
      [0, 0, 1, 0.5, 2, 1],
    );
    const pixels = npy(dictionary('|u1', '(4, 2)'), Uint8Array.of(0, 255, 51, 102, 0, 0, 255, 255));
    const bytes = await loadTaskData(
      { ...task, scale: 255 },
      model,
      await put('bytes.npz', pair({ x: pixels })),
    );
    assert.deepEqual(numbersOf(all(bytes.train).inputs), [0, 1, 0.2, 0.4, 0, 0].map(Math.fround));
  });

  test('have their channels turned where they come first', async () => {
    const values = Array.from({ length: 4 * 2 * 2 * 3 }, (_, at) => at);
    const first = taskOf({ shape: [2, 2, 3], channels: 'first', heldOutEvery: 4 });
    // [channel, row, column] as [row, column, channel] of 2 x 3 pixels with two channels.
    const expected = [0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11];
    const wide: ModelSpec = flat(12);
    for (const [name, array] of [
      ['f4', npy(dictionary('<f4', '(4, 2, 2, 3)'), float32(values))],
      ['u1', npy(dictionary('|u1', '(4, 2, 2, 3)'), Uint8Array.from(values))],
    ] as const) {
      const file = await put(`first-${name}.npz`, pair({ x: array }));
      const { train } = await loadTaskData(first, wide, file);
      assert.deepEqual(numbersOf(all(train).inputs.slice(0, 12)), expected, name);
      const raw = await arrays.readRows!(first, file);
      assert.deepEqual(numbersOf(raw.values).slice(0, 12), expected, name);
    }
    const channels = { ...first, mean: [1, 10], scale: [1, 2] };
    assert.deepEqual((scalingOf(channels).mean as number[]).slice(0, 4), [1, 10, 1, 10]);
  });

  test('say how to turn axes that are the wrong way round', async () => {
    const file = await put(
      'turned.npz',
      pair({ x: npy(dictionary('|u1', '(4, 3, 8, 8)'), new Uint8Array(768)) }),
    );
    const last = taskOf({ shape: [8, 8, 3] });
    await assert.rejects(
      loadTaskData(last, flat(192), file),
      inOneSentence(/np\.transpose\), or say channels: first/),
    );
  });

  const answers: readonly (readonly [string, object, Buffer, readonly number[]])[] = [
    ['one-hot', {}, npy(dictionary('|b1', '(4, 2)'), Uint8Array.of(1, 0, 0, 1, 0, 1, 1, 0)), [0, 1, 1]],
    ['floats that are classes', {}, npy(dictionary('<f4', '(4,)'), float32([1, 0, 1, 1])), [1, 0, 1]],
    [
      'two classes by a limit',
      { positiveAbove: 2 },
      npy(dictionary('<f4', '(4,)'), float32([2, 2.5, 1, 9])),
      [0, 1, 0],
    ],
    [
      'numbers',
      { kind: 'number', mean: 10, scale: 5 },
      npy(dictionary('<f4', '(4, 1)'), float32([10, 15, 0, 1])),
      [0, 1, -2],
    ],
    [
      'several labels',
      { kind: 'labels', names: ['a', 'b'] },
      npy(dictionary('|u1', '(4, 2)'), Uint8Array.of(1, 1, 0, 0, 0, 1, 1, 0)),
      [1, 1, 0, 0, 0, 1],
    ],
  ];
  for (const [name, label, array, expected] of answers) {
    test(`have ${name} as labels`, async () => {
      const outputs = name === 'numbers' ? 1 : 2;
      const file = await put('labels.npz', pair({ y: array }));
      const data = await loadTaskData(taskOf({ shape: [2], label, heldOutEvery: 4 }), flat(2, outputs), file);
      assert.deepEqual(numbersOf(all(data.train).labels), expected);
    });
  }

  const impossible: readonly (readonly [object, ModelSpec, string])[] = [
    [{ shape: [3] }, model, 'must be 3: the values of an example'],
    [{ shape: [2], mean: [1, 2, 3] }, model, 'must be one number, or 2: one for each feature or channel'],
    [
      { shape: [28, 28] },
      { kind: 'lenet', height: 32, width: 32, channels: 1, outputs: 2 },
      'must take examples of 28 x 28 x 1, as the task has them',
    ],
    [{ shape: [2], label: { classes: ['a', 'b', 'c'] } }, model, 'must be the number of classes (3)'],
    [{ shape: [2], label: { positiveAbove: 1 } }, flat(2, 3), 'must be 2 where the label has positiveAbove'],
    [
      { shape: [2], label: { kind: 'number', mean: 0, scale: 1 } },
      model,
      'must be 1: what the task asks for',
    ],
    [
      { shape: [2], names: { inputs: 'x', labels: 'y', heldOutInputs: 'z' } },
      model,
      'must have both heldOutInputs and heldOutLabels, or none of them',
    ],
  ];
  for (const [fields, of, message] of impossible) {
    test(`cannot go with a model: ${message}`, () => {
      assert.equal(impossibleTask(taskOf(fields), of)?.message, message);
    });
  }
});

describe('arrays without a run', () => {
  const guess = async (bytes: Uint8Array, hints = {}) =>
    arrays.recognise!(await put('guess.npz', bytes), hints);

  test('are guessed to be a task that reads them', async () => {
    const random = rngFor('guess');
    const rows = 40;
    const values = float32(Array.from({ length: rows * 2 }, () => 100 + 10 * random.float()));
    const inputs = npy(dictionary('<f4', `(${rows}, 2)`), values);
    const labels = (array: readonly number[]) => npy(dictionary('<f4', `(${rows},)`), float32(array));
    const every = (of: (row: number) => number) => labels(Array.from({ length: rows }, (_, row) => of(row)));
    const found = await guess(pair({ x: inputs, y: every((row) => row % 2) }));
    assert.deepEqual([found!.shape, found!.label], [[2], { kind: 'class' }]);
    assert.ok(
      (found!.mean as number[]).every((mean) => mean > 103 && mean < 107),
      String(found!.mean),
    );
    const labelOf = async (of: (row: number) => number) =>
      (await guess(pair({ x: inputs, y: every(of) })))!.label;
    assert.deepEqual(await labelOf((row) => (row % 2 ? 1 : -1)), { kind: 'class', positiveAbove: -1 });
    assert.equal((await labelOf((row) => row / 7)).kind, 'number');
    const named = await guess(
      zip([
        { name: 'p.npy', bytes: inputs },
        { name: 'q.npy', bytes: every((row) => row % 3) },
      ]),
      { label: 'q' },
    );
    assert.deepEqual(named!.names, { inputs: 'p', labels: 'q' });
    for (const one of [found!, named!]) assert.deepEqual(taskOf(one), one);
  });

  test('as images of bytes keep their shape, and channels that come first are seen', async () => {
    const y40 = npy(
      dictionary('|u1', '(40,)'),
      Uint8Array.from({ length: 40 }, (_, row) => row % 2),
    );
    const images = (shape: string, bytes: number) => npy(dictionary('|u1', shape), new Uint8Array(bytes));
    const colour = await guess(pair({ x: images('(40, 3, 16, 16)', 40 * 768), y: y40 }));
    assert.deepEqual([colour!.shape, colour!.channels, colour!.scale], [[3, 16, 16], 'first', 255]);
    const grey = await guess(pair({ x: images('(40, 16, 16)', 40 * 256), y: y40 }));
    assert.deepEqual(arrays.exampleSize!(grey!, { files: [], parts: [], columns: 256, refused: [] }), {
      shape: [16, 16, 1],
      outputs: 2,
    });
  });

  test('are looked at whole: every example that is wrong is counted', async () => {
    const nan = Number.NaN;
    const file = await put(
      'wrong.npz',
      pair({
        x: npy(dictionary('<f4', '(4, 2)'), float32([0, nan, nan, nan, 4, 5, nan, 7])),
        y: npy(dictionary('|u1', '(4,)'), Uint8Array.of(0, 7, 0, 9)),
      }),
    );
    const report = await arrays.inspect!(task, file, model);
    assert.deepEqual(report.refused.map(({ count }) => count).sort(), [2, 3]);
    assert.deepEqual(
      report.arrays!.map(({ name, use }) => [name, use]),
      [
        ['x', 'inputs'],
        ['y', 'labels'],
      ],
    );
  });

  test('are divided by label, byte for byte, and read again as one', async () => {
    const rows = 60;
    const inputs = npy(
      dictionary('<f4', `(${rows}, 2)`),
      float32(Array.from({ length: 2 * rows }, (_, at) => at)),
    );
    const labels = npy(
      dictionary('|u1', `(${rows},)`),
      Uint8Array.from({ length: rows }, (_, row) => row % 2),
    );
    const held = { x_train: inputs, y_train: labels, x_test: x, y_test: y };
    const source = await put(
      'whole/all.npz',
      zip(Object.entries(held).map(([name, bytes]) => ({ name: `${name}.npy`, bytes }))),
    );
    const targets = ['s0', 's1', 's2'].map((name) => join(folder, name));
    const words = await arrays.writeShares!(task, {
      source,
      targets,
      classes: 2,
      alpha: 1,
      rng: rngFor('split'),
    });
    assert.match(words, /^examples split by label over 3 nodes/);
    const seen: number[] = [];
    for (const target of targets) {
      assert.deepEqual(await readdir(target), ['part.safetensors']);
      const { train, heldOut } = await loadTaskData(task, model, target);
      assert.equal(heldOut.examples, 4);
      const { inputs: own, labels: classes } = all(train);
      for (let row = 0; row < train.examples; row++) {
        seen.push(own[2 * row]! / 2);
        assert.equal(classes[row], (own[2 * row]! / 2) % 2);
      }
    }
    assert.deepEqual(
      seen.sort((a, b) => a - b),
      [...Array(rows).keys()],
    );
  });

  test('are written as what a reader of safetensors finds', async () => {
    const file = join(folder, 'written.safetensors');
    await writeArrays(file, [{ name: 'a', type: 'I16', shape: [2], bytes: Uint8Array.of(1, 0, 2, 1) }]);
    assert.deepEqual(await read(file), { a: [1, 258] });
  });
});

test('a head of 60 KB of spaces is refused at once', () => {
  for (const fill of [' ', ', ', ',', 'L ']) {
    const shape = `(1${fill.repeat(60_000 / fill.length)}L L)`;
    const text = Buffer.from(`{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }\n`);
    const preamble = Buffer.from('\x93NUMPY\x02\0\0\0\0\0', 'latin1');
    preamble.writeUInt32LE(text.length, 8);
    const startedMs = performance.now();
    assert.throws(() => parseNpyHeader(Buffer.concat([preamble, text])), ArrayProblem);
    assert.ok(performance.now() - startedMs < 5_000, fill);
  }
});
