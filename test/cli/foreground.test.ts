/** A node behind `&` shares its terminal with whoever types there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { entry } from './entry.ts';
import { noTerminal, onTerminal } from './terminal.ts';

const drawing = fileURLToPath(new URL('./drawing.ts', import.meta.url));
const escapeCode = String.fromCharCode(27);

/** What a terminal gets of the program `drawing.ts`, started by a shell with control of jobs. */
function drawn(behind: '' | ' &'): string {
  return onTerminal(90, `set -m; '${process.execPath}' '${drawing}'${behind}\nwait`);
}

test('in the foreground a node draws in place, in the background it writes lines and erases nothing', {
  skip: noTerminal,
}, () => {
  const erases = new RegExp(`${escapeCode}\\[\\d*[AK]`);
  const before = drawn('');
  assert.match(before, erases);
  assert.match(before, /here +nobody/);
  const behind = drawn(' &');
  assert.match(behind, /^noted 1$/m);
  assert.match(behind, /^noted 2$/m);
  assert.doesNotMatch(behind, erases);
  assert.doesNotMatch(behind, /here +nobody/);
});

test('what went wrong is broken between words', { skip: noTerminal }, () => {
  const told = onTerminal(40, `'${process.execPath}' '${entry}' node || true`);
  assert.match(told, /^starlings: a node needs --run \(a$/m);
  for (const line of told.split('\n')) assert.ok(line.length <= 40, line);
});
