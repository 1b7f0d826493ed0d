/** What is asked of a node again, and what is not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whenItCan } from '../../src/cli/parts/in-turn.ts';
import { justBegun } from '../../src/methods/submitted.ts';

const { signal } = new AbortController();
const refusal = (code: string, message: string): Error => Object.assign(new Error(message), { code });

/** Refuses so often, then answers; what was said meanwhile. */
async function askedOf(error: Error, times: number): Promise<readonly string[]> {
  const said: string[] = [];
  let asked = 0;
  const answer = await whenItCan({ say: (line) => said.push(line), signal })(async () => {
    asked += 1;
    if (asked <= times) throw error;
    return asked;
  });
  assert.equal(answer, times + 1);
  return said;
}

test('what passes by itself is asked again, said once and without the advice to do so', async () => {
  assert.deepEqual(await askedOf(refusal('NOT_PUBLISHED', `digits@1.0 was not published: ${justBegun}`), 2), [
    'waiting   digits@1.0 was not published: this node has just begun; tried again until it can be done',
  ]);
  const lacks = 'this node lacks 2 entries of the log of run x';
  const rest = ', and what is missing may say otherwise: ask again in a moment, when peers are here';
  assert.deepEqual(await askedOf(refusal('LOG_INCOMPLETE', lacks + rest), 1), [
    `waiting   ${lacks}; tried again for 60 s`,
  ]);
  assert.deepEqual(
    await askedOf(refusal('NOT_READY', 'run x is not running yet; try again in a moment'), 1),
    ['waiting   run x is not running yet; tried again for 60 s'],
  );
});

test('what does not pass is told at once, and what may pass not for ever', async (t) => {
  const never = refusal('NOT_PUBLISHED', 'the log would not count it (name of another key)');
  await assert.rejects(askedOf(never, 1), never);
  let nowMs = 0;
  t.mock.method(performance, 'now', () => (nowMs += 40_000));
  const lacking = refusal('LOG_INCOMPLETE', 'this node lacks 2 entries');
  await assert.rejects(askedOf(lacking, 3), lacking);
});
