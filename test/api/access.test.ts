import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { Access } from '../../src/api/access.ts';
import { apiOf, token } from './api-of-one-node.ts';

const showing = (authorization?: string) => ({ headers: { authorization } }) as IncomingMessage;

test('a code is worth one pass, for ten minutes', () => {
  let nowMs = 0;
  const access = new Access(token, () => nowMs);
  const pass = access.passFor(access.code())!;
  assert.ok(access.mayCommand(showing(`Bearer ${pass}`)));
  assert.ok(access.mayCommand(showing(`Bearer ${token}`)));
  for (const wrong of [
    undefined,
    '',
    token,
    `Bearer ${token.slice(1)}`,
    `bearer ${token}`,
    `Bearer é${token}`,
  ]) {
    assert.ok(!access.mayCommand(showing(wrong)), wrong);
  }
  const code = access.code();
  assert.ok(!access.mayCommand(showing(`Bearer ${code}`)), 'a code alone commands nothing');
  assert.notEqual(access.passFor(code), null);
  assert.equal(access.passFor(code), null);
  const late = access.code();
  nowMs = 10 * 60_000 + 1;
  assert.equal(access.passFor(late), null);
  const codes = Array.from({ length: 9 }, () => access.code());
  assert.deepEqual(
    codes.map((each) => access.passFor(each) !== null),
    [false, ...Array.from({ length: 8 }, () => true)],
    'so many at once',
  );
  for (let index = 0; index < 16; index++) access.passFor(access.code());
  assert.ok(!access.mayCommand(showing(`Bearer ${pass}`)), 'of many passes the oldest goes');
});

test('over HTTP: a link needs the token, a pass the code, and a pass is as good as the token', async () => {
  const node = await apiOf([]);
  const post = (path: string, body: object, headers = {}) =>
    fetch(`${node.http}${path}`, {
      method: 'POST',
      headers: { 'x-starlings': 'command', ...headers },
      body: JSON.stringify(body),
    });
  try {
    assert.equal((await post('/link', {})).status, 401);
    const linked = await post('/link', {}, { authorization: `Bearer ${token}` });
    const { code } = (await linked.json()) as { code: string };
    assert.equal(
      (await fetch(`${node.http}/pass`, { method: 'POST', body: `{"code":"${code}"}` })).status,
      403,
    );
    for (const wrong of [{}, { code: 1 }, { code: 'x'.repeat(200) }, { code: '__proto__' }]) {
      assert.equal((await post('/pass', wrong)).status, 401);
    }
    const { token: pass } = (await (await post('/pass', { code })).json()) as { token: string };
    assert.equal((await post('/pass', { code })).status, 401);
    assert.equal((await post('/list', {}, { authorization: `Bearer ${pass}` })).status, 200);
  } finally {
    await node.close();
  }
});
