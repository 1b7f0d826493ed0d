/** What `data inspect` prints is a run that `run create` takes, or a reason why there is none and exit code 1. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { encode as encodePng } from 'fast-png';
import { writeIdxImages, writeIdxLabels } from '../../src/tasks/data/idx-images/idx-file.ts';
import { idxFiles } from '../../src/tasks/data/idx-images/idx-folder.ts';
import { numpyFiles } from '../tasks/numpy-files.ts';
import { starlings } from './starlings-process.ts';

let folder = '';
const at = (...names: string[]): string => join(folder, ...names);
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starlings-suggestions-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const table = async (name: string, head: string, rowOf: (row: number) => string): Promise<string> => {
  const rows = Array.from({ length: 60 }, (_, row) => `${rowOf(row)}\n`).join('');
  await writeFile(at(name), `${head}\n${rows}`);
  return at(name);
};

const data: Readonly<Record<string, () => Promise<string>>> = {
  'a table': () =>
    table('classes.csv', 'age,sex,sick', (row) => `${row},${row % 2 ? 'm' : 'f'},${row % 3 ? 'no' : 'yes'}`),
  'a table with a number to learn': () => table('number.csv', 'age,price', (row) => `${row},${row + 0.5}`),
  text: async () => {
    await writeFile(at('book.txt'), 'It was a dark and stormy night. '.repeat(200));
    return at('book.txt');
  },
  dialogues: async () => {
    const messages = [
      { role: 'user', content: 'Who are you?' },
      { role: 'assistant', content: 'A starling.' },
    ];
    await writeFile(at('talk.jsonl'), `${JSON.stringify({ messages })}\n`.repeat(60));
    return at('talk.jsonl');
  },
  'a folder of images': async () => {
    for (const name of ['cat', 'dog']) {
      await mkdir(at('pets', name), { recursive: true });
      for (let image = 0; image < 5; image++) {
        const pixels = new Uint8Array(16 * 16 * 3).fill(40 * image);
        await writeFile(
          at('pets', name, `${image}.png`),
          encodePng({ width: 16, height: 16, data: pixels, channels: 3 }),
        );
      }
    }
    return at('pets');
  },
  'arrays of numpy': async () => {
    await writeFile(at('site.npz'), Buffer.from(numpyFiles.plain, 'base64'));
    return at('site.npz');
  },
  'IDX images': async () => {
    await mkdir(at('idx'));
    const pixels = new Uint8Array(6 * 64).fill(9);
    for (const [images, labels] of [
      [idxFiles.trainImages, idxFiles.trainLabels],
      [idxFiles.heldOutImages, idxFiles.heldOutLabels],
    ] as const) {
      await writeIdxImages(at('idx', images), { count: 6, rows: 8, columns: 8, pixels });
      await writeIdxLabels(at('idx', labels), Uint8Array.of(0, 1, 2, 0, 1, 2));
    }
    return at('idx');
  },
};

describe('data inspect', () => {
  for (const [what, make] of Object.entries(data)) {
    test(`of ${what} prints a model and a task that run create takes`, async () => {
      const path = await make();
      const looks = await starlings('data', 'inspect', path);
      assert.equal(looks.exitCode, 0, looks.stdout + looks.stderr);
      const [, fields = ''] = looks.stdout.split('in the file of a run:\n');
      assert.match(fields, /^model:\n {2}kind: .*[\s\S]*\ntask:\n/);
      const training =
        'training: { localSteps: 1, batchSize: 8, learningRate: 0.01 }\nrounds: 2\nslotMs: 1000\n';
      await writeFile(at('run.yaml'), `name: suggested\n${training}strategy: { id: delta-log }\n${fields}`);
      const create = [
        'run',
        'create',
        at('run.yaml'),
        '--out',
        at('run.manifest'),
        '--key',
        at('key'),
        '--force',
      ];
      const created = await starlings(...create);
      assert.equal(created.exitCode, 0, created.stderr);
      const checked = await starlings('data', 'check', path, '--run', at('run.yaml'));
      assert.equal(checked.exitCode, 0, checked.stdout + checked.stderr);
    });
  }

  const refusals: readonly (readonly [
    what: string,
    head: string,
    row: (row: number) => string,
    sentence: RegExp,
  ])[] = [
    [
      'thousands points beside decimal commas',
      'a;y',
      (row) => `1.234,${10 + row};${row % 2 ? 'no' : 'yes'}`,
      /no column is left to learn from: 'a' has numbers in groups of thousands, such as 1\.234,10: write them without/,
    ],
    [
      'one class',
      'a,y',
      (row) => `${row},x`,
      /the label has one class only, 'x': there is nothing to tell apart/,
    ],
    [
      'numbers beyond all bounds',
      'a,b,y',
      (row) => `${row},${row % 2 ? '1e400' : '-1e308'},${row % 2}`,
      /column 'b' has numbers too large for any computer's, such as 1e400/,
    ],
    [
      'sums beyond all bounds',
      'a,y',
      (row) => `${row % 2 ? 1e308 : -1e308},${row % 2}`,
      /no run starts with it as it looks: task/,
    ],
  ];
  for (const [what, head, rowOf, sentence] of refusals) {
    test(`of ${what} says why there is none`, async () => {
      const looks = await starlings('data', 'inspect', await table('refused.csv', head, rowOf));
      assert.equal(looks.exitCode, 1, looks.stdout + looks.stderr);
      assert.match(looks.stdout, sentence);
    });
  }

  test('writes out what would steer the terminal, in a name and in a refusal', async () => {
    const red = '\u001b[31m';
    const path = await table('escape.csv', `a${red},y`, (row) => `${row},${row % 2}`);
    const looks = await starlings('data', 'inspect', path);
    const wrong = await starlings('data', 'inspect', path, '--label', 'z');
    for (const said of [looks.stdout, wrong.stderr]) {
      assert.ok(said.includes('a\\x1b[31m') && !said.includes('\u001b'), said);
    }
  });
});
