/** The page of annotators answers whoever has its link, and takes nothing else. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import type { HttpServer } from '../../src/api/http-server.ts';
import { type LabelDesk, startLabelServer } from '../../src/api/label-server.ts';
import type { GivenAnswer, LabelWork } from '../../src/api/label-work.ts';

const token = 'ab'.repeat(32);
const record = '5a'.repeat(32);
const work: LabelWork = {
  question: { way: 'choose', text: 'Which?', choices: ['a', 'b'], charactersMax: null },
  guidelines: '',
  cards: [{ record, text: '<b>one</b>', other: null, suggestion: null }],
  disputes: null,
  progress: { records: 1, answered: 0, skipped: 0, labelled: 0, waiting: 0 },
  trouble: null,
};
const answers: GivenAnswer[] = [];
const desk: LabelDesk = {
  work: () => work,
  answer: (given) => {
    if (given.value === 'c') throw new RangeError('c is none of the answers');
    answers.push(given);
  },
  decide: async () => {
    throw new Error('not for it to say');
  },
};

describe('the server of annotators', () => {
  let server: HttpServer;
  before(async () => {
    server = await startLabelServer({ port: 0, token, desk, onError: (error) => assert.fail(String(error)) });
  });
  after(() => server.close());

  async function ask(path: string, body?: unknown, headers: Record<string, string> = {}) {
    const method = body === undefined ? 'GET' : 'POST';
    const pass = { authorization: `Bearer ${token}`, ...headers };
    const { port } = new URL(server.url);
    return new Promise<{ status: number; json: Record<string, unknown> }>((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path, method, headers: pass }, (response) => {
        let text = '';
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () => {
          const isJson = /json/.test(response.headers['content-type'] ?? '');
          resolve({ status: response.statusCode!, json: isJson ? JSON.parse(text) : { text } });
        });
      });
      asked.on('error', reject);
      asked.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
    });
  }

  test('shows its work to who has the link, and to no page or name of others', async () => {
    assert.deepEqual((await ask('/work')).json, work);
    assert.equal((await ask('/work', undefined, { authorization: '' })).status, 401);
    assert.equal((await ask('/work', undefined, { authorization: `Bearer ${'cd'.repeat(32)}` })).status, 401);
    assert.equal((await ask('/work', undefined, { origin: 'http://evil.example' })).status, 403);
    assert.equal((await ask('/work', undefined, { host: 'evil.example' })).status, 403);
    assert.equal((await ask('/answer', { record, value: 'a', ms: 1 }, { authorization: '' })).status, 401);
    assert.equal((await ask('/nothing')).status, 404);
    assert.deepEqual(answers, []);
  });

  test('takes answers of their form, within their bounds, and says what is wrong with others', async () => {
    assert.equal((await ask('/answer', { record, value: 'a', ms: 10 })).status, 200);
    assert.equal((await ask('/answer', { record, value: null, ms: 10 })).status, 200);
    assert.deepEqual(
      answers.map(({ value }) => value),
      ['a', null],
    );
    const wrong: readonly unknown[] = [
      { record, value: 'c', ms: 10 },
      { record: '5a', value: 'a', ms: 10 },
      { record, value: 'a'.repeat(501), ms: 10 },
      { record, value: 'a', ms: -1 },
      { record, value: 'a', ms: 10, more: 1 },
      'no JSON',
    ];
    for (const body of wrong) {
      const { status, json } = await ask('/answer', body);
      assert.equal(status, 422, JSON.stringify(body));
      assert.match(String((json['error'] as { message: string }).message), /\w/);
    }
    assert.equal((await ask('/answer', 'a'.repeat(70_000))).status, 413);
    const { status, json } = await ask('/decide', { record, value: 'a' });
    assert.deepEqual([status, (json['error'] as { message: string }).message], [422, 'not for it to say']);
    assert.equal(answers.length, 2);
  });
});
