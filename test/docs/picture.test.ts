/** The picture in the README is one that any page can show: it loads nothing, runs nothing, and is small. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../architecture/source-tree.ts';

test('the picture of the README moves by itself, and shows the end to who asks for no motion', () => {
  const picture = readFileSync(join(repositoryRoot, 'docs/pictures/start.svg'), 'utf8');
  // 6 kB as servers send it, by gzip.
  assert.ok(Buffer.byteLength(picture) < 120_000);
  assert.doesNotMatch(picture, /<script|href|url\(|@import|<foreignObject/i);
  assert.equal(picture.match(/https?:/g)?.length, 1, 'the name space');
  const frames = [...picture.matchAll(/<g id="f\d+" class="([fl])">(.*)<\/g>/g)];
  assert.ok(frames.length > 10);
  const [, last, text] = frames.at(-1)!;
  assert.equal(last, 'l');
  assert.match(text!, /100\/100/);
  assert.match(picture, /prefers-reduced-motion:no-preference/);
});
