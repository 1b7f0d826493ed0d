/** The commands of "One evening" in docs/COMMUNITY.md, typed one after the other as they stand there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf, type Typed, TypedPage, until } from './typed-page.ts';

const lines = linesOf('One evening');

test('every command of an evening in docs/COMMUNITY.md does what the page says', async (t) => {
  assert.ok(lines.length > 15, 'the page has commands');
  const evening = await TypedPage.begun();
  const isReady = async (line: string, typed: Typed): Promise<void> => {
    const ready = line.includes('serve') ? 'serving ' : 'address ';
    await until(`${line} is ready: ${typed.text()}`, () => typed.text().includes(ready));
    if (line.includes('serve')) await asked(typed);
  };
  const toldBy = (_line: string, printed: string): Record<string, string> => {
    const invitation = /starlings:\S+/.exec(printed)?.[0];
    return invitation === undefined ? {} : { INVITATION: invitation };
  };
  await evening.typeAll(t, lines, { isReady, toldBy });
  const verified = evening.printed.get(lines.find((line) => line.includes('model verify'))!)!;
  assert.match(verified, /^ok\s+model of the log: [0-9a-f]{64}$/m);
  assert.match(verified, /^ok\s+weights: [0-9a-f]{64}$/m);
  assert.doesNotMatch(verified, /differs/);

  const report = evening.printed.get(lines.find((line) => line.includes('alliance report'))!)!;
  assert.match(report, /^Alliance mnist-alliance$/m);
  assert.match(report, /^votes +on \d+ rounds: \d+ stand/m);

  // What was served is told when the server ends, and seen by others.
  const server = evening.running.find(({ line }) => line.includes('serve'))!;
  await server.typed.stop();
  assert.doesNotMatch(server.typed.text(), /trouble/);
  await until('usage and retirement are seen', async () => {
    const typed = evening.type('model', 'show', '--dir', 'bob', '--model', 'digits@1.0');
    await typed.ended;
    return /5\.0 of 5 by 1; 1 request; retired: a better one is coming/.test(typed.text());
  });
});

async function asked(server: Typed): Promise<void> {
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(server.text())![0];
  const body = JSON.stringify({ model: 'digits@1.0', rows: [new Array(784).fill(0)] });
  const response = await fetch(`${url}/predict`, { method: 'POST', body });
  assert.equal(response.status, 200);
  const { predictions } = (await response.json()) as { predictions: readonly unknown[] };
  assert.equal(predictions.length, 1);
}
