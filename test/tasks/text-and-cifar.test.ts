import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { drawBatch } from '../../src/learning/draw-batch.ts';
import { rngFor } from '../../src/math/rng.ts';
import { cifarFiles, readCifarImages } from '../../src/tasks/data/cifar-images/read-cifar-images.ts';
import { loadTaskData } from '../../src/tasks/data/registry.ts';
import { inspectText } from '../../src/tasks/data/text/inspect-text.ts';
import { readText } from '../../src/tasks/data/text/text-files.ts';
import type { ModelSpec } from '../../src/tasks/models/registry.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starlings-text-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const gpt: ModelSpec = { kind: 'gpt', context: 8, layers: 1, heads: 1, width: 8 };
const task = { kind: 'text', heldOutFraction: 0.25, chat: 'chatml' } as const;
const sentence = 'A starling watches seven others, and the flock turns. ';

test('of each text the end is held out; an example is bytes and those that follow', async () => {
  await writeFile(join(folder, 'b.txt'), 'b'.repeat(40));
  await writeFile(join(folder, 'a.txt'), sentence);
  await writeFile(join(folder, 'not-text.bin'), 'x');
  const { train, heldOut } = await readText(task, gpt, folder);
  const cut = Math.round(sentence.length * 0.75);
  assert.equal(Buffer.from(train.bytes).toString(), sentence.slice(0, cut) + 'b'.repeat(30));
  assert.equal(Buffer.from(heldOut.bytes).toString(), sentence.slice(cut) + 'b'.repeat(10));
  assert.equal(train.examples, train.bytes.length - 8);
  const batch = train.batchOf([0, train.examples - 1]);
  assert.equal(Buffer.from(batch.inputs.slice(0, 8)).toString(), 'A starli');
  assert.equal(Buffer.from(batch.labels.slice(0, 8)).toString(), ' starlin');
  assert.equal(Buffer.from(batch.labels.slice(8)).toString(), 'b'.repeat(8));
  assert.deepEqual(drawBatch(train, 3, 'a'), drawBatch(train, 3, 'a'));
  assert.notDeepEqual(drawBatch(train, 3, 'a'), drawBatch(train, 3, 'b'));
});

test('peers get contiguous parts of a text that make up the whole', async () => {
  const { train } = await readText(task, gpt, join(folder, 'a.txt'));
  const parts = train.splitAmong({ peers: 3, alpha: 1, classes: 256, rng: rngFor('text') });
  const bytes = parts.flatMap((part) => [...part.bytes]);
  assert.deepEqual(bytes, [...train.bytes]);
  assert.throws(() => train.splitAmong({ peers: 9, alpha: 1, classes: 256, rng: rngFor('text') }), {
    code: 'DATA_SHAPE',
    message: /too few for one context of 8/,
  });
});

test('records of JSON Lines are texts, and dialogues as a template writes them', async () => {
  const lines = [
    { text: 'A flock of one.' },
    { messages: [{ role: 'system', content: 'Be brief.' }, ...[{ role: 'user', content: 'Who?' }]] },
    { conversations: [{ from: 'human', value: 'a' }, ...[{ from: 'gpt', value: 'b' }]], id: 7 },
    { instruction: 'Add.', input: '1 + 1', output: '2' },
    { prompt: 'p', completion: 'c' },
    { question: 'q', answer: 'ä' },
  ];
  const file = join(folder, 'records.jsonl');
  await writeFile(file, `\uFEFF${lines.map((line) => JSON.stringify(line)).join('\r\n')}\n\n`);
  const bytesOf = async (chat: 'chatml' | 'plain') => {
    const { train, heldOut } = await readText({ ...task, chat }, gpt, file);
    return Buffer.concat([train.bytes, heldOut.bytes]).toString();
  };
  const turn = (role: string, content: string) => `<|im_start|>${role}\n${content}<|im_end|>\n`;
  assert.equal(
    await bytesOf('chatml'),
    [
      'A flock of one.\n',
      ...[turn('system', 'Be brief.'), turn('user', 'Who?'), turn('user', 'a'), turn('assistant', 'b')],
      ...[turn('user', 'Add.\n\n1 + 1'), turn('assistant', '2'), turn('user', 'p'), turn('assistant', 'c')],
      ...[turn('user', 'q'), turn('assistant', 'ä')],
    ].join(''),
  );
  assert.match(await bytesOf('plain'), /^A flock of one\.\nsystem: Be brief\.\nuser: Who\?\n\nuser: a\n/);
});

test('lines that are no records are refused by number, all of them where one only looks', async () => {
  const file = join(folder, 'bad.jsonl');
  await writeFile(file, `{"text": "${'good '.repeat(20)}"}\nno JSON\n{"txt": "x"}\n{"messages": []}\n`);
  await assert.rejects(readText(task, gpt, file), {
    code: 'BAD_DATA_FILE',
    message: /bad\.jsonl:2: expected a JSON object with text, messages, .*, found 'no JSON'$/,
  });
  const { refused, parts } = await inspectText(task, file);
  assert.deepEqual(
    refused.flatMap(({ first }) => first.map((sentence) => Number(/jsonl:(\d+)/.exec(sentence)![1]))),
    [2, 3, 4],
  );
  assert.ok(parts[0]!.rows > 50);
});

test('texts that are not there or too short are refused by name', async () => {
  await assert.rejects(loadTaskData(task, gpt, join(folder, 'absent')), {
    code: 'BAD_DATA_FILE',
    message: /absent does not exist; check the path of the data/,
  });
  const empty = await mkdtemp(join(folder, 'empty-'));
  await assert.rejects(loadTaskData(task, gpt, empty), { code: 'BAD_DATA_FILE', message: /found none/ });
  await writeFile(join(empty, 'short.txt'), '12345678');
  await assert.rejects(loadTaskData(task, gpt, empty), { code: 'DATA_SHAPE', message: /too few/ });
});

test('CIFAR-10 becomes height x width x channels, and truncation is noticed', async () => {
  const model: ModelSpec = { kind: 'gn-lenet', height: 32, width: 32, channels: 3, outputs: 10 };
  const record = (label: number): Buffer => {
    const pixels = Buffer.alloc(3072);
    // Red, green and blue of the pixel in row 1, column 2.
    for (const [channel, value] of [10, 20, 30].entries()) pixels[channel * 1024 + 34] = value;
    return Buffer.concat([Buffer.of(label), pixels]);
  };
  const cifar = await mkdtemp(join(folder, 'cifar-'));
  for (const [index, name] of cifarFiles.train.entries()) await writeFile(join(cifar, name), record(index));
  await writeFile(join(cifar, cifarFiles.heldOut[0]!), Buffer.concat([record(9), record(8)]));
  const { train, heldOut } = await readCifarImages(model, cifar);
  assert.deepEqual([...train.labels], [0, 1, 2, 3, 4]);
  assert.deepEqual([...heldOut.labels], [9, 8]);
  assert.deepEqual([...train.inputs.subarray(34 * 3, 35 * 3)], [10, 20, 30]);
  assert.equal(train.exampleLength, 3072);
  await writeFile(join(cifar, cifarFiles.train[3]!), record(1).subarray(1));
  await assert.rejects(loadTaskData({ kind: 'cifar-images' }, model, cifar), {
    code: 'BAD_DATA_FILE',
    message: /data_batch_4.bin: expected records of 3073 bytes, found 3072/,
  });
  await writeFile(join(cifar, cifarFiles.train[3]!), record(11));
  await assert.rejects(loadTaskData({ kind: 'cifar-images' }, model, cifar), { code: 'DATA_SHAPE' });
});
