/** Figures in files of other programs, read back by readers that know nothing of what wrote them. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { openScalarCsv } from '../../src/api/scalar-csv.ts';
import { type Scalar, SettledFigures } from '../../src/api/settled-figures.ts';
import { openTensorboard } from '../../src/api/tensorboard.ts';

const folder = mkdtempSync(join(tmpdir(), 'starlings-figures-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

const scalar = (fields: Partial<Scalar> = {}): Scalar => ({
  ...{ node: 'node-00', runId: 'bafy0123456789abcdef', round: 3, figure: 'loss', value: 0.5, atMs: 1_500 },
  tag: 'training/loss',
  ...fields,
});

/** CRC-32C by long division, bit for bit. */
function crc32cByBits(data: Uint8Array): number {
  let rest = 0xffffffff;
  for (const byte of data) {
    for (let bit = 0; bit < 8; bit++) {
      const isOdd = ((rest ^ (byte >>> bit)) & 1) === 1;
      rest = (rest >>> 1) ^ (isOdd ? 0x82f63b78 : 0);
    }
  }
  return ~rest >>> 0;
}

function unmasked(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

function recordsOf(file: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    const data = file.subarray(at + 12, at + 12 + length);
    assert.equal(unmasked(file.readUInt32LE(at + 8)), crc32cByBits(file.subarray(at, at + 8)));
    assert.equal(unmasked(file.readUInt32LE(at + 12 + length)), crc32cByBits(data));
    records.push(data);
    at += 16 + length;
  }
  return records;
}

/** Fields of a protobuf message, by number. */
function fieldsOf(message: Buffer): Map<number, number | Buffer> {
  const fields = new Map<number, number | Buffer>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const kind = tag & 7;
    const length = kind === 0 ? 0 : kind === 1 ? 8 : kind === 5 ? 4 : varint();
    const field = message.subarray(at, at + length);
    at += length;
    const value =
      kind === 0 ? varint() : kind === 1 ? field.readDoubleLE() : kind === 5 ? field.readFloatLE() : field;
    fields.set(tag >>> 3, value);
  }
  return fields;
}

