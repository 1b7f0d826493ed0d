/** The commands of "An arena" in docs/COMMUNITY.md, typed one after the other as they stand there. */
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { linesOf, type Typed, TypedPage, until } from './typed-page.ts';

const lines = linesOf('An arena');

test('every command of an arena in docs/COMMUNITY.md does what the page says', async (t) => {
  assert.ok(lines.length > 15, 'the page has commands');
  const page = await TypedPage.begun();
  const isReady = async (line: string, typed: Typed): Promise<void> => {
    if (!line.includes('evaluate'))
      await until(`${line} is ready: ${typed.text()}`, () => typed.text().includes('address '));
  };
  let shardMs = 0;
  const typing = {
    isReady,
    toldBy(line: string, printed: string, tookMs: number) {
      if (line.includes('arena shard')) shardMs = Math.max(shardMs, tookMs);
      return toldBy(line, printed);
    },
    // Nobody waits here as people do. Six commands are typed while models are taken: on a busy machine rounds are as much longer as making a shard took.
    asTyped: (line: string) =>
      line.replace(/--slot-ms 5000(?= )/, `--slot-ms ${Math.max(600, Math.round(shardMs / 2))}`),
    isDone(line: string, code: number | null, printed: string) {
      if (line.includes('arena board')) return code === 0 && /^phase +over/m.test(printed);
      // The models are there however well their training went.
      return code === 0 || (line.includes(' start ') && code !== null && code >= 20 && code <= 24);
    },
  };
  await page.typeAll(t, lines, typing);
  for (const { line, typed } of page.running.filter((one) => one.line.includes('evaluate'))) {
    assert.equal(await typed.ended, 0, `${line}: ${typed.text()}`);
    assert.match(typed.text(), /^revealed$/m);
  }
  const printed = (part: string): string => page.printed.get(lines.find((line) => line.includes(part))!)!;
  assert.match(printed('arena create'), /^ {2}starlings arena evaluate --dir DIR --shard FILE$/m);
  // The board of a node, and that of its archive.
  for (const text of [printed('arena board'), printed('arena verify')]) {
    assert.match(text, /^ +1 {2}long {2}\d+\.\d\d %, 1024 points/m);
    assert.match(text, /^ +2 {2}short {2}\d+\.\d\d %, 512 points/m);
    assert.equal(text.match(/has revealed, 2 of the others agree and 0 not$/gm)?.length, 3, text);
  }
  assert.equal(printed('arena verify').match(/is right, on 2 of 2 submissions$/gm)?.length, 3);
  assert.equal((await stat(join(page.folder, 'ann.shard'))).mode & 0o777, 0o600);
});

function toldBy(line: string, printed: string): Record<string, string> {
  const told: Record<string, string> = {};
  const invitation = /starlings:\S+/.exec(printed)?.[0];
  if (invitation !== undefined) told['INVITATION'] = invitation;
  const shard = /^shard +(\S+)$/m.exec(printed)?.[1];
  const holder = /--dir arena\/(\S+)/.exec(line)?.[1];
  if (shard !== undefined && holder !== undefined) told[holder.toUpperCase()] = shard;
  return told;
}
