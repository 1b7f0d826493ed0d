/** Records as people have them, and what is none. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Command } from 'commander';
import * as z from 'zod';

import { batchText, readBatch, readRecords } from '../../src/cli/parts/label/label-records.ts';
import { addHeaderOption } from '../../src/cli/parts/new-run/label-options.ts';
import { agreementLines } from '../../src/cli/view/label-lines.ts';
import { loadYamlFile } from '../../src/config/yaml-file.ts';
import { keysOf, valueOfKey } from '../../src/page/label-keys.ts';
import { crypto } from '../log/small-run.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starlings-records-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function read(name: string, text: string, other: string | null = null) {
  await writeFile(join(folder, name), text);
  return readRecords(join(folder, name), { text: 'text', other }, crypto);
}
const textsOf = ({ records }: Awaited<ReturnType<typeof read>>) => records.map(({ text }) => text);

describe('records that are to be labelled', () => {
  test('are of a file that ends: no device behind a link is read, whatever it says of its length', async () => {
    for (const name of ['endless.jsonl', 'endless.json', 'endless.txt']) {
      await symlink('/dev/zero', join(folder, name));
      await assert.rejects(readRecords(join(folder, name), { text: 'text', other: null }, crypto), {
        message: /has more than the 67108864 bytes that are read/,
      });
    }
    await assert.rejects(loadYamlFile(join(folder, 'endless.txt'), z.unknown()), { code: 'BAD_CONFIG' });
  });

  test('are found in a table without a row of names, which are given then', async () => {
    const header = addHeaderOption(new Command()).parse(['--header', 'text, stars'], { from: 'user' }).opts()[
      'header'
    ];
    await writeFile(join(folder, 'bare.csv'), 'one,3\ntwo,4\n');
    const found = await readRecords(join(folder, 'bare.csv'), { text: 'text', other: null, header }, crypto);
    assert.deepEqual(textsOf(found), ['one', 'two']);
  });

  test('are the same whatever file they come from, and go by the same hashes', async () => {
    const csv = await read('a.csv', 'id,text\n1,"one ""two""\r\nthree"\n2,four\n');
    const jsonl = await read(
      'a.jsonl',
      `\uFEFF${JSON.stringify({ text: 'one "two"\r\nthree', more: 1 })}\n\n${JSON.stringify({ data: { text: 'four' } })}\n`,
    );
    assert.deepEqual(textsOf(csv), ['one "two"\nthree', 'four']);
    assert.deepEqual(jsonl.records, csv.records);
    assert.deepEqual(textsOf(await read('a.txt', 'one\n\n  two  \n')), ['one', 'two']);
    const pairs = await read('b.jsonl', JSON.stringify({ text: 'one', reply: 'two' }), 'reply');
    assert.deepEqual(pairs.records[0]!.other, 'two');
    await writeFile(join(folder, 'batch'), batchText([...csv.records, ...pairs.records]));
    const again = await readBatch(join(folder, 'batch'), 3, crypto);
    assert.deepEqual(again, {
      ...{ records: [...csv.records, ...pairs.records], refused: [], remarks: new Map() },
    });
  });

  test('are left out and counted where they are long, empty, twice there, or mislead', async () => {
    const lines = ['fine', 'fine', 'a\u202eb', 'a\u001b[31mb', 'x'.repeat(4001), 'x'.repeat(4000)];
    const { records, refused } = await read('c.txt', lines.join('\n'));
    assert.equal(records.length, 2);
    assert.deepEqual(
      refused.map(({ count, firstLine }) => [count, firstLine]),
      [
        [1, 2],
        [2, 3],
        [1, 5],
      ],
    );
    const bad = ['{"text":1}', '[]', 'null', '{"text":"ok","more":"x"}', '{"text":"  "}'];
    await writeFile(join(folder, 'bad'), `${bad.join('\n')}\n`);
    const handed = await readBatch(join(folder, 'bad'), 100, crypto);
    assert.deepEqual(handed.records, [], 'what a stranger hands on has the form or is no record');
    assert.equal(
      handed.refused.reduce((sum, { count }) => sum + count, 0),
      5,
    );
    await writeFile(join(folder, 'steers'), `{"text":"a","\\u001b]0;mine\\u0007":1}\n`);
    const [steers] = (await readBatch(join(folder, 'steers'), 1, crypto)).refused;
    assert.equal(steers!.reason, 'the record: has other fields than text and other', 'no word of the file');
    await assert.rejects(readBatch(join(folder, 'bad'), 4, crypto), /more lines than the 4 records/);
    await assert.rejects(read('d.csv', 'id,words\n1,one\n'), /'text'/);
  });
});

test('keys give answers, and none means two things', () => {
  const many = Array.from({ length: 32 }, (_, at) => `choice ${at}`);
  const keys = keysOf(many);
  assert.equal(new Set(keys).size, 32);
  assert.ok(keys.every((key) => key.length === 1 && !'sdg'.includes(key)));
  assert.equal(valueOfKey(many, '1'), 'choice 0');
  assert.deepEqual(keysOf(['0', '1', '10']), ['0', '1', 't']);
  assert.equal(valueOfKey(['0', '1', '10'], '1'), '1');
  for (const key of ['s', 'Enter', 'Backspace', '?']) assert.equal(valueOfKey(many, key), null);
});

describe('lines on agreement', () => {
  const record = '5a'.repeat(32);
  const none = { count: 0, of: 0 };
  const report = {
    ...{ alpha: 0.5, kappa: null, same: 0.25, spanF1: null, compared: 1, pairs: [], annotators: [] },
    ...{ comparison: 'nominal' as const, modelled: null, suggested: { shown: none, hidden: none } },
    counts: { decided: 0, agreed: 0, disputed: 1, open: 0 },
    disagreements: [{ record, status: 'disputed' as const, label: null, tally: { a: 1, b: 2 }, answers: 3 }],
  };

  test('show what differs, in one line each', () => {
    const question = { kind: 'choice' as const, text: 'Which?', choices: ['a', 'b'] };
    const lines = agreementLines(report, {
      question,
      texts: new Map([[record, 'one\n two']]),
      unanswered: 3,
      shownMax: 5,
    });
    assert.match(lines[0]!, /1 disputed, 0 with too few answers, 3 with none$/);
    assert.match(lines[1]!, /alpha 0\.500 \(nominal\), Fleiss' kappa -, on 1 record /);
    assert.equal(lines.at(-1), `disputed  ${record} b 2, a 1: one two`);
  });

  test('show spans by what they mark, and where nobody has the text by their places', () => {
    const question = { kind: 'span' as const, text: 'Who?', labels: ['person'] };
    const [one] = report.disagreements;
    const spans = {
      ...{ ...report, alpha: null, spanF1: 0.5, comparison: 'spans' as const },
      disagreements: [{ ...one!, tally: { '[[0,3,0]]': 2, '[]': 1 } }],
    };
    const shown = agreementLines(spans, {
      question,
      texts: new Map([[record, 'Ann came']]),
      unanswered: 3,
      shownMax: 5,
    });
    assert.match(shown[1]!, /span F1 0\.500, whole answers alike 0\.250, on/);
    assert.equal(shown.at(-1), `disputed  ${record} {person "Ann"} 2, nothing 1: Ann came`);
    const without = agreementLines(spans, { question, texts: new Map(), unanswered: 3, shownMax: 5 });
    assert.match(without.at(-1)!, /\{person 0-3\} 2, nothing 1: \(its text is not here\)$/);
  });
});