describe('figures in files', () => {
  test('event files of TensorBoard hold what was written, with checksums that are right', async () => {
    assert.equal(crc32cByBits(Buffer.from('123456789')), 0xe3069283);
    const sink = openTensorboard(at('board'));
    const written = [scalar(), scalar({ round: 2 ** 40 + 5, tag: 'network/bytes_sent', value: 3e9 })];
    for (const each of [...written, scalar({ node: 'node-01' })]) sink.write(each);
    await sink.close();
    const [run] = readdirSync(at('board'));
    assert.deepEqual(readdirSync(join(at('board'), run!)).toSorted(), ['node-00', 'node-01']);
    const place = join(at('board'), run!, 'node-00');
    const [name] = readdirSync(place);
    assert.match(name!, /^events\.out\.tfevents\./);
    const [first, ...rest] = recordsOf(readFileSync(join(place, name!))).map(fieldsOf);
    assert.equal(String(first!.get(3)), 'brain.Event:2');
    const read = rest.map((event) => {
      const value = fieldsOf(fieldsOf(event.get(5) as Buffer).get(1) as Buffer);
      return [event.get(1), event.get(2), String(value.get(1)), value.get(2)];
    });
    assert.deepEqual(read, [
      [1.5, 3, 'training/loss', 0.5],
      [1.5, 2 ** 40 + 5, 'network/bytes_sent', 3e9],
    ]);
  });

  test('TensorBoard itself reads them', {
    skip: !process.env['STARLINGS_TENSORBOARD'] && 'needs tensorboard of pip: STARLINGS_TENSORBOARD=python3',
  }, async () => {
    const sink = openTensorboard(at('real'));
    for (let round = 0; round < 5; round++) sink.write(scalar({ round, value: 1 / (round + 1) }));
    await sink.close();
    const [run] = readdirSync(at('real'));
    const script = `import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
board = EventAccumulator(sys.argv[1]); board.Reload()
print([(e.step, round(e.value, 4)) for e in board.Scalars('training/loss')])`;
    const python = process.env['STARLINGS_TENSORBOARD']!;
    const { stdout, stderr } = spawnSync(python, ['-c', script, join(at('real'), run!, 'node-00')], {
      encoding: 'utf8',
    });
    assert.equal(stdout.trim(), '[(0, 1.0), (1, 0.5), (2, 0.3333), (3, 0.25), (4, 0.2)]', stderr);
  });

  test('a CSV file gets one row a figure, and is written on', async () => {
    for (const node of ['node-00', 'one, "two"']) {
      const sink = openScalarCsv(at('figures.csv'));
      sink.write(scalar({ node }));
      await sink.close();
    }
    assert.equal(
      readFileSync(at('figures.csv'), 'utf8'),
      'time,run,node,round,figure,value\n' +
        '1970-01-01T00:00:01.500Z,bafy0123456789abcdef,node-00,3,loss,0.5\n' +
        '1970-01-01T00:00:01.500Z,bafy0123456789abcdef,"one, ""two""",3,loss,0.5\n',
    );
    writeFileSync(at('other.csv'), 'age,outcome\n1,0\n');
    assert.throws(() => openScalarCsv(at('other.csv')), { code: 'BAD_USAGE' });
    assert.equal(readFileSync(at('other.csv'), 'utf8'), 'age,outcome\n1,0\n');
  });

  test('nodes of a testnet add to one CSV file, whoever is first', async () => {
    const script = `import { openScalarCsv } from ${JSON.stringify(new URL('../../src/api/scalar-csv.ts', import.meta.url).href)};
      const sink = openScalarCsv(process.argv[1]);
      for (let round = 0; round < 200; round++)
        sink.write({ node: process.argv[2], runId: 'r', round, figure: 'loss', tag: '', value: 1, atMs: 0 });`;
    const ends = ['a', 'b', 'c'].map((node) => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script, at('shared.csv'), node]);
      return once(child, 'exit');
    });
    assert.deepEqual(await Promise.all(ends), [
      [0, null],
      [0, null],
      [0, null],
    ]);
    const [head, ...rows] = readFileSync(at('shared.csv'), 'utf8').trimEnd().split('\n');
    assert.equal(head, 'time,run,node,round,figure,value');
    assert.equal(rows.length, 600);
    assert.ok(rows.every((row) => /^1970-01-01T00:00:00.000Z,r,[abc],\d+,loss,1$/.test(row)));
    assert.ok(readdirSync(folder).every((name) => !name.endsWith('.tmp')));
  });

  test('a figure is told once a round, as it was last, when a later round is heard of', () => {
    const told: string[] = [];
    const settled = new SettledFigures(({ round, figure, value }) =>
      told.push(`${round} ${figure} ${value}`),
    );
    const of = { node: 'a', runId: 'r', atMs: 0 };
    settled.note({ ...of, round: 0 }, { loss: 3, bytesOut: 1 });
    settled.note({ ...of, round: 0 }, { loss: 2, bytesOut: 5, lag: null });
    assert.deepEqual(told, []);
    settled.note({ ...of, round: 1 }, { loss: 1 });
    assert.deepEqual(told, ['0 loss 2', '0 bytesOut 5']);
    // An evaluation is of an earlier round, and new; what was told already is not.
    settled.note({ ...of, round: 0 }, { accuracy: 0.5, loss: 9, bytesOut: 9 });
    settled.note({ ...of, node: 'b', round: 7 }, { loss: 4 });
    settled.note({ ...of, node: 'c', round: 1 }, { measures: { rmse: 2, 'AUC a b': 0.5 } });
    settled.end();
    assert.deepEqual(told.slice(2).toSorted(), [
      '0 accuracy 0.5',
      '1 loss 1',
      '1 measure/AUC a b 0.5',
      '1 measure/rmse 2',
      '7 loss 4',
    ]);
  });

  test('the loss of a round that is published when the next one is under way comes before that of the next', () => {
    const told: string[] = [];
    const settled = new SettledFigures(({ round, value }) => told.push(`${round} ${value}`));
    const of = { node: 'a', runId: 'r', atMs: 0 };
    // What was looked at, with the last loss that is known.
    settled.note({ ...of, round: 1 }, { loss: 3 });
    settled.note({ ...of, round: 0 }, { loss: 3 });
    settled.note({ ...of, round: 1 }, { loss: 2 });
    settled.end();
    assert.deepEqual(told, ['0 3', '1 2']);
  });
});
