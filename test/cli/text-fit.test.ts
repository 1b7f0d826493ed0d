/** Words on a terminal: where lines break, and how they are drawn where little can be. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { WriteStream } from 'node:tty';
import * as fc from 'fast-check';
import { parse } from 'yaml';
import { createLiveView, createNodeView, painterFor } from '../../src/cli/view/live-view.ts';
import { renderYaml } from '../../src/cli/view/render-yaml.ts';
import { cut, padded, toldOn, widthOf, wrapped } from '../../src/cli/view/text-fit.ts';
import { textTable } from '../../src/cli/view/text-table.ts';
import { evaluationLine, timeLeft } from '../../src/cli/view/time-left.ts';

function terminal(columns: number, isTTY = true): NodeJS.WriteStream {
  const stream = Object.assign(new PassThrough(), { isTTY, columns, rows: 24 });
  return stream as unknown as NodeJS.WriteStream;
}

const sentence =
  'images split by label over 5 nodes (Dirichlet 0.5): 15729, 6084, 14033, 11278, 12876 examples';

const hostile = 'a\u001b]0;x\u0007\u009b31m\u202eb';

test('words of others steer no terminal in tables, notes and YAML, which says the same', () => {
  const told = (text: string) => assert.doesNotMatch(text, /[^\P{Cc}\n]|[\u202a-\u202e]/u);
  told(textTable(['', hostile], [[hostile, '1']], { columns: 80 }));
  const spec = { [hostile]: [hostile, 'plain', `${hostile}\n${'long '.repeat(40)}`] };
  told(renderYaml(spec));
  assert.deepEqual(parse(renderYaml(spec)), spec);
  let noted = '';
  const stream = new PassThrough().on('data', (bytes) => {
    noted += bytes;
  });
  createNodeView(stream as unknown as NodeJS.WriteStream).note(hostile);
  told(noted.trimEnd());
});

test('prose is broken between words on a terminal, and nowhere else', () => {
  assert.equal(
    toldOn(terminal(80), sentence),
    'images split by label over 5 nodes (Dirichlet 0.5): 15729, 6084, 14033, 11278,\n12876 examples',
  );
  assert.equal(toldOn(terminal(80, false), sentence), sentence);
  assert.equal(toldOn(terminal(0), sentence), sentence);
});

test('what goes on stands below the text behind its label; addresses and commands stay whole', () => {
  const address = `/ip4/127.0.0.1/tcp/4001/p2p/${'Q'.repeat(60)}`;
  assert.equal(toldOn(terminal(40), `address   ${address}`), `address   ${address}`);
  assert.equal(
    toldOn(terminal(40), 'deltas    39 published, 38 in the model, 2 rounds skipped'),
    'deltas    39 published, 38 in the model,\n          2 rounds skipped',
  );
  assert.equal(
    toldOn(terminal(30), 'stop it with `starlings testnet down --dir x` then'),
    'stop it with\n`starlings testnet down --dir x`\nthen',
  );
});

test('a row of a table keeps its columns where it is too wide', () => {
  const row = `node-00${'      1234'.repeat(8)}`;
  assert.equal(toldOn(terminal(40), row), row);
  assert.equal(toldOn(terminal(40), `         ${row}`), `         ${row}`);
});

test('whatever is said, no word is broken and none is lost', () => {
  void fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 200 }),
      fc.integer({ min: 1, max: 90 }),
      (text, columns) => {
        const words = (of: string): string[] => of.split(/\s+/).filter((word) => word !== '');
        assert.deepEqual(words(toldOn(terminal(columns), text)), words(text));
      },
    ),
  );
});

test('wrapped and cut lines keep to the width, by columns and not by letters', () => {
  void fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 120 }),
      fc.integer({ min: 8, max: 60 }),
      (text, width) => {
        for (const line of wrapped(text, width, 2)) assert.ok(widthOf(line) <= width, line);
        assert.ok(widthOf(cut(text, width)) <= width);
        assert.equal(widthOf(padded(cut(text, width), width, 'left')), width);
      },
    ),
  );
});

test('NO_COLOR is heeded, and a dumb terminal gets lines in place of drawings', (t) => {
  const before = { ...process.env };
  t.after(() => {
    process.env = before;
  });
  const paintedWith = (env: Record<string, string>): string => {
    process.env = { ...env };
    return painterFor(Object.assign(terminal(80), { getColorDepth: WriteStream.prototype.getColorDepth }))(
      'bad',
      'x',
    );
  };
  assert.equal(paintedWith({ NO_COLOR: '1', TERM: 'xterm' }), 'x');
  assert.equal(paintedWith({ TERM: 'xterm' }), '\u001b[31mx\u001b[39m');
  process.env = { TERM: 'dumb' };
  const stream = terminal(80);
  createLiveView(stream).note('joined');
  createNodeView(stream).note(sentence);
  const written = String((stream as unknown as PassThrough).read());
  assert.ok(written.startsWith('joined\nimages') && !written.includes('\u001b'), JSON.stringify(written));
});

test('a table that is too wide is cut into pieces that each name their rows', () => {
  const head = ['method', 'alpha', 'accuracy, %', 'loss'];
  const body = [
    ['d-psgd', '0.5', '91.20 ± 0.31', '0.3'],
    ['all', '10', '-', '0.25'],
  ];
  assert.equal(
    textTable(head, body, { columns: Number.POSITIVE_INFINITY, fixed: 2 }),
    `method  alpha   accuracy, %  loss
d-psgd  0.5    91.20 ± 0.31   0.3
all     10                -  0.25`,
  );
  assert.equal(
    textTable(head, body, { columns: 28, fixed: 2 }),
    `method  alpha   accuracy, %
d-psgd  0.5    91.20 ± 0.31
all     10                -

method  alpha  loss
d-psgd  0.5     0.3
all     10     0.25`,
  );
});

test('time left follows from what like parts took', () => {
  assert.equal(timeLeft(0, 10, 5000), '');
  assert.equal(timeLeft(2, 10, 5000), ', about 20 s left');
  assert.equal(timeLeft(10, 10, 5000), '');
  assert.equal(
    evaluationLine({ site: 2, sites: 4, done: 50, rows: 100 }, 3000),
    'site 2 of 4, 50 of 100 examples, about 5 s left',
  );
  assert.equal(
    evaluationLine({ site: 1, sites: 1, done: 25, rows: 100 }, 1000),
    '25 of 100 examples, about 3 s left',
  );
});
