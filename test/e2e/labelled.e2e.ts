/** The commands of "Labels" in docs/COMMUNITY.md, typed one after the other as they stand there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GivenAnswer, LabelWork } from '../../src/api/label-work.ts';
import { linesOf, type Typed, TypedPage, until } from './typed-page.ts';

const lines = linesOf('Labels');
/** What the guests of the example praise with. */
const praise = /lovely|fresh|friendly|perfect|tasty|warm|quiet|generous/i;

test('every command of labels in docs/COMMUNITY.md does what the page says', async (t) => {
  assert.ok(lines.length > 10, 'the page has commands');
  const page = await TypedPage.begun();
  const isReady = async (line: string, typed: Typed): Promise<void> => {
    const ready = line.includes('serve') ? 'serving ' : 'address ';
    await until(`${line} is ready: ${typed.text()}`, () => typed.text().includes(ready));
    if (line.includes('--suggest')) await believed(typed);
    else if (line.includes('serve')) await labelled(typed, line.includes('ann'));
  };
  const toldBy = (_line: string, printed: string): Record<string, string> => {
    const invitation = /starlings:\S+/.exec(printed)?.[0];
    return invitation === undefined ? {} : { INVITATION: invitation };
  };
  await page.typeAll(t, lines, { isReady, toldBy });
  // The last line of the page: of twenty visits those that Bob saw a suggestion for.
  const agreed = page.printed.get(lines.at(-1)!)!;
  assert.match(agreed, /suggested all: answered as suggested in 100 % of \d+ where it was shown, /);
  const printed = (words: string): string => page.printed.get(lines.find((line) => line.includes(words))!)!;
  assert.match(printed('label import'), /offered {3}reviews, 60 records/);
  assert.match(printed('label agreement'), /59 agreed, 0 decided, 1 disputed, 0 with too few answers/);
  assert.match(printed('label agreement'), /alpha 0\.96\d \(nominal\), Fleiss' kappa 0\.96\d, on 60 records/);
  assert.match(
    printed('label export'),
    /exported {2}59 records to labels\.csv; left out: 1 disputed, 0 without/,
  );
  assert.match(printed('starlings start'), /accuracy/);
});

type Ask = (path: string, given?: GivenAnswer) => Promise<LabelWork>;

/** As a page asks. */
function askerOf(server: Typed): Ask {
  const [, url, code] = /(http:\/\/127\.0\.0\.1:\d+)\/#code=([0-9a-f]{64})/.exec(server.text())!;
  const headers = { authorization: `Bearer ${code}`, 'content-type': 'application/json' };
  return async (path, given) => {
    const body = given === undefined ? {} : { method: 'POST', body: JSON.stringify(given) };
    const response = await fetch(`${url}/${path}`, { headers, ...body });
    assert.equal(response.status, 200);
    return (await response.json()) as LabelWork;
  };
}

/** As a page does it that somebody answers fast. */
async function labelled(server: Typed, errsOnce: boolean): Promise<void> {
  const ask = askerOf(server);
  await until('the records are here', async () => (await ask('work')).progress.records === 60);
  for (let { cards } = await ask('work'); cards[0] !== undefined; ) {
    const { record, text } = cards[0];
    const errs = errsOnce && text === 'Stale room. The music? Cold.';
    const value = praise.test(text) !== errs ? 'good' : 'bad';
    ({ cards } = await ask('answer', { record, value, ms: 700 }));
  }
  await until('all is in the log', async () => {
    const { progress } = await ask('work');
    return progress.waiting === 0 && progress.answered === 60;
  });
}

/** Whatever the model says is right. */
async function believed(server: Typed): Promise<void> {
  const ask = askerOf(server);
  await until('more records are here', async () => (await ask('work')).cards.length > 0);
  await until('all is answered', async () => {
    const { cards, progress } = await ask('work');
    const [card] = cards;
    if (card === undefined) return progress.waiting === 0 && progress.answered === 80;
    const value = card.suggestion ?? (praise.test(card.text) ? 'good' : 'bad');
    await ask('answer', { record: card.record, value, ms: 300 });
    return false;
  });
}
