import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeNote } from '../../src/entries/note/note-kind.ts';

test('a note is seen, and what it shows is one line of its own', () => {
  for (const text of [
    'up at six',
    'schön',
    'Tiếng Việt',
    'e\u0301 e\u0302\u0323\u0308',
    '❤\ufe0f',
    '日本語',
    '한국어',
    '🐦',
  ])
    assert.deepEqual(encodeNote(text), new TextEncoder().encode(text), text);
  const unseen = [
    '\u2800',
    '\u3164',
    '\u115f',
    '\uffa0',
    '\u034f',
    '\u180e',
    '\ue000',
    '\u{f0000}',
    '\u{e0041}',
    '\u200b',
  ];
  for (const character of unseen) {
    assert.equal(encodeNote(character), null, `U+${character.codePointAt(0)!.toString(16)} alone`);
    assert.equal(encodeNote(`up${character}at six`), null);
  }
  assert.equal(encodeNote(`a${'\u0301'.repeat(4)}`), null, 'marks that cover the line above');
  for (const text of ['', ' ', '\u3000', '\u202eup', 'two\nlines', '\u001b[2J'])
    assert.equal(encodeNote(text), null);
});
