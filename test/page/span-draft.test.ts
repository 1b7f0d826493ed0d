/** What is marked in a text with keys and with the mouse. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Span } from '../../src/entries/labels/spans.ts';
import {
  erased,
  extended,
  marked,
  piecesOf,
  pointed,
  type SpanDraft,
  spanDraft,
  stepped,
} from '../../src/page/span-draft.ts';

const text = 'Ann (of Rome) met  Zoë.';
const chosen = ({ selected }: SpanDraft): string | null => selected && text.slice(selected.from, selected.to);
const after = (draft: SpanDraft, ...steps: readonly ((draft: SpanDraft) => SpanDraft)[]): SpanDraft =>
  steps.reduce((each, step) => step(each), draft);
const [right, left] = [
  (draft: SpanDraft) => stepped(draft, 'right'),
  (draft: SpanDraft) => stepped(draft, 'left'),
];
const [more, less] = [
  (draft: SpanDraft) => extended(draft, 'right'),
  (draft: SpanDraft) => extended(draft, 'left'),
];

test('arrows go from word to word, and stop at both ends', () => {
  const draft = spanDraft(text, []);
  assert.equal(chosen(right(draft)), 'Ann');
  assert.equal(chosen(left(draft)), '.');
  assert.equal(chosen(after(draft, right, right)), '(');
  assert.equal(chosen(after(draft, right, left)), 'Ann');
  assert.equal(chosen(after(draft, left, left)), 'Zoë');
  assert.equal(chosen(after(draft, left, right)), '.');
});

test('with shift they take more words to one side, and give them back', () => {
  const rome = after(spanDraft(text, []), right, right, right, right);
  assert.equal(chosen(rome), 'Rome');
  assert.equal(chosen(after(rome, more, more)), 'Rome) met');
  assert.equal(chosen(after(rome, more, more, less)), 'Rome)');
  assert.equal(chosen(after(rome, more, less, less)), 'of Rome');
  assert.equal(chosen(after(rome, less, less, more, more, more)), 'Rome)');
  assert.equal(chosen(after(rome, more, more, more, more, more)), 'Rome) met  Zoë.');
  assert.equal(chosen(after(spanDraft(text, []), more)), 'Ann');
});

test('the mouse selects without blanks around it, and a click the word', () => {
  const draft = spanDraft(text, []);
  assert.equal(chosen(pointed(draft, 13, 19)), 'met');
  assert.equal(chosen(pointed(draft, 9, 9)), 'Rome');
  assert.equal(chosen(pointed(draft, 17, 19)), null, 'of blanks nothing');
  assert.equal(chosen(pointed(draft, text.length, text.length)), null);
});

test('what is marked again is something else, and what is erased nothing', () => {
  const ann = marked(right(spanDraft(text, [])), 1)!;
  assert.deepEqual(ann.spans, [[0, 3, 1]]);
  const rome = marked(pointed(ann, 4, 13), 0)!;
  assert.deepEqual(rome.spans, [
    [0, 3, 1],
    [4, 13, 0],
  ]);
  const all = marked(pointed(rome, 0, 8), 2)!;
  assert.deepEqual(all.spans, [[0, 7, 2]], 'none overlaps another');
  assert.deepEqual(erased(pointed(rome, 2, 2)).spans, [[4, 13, 0]]);
  assert.equal(marked(spanDraft(text, []), 0), null, 'nothing is selected');
  const many = Array.from({ length: 32 }, (_, at): Span => [2 * at, 2 * at + 1, 0]);
  const full = { ...spanDraft('a '.repeat(40), many), selected: { from: 70, to: 71 } };
  assert.equal(marked(full, 0), null);
});

test('a text in pieces is the text', () => {
  const draft = pointed(
    spanDraft(text, [
      [0, 3, 1],
      [8, 12, 0],
    ]),
    10,
    16,
  );
  const pieces = piecesOf(draft);
  assert.equal(pieces.map((piece) => piece.text).join(''), text);
  assert.deepEqual(
    pieces
      .filter(({ label }) => label !== null)
      .map((piece) => [piece.text, piece.label, piece.isSelected, piece.isLast]),
    [
      ['Ann', 1, false, true],
      ['Ro', 0, false, false],
      ['me', 0, true, true],
    ],
  );
});
