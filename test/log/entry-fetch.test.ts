import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EntryFetch } from '../../src/log/repair/entry-fetch.ts';
import { crypto } from './small-run.ts';

const idOf = (name: string): string => Buffer.from(crypto.sha256(Buffer.from(name))).toString('hex');

test('twenty peers that tell of entries that there are not leave room for those there are', () => {
  const fetch = new EntryFetch({ crypto, nowMs: () => 0, random: () => 0.5 });
  for (let liar = 0; liar < 20; liar++) {
    for (let index = 0; index < 5_000; index++) fetch.want(idOf(`${liar}/${index}`), 3, `liar ${liar}`);
  }
  assert.ok(fetch.missing <= 20 * 1_024);
  fetch.want(idOf('good'), 3, 'honest');
  assert.ok(fetch.has(idOf('good')));
  const told = fetch.asks().filter(({ meaning }) => meaning.peer === 'honest');
  assert.equal(told.length, 1);
});

test('room that was taken comes back, when the entry is here and when nobody has it', () => {
  const fetch = new EntryFetch({ crypto, nowMs: () => 0, random: () => 0.5 });
  const tell = (round: number): void => {
    for (let index = 0; index < 1_024; index++) fetch.want(idOf(`${round}/${index}`), round, 'peer');
  };
  tell(1);
  fetch.want(idOf('one more'), 1, 'peer');
  assert.equal(fetch.missing, 1_024);
  fetch.settle(idOf('1/0'));
  fetch.want(idOf('one more'), 1, 'peer');
  assert.ok(fetch.has(idOf('one more')));
  for (const { meaning } of fetch.asks())
    if (meaning.kind === 'entries') fetch.entriesDone('peer', meaning.ids);
  fetch.pruneThrough(1);
  assert.equal(fetch.missing, 0);
  tell(2);
  assert.equal(fetch.missing, 1_024);
});
