/** Served models as programs of others ask them: by the client of OpenAI, and plainly. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import type { HttpServer } from '../../src/api/http-server.ts';
import { type Feedback, type ServedModel, startModelServer } from '../../src/api/model-server.ts';
import { Turnstile } from '../../src/api/turnstile.ts';
import { ModelShelf } from '../../src/cli/parts/model/model-shelf.ts';
import { initialVector } from '../../src/learning/initial.ts';
import { writeSafetensors } from '../../src/learning/model-files/safetensors.ts';
import { modelSchema } from '../../src/tasks/models/registry.ts';
import { startBackend } from '../../src/tensor/tfjs-backend.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-serve-'));
const at = (...names: string[]): string => join(directory, ...names);
after(() => rm(directory, { recursive: true, force: true }));

const gpt = modelSchema.parse({ kind: 'gpt', context: 16, layers: 1, heads: 2, width: 8 });
const rowsModel = modelSchema.parse({ kind: 'logistic-regression', inputs: 2, outputs: 2 });
const task = {
  kind: 'table',
  numeric: [
    { column: 'age', mean: 50, scale: 10 },
    { column: 'dose', mean: 0, scale: 1 },
  ],
  label: { column: 'class', classes: ['well', 'ill'] },
  heldOutEvery: 5,
};

const used: (readonly [string, number])[] = [];
const said: Feedback[] = [];
const writeGpt = (seed: number) => writeSafetensors(at('writer.safetensors'), gpt, initialVector(gpt, seed));

const servers: HttpServer[] = [];
after(() => Promise.all(servers.map((each) => each.close())));

async function serve(takesFeedback: boolean): Promise<HttpServer> {
  const shelf = await ModelShelf.of([at('writer.safetensors'), `clinic@1.0=${at('rows.safetensors')}`]);
  const server = await startModelServer({
    ...{ port: 0, shelf, onUse: (id, units) => used.push([id, units]) },
    onFeedback: takesFeedback ? async (feedback) => void said.push(feedback) : null,
    onError: (error) => assert.fail(String(error)),
  });
  servers.push(server);
  return server;
}

let server: HttpServer;
let client: OpenAI;
before(async () => {
  await startBackend('wasm');
  await writeGpt(1);
  await writeSafetensors(at('rows.safetensors'), rowsModel, Float32Array.of(4, -4, 0, 0, 0, 0), {
    task: JSON.stringify(task),
  });
  server = await serve(true);
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'nobody asks', maxRetries: 0 });
});

async function post(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<readonly [number, never]> {
  const response = await fetch(`${server.url}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers,
  });
  const text = await response.text();
  return [response.status, (text.startsWith('{') ? JSON.parse(text) : text) as never];
}

describe('a language model that is served', () => {
  const asked = { model: 'writer', prompt: 'Once', max_tokens: 24, temperature: 0.7, seed: 3 } as const;

  test('is listed, and writes the same whether streamed or not, again and again', async () => {
    const listed = await client.models.list();
    assert.deepEqual(
      listed.data.map(({ id, object }) => [id, object]),
      [
        ['writer', 'model'],
        ['clinic@1.0', 'model'],
      ],
    );
    assert.equal((await client.models.retrieve('clinic@1.0')).id, 'clinic@1.0');
    used.length = 0;
    const whole = await client.completions.create(asked);
    assert.deepEqual(whole.usage, { prompt_tokens: 4, completion_tokens: 24, total_tokens: 28 });
    assert.equal(whole.choices[0]!.finish_reason, 'length');
    let text = '';
    const reasons: unknown[] = [];
    for await (const { choices } of await client.completions.create({ ...asked, stream: true })) {
      text += choices[0]!.text;
      reasons.push(choices[0]!.finish_reason);
    }
    assert.equal(text, whole.choices[0]!.text);
    assert.deepEqual(reasons.filter(Boolean), ['length']);
    assert.deepEqual(used, [
      ['writer', 24],
      ['writer', 24],
    ]);
    const other = await client.completions.create({ ...asked, seed: 4 });
    assert.notEqual(other.choices[0]!.text, text);
  });

  test('ends before a text that is to stop it, and says nothing of it on the way', async () => {
    const { choices } = await client.completions.create(asked);
    const { text } = choices[0]!;
    const stop = text.slice(10, 13);
    const ended = await client.completions.create({ ...asked, stop: [stop] });
    assert.equal(ended.choices[0]!.text, text.slice(0, text.indexOf(stop)));
    assert.equal(ended.choices[0]!.finish_reason, 'stop');
    let streamed = '';
    for await (const part of await client.completions.create({ ...asked, stop, stream: true }))
      streamed += part.choices[0]!.text;
    assert.equal(streamed, ended.choices[0]!.text);
  });

  test('refuses what it does not do, in the words that the client knows', async () => {
    const wrong: readonly (readonly [object, number, RegExp])[] = [
      [{ model: 'none' }, 404, /there is no model none here/],
      [{ model: 'clinic@1.0' }, 400, /does not write: POST \/predict/],
      [{ n: 2 }, 400, /^400 n: /],
      [{ max_tokens: 5000 }, 400, /^400 max_tokens: /],
      [{ prompt: '' }, 400, /at least one byte/],
      [{ prompt: ['a', 'b'] }, 400, /^400 prompt: /],
      [{ echo: true }, 400, /^400 echo: /],
      [{ temperature: 3 }, 400, /^400 temperature: /],
    ];
    for (const [fields, status, message] of wrong) {
      const asking = client.completions.create({ ...asked, ...fields });
      await assert.rejects(asking, (error) => {
        assert.ok(error instanceof OpenAI.APIError, String(error));
        assert.equal(error.status, status, error.message);
        assert.match(error.message, message);
        return true;
      });
    }
    const refused = await fetch(`${server.url}/predict`, { method: 'POST', body: 'rows: 1' });
    assert.equal(refused.status, 400);
    assert.match(await refused.text(), /"the body of the request is no JSON"/);
    const [tooLong] = await post('/v1/completions', { ...asked, prompt: 'a'.repeat(70_000) });
    assert.equal(tooLong, 413);
  });

  test('is read again when its file has changed', async () => {
    const before = await client.completions.create(asked);
    await writeGpt(2);
    const changed = await client.completions.create(asked);
    assert.notEqual(changed.choices[0]!.text, before.choices[0]!.text);
    await writeGpt(1);
    const back = await client.completions.create(asked);
    assert.equal(back.choices[0]!.text, before.choices[0]!.text);
  });

  test('stops writing once nobody waits for it', async () => {
    const leaving = new AbortController();
    const long = client.completions.create({ ...asked, max_tokens: 4096 }, { signal: leaving.signal });
    leaving.abort();
    await assert.rejects(long);
    const { choices } = await client.completions.create({ ...asked, max_tokens: 1 });
    assert.equal(choices.length, 1);
  });
});

describe('other models that are served', () => {
  test('say of rows in the units of the data what they predict', async () => {
    const [status, answer] = await post('/predict', {
      model: 'clinic@1.0',
      rows: [
        [80, 0],
        [20, null],
      ],
    });
    assert.equal(status, 200);
    const { predictions } = answer as { predictions: { name: string; probability: number }[] };
    assert.deepEqual(
      predictions.map(({ name }) => name),
      ['well', 'ill'],
    );
    assert.ok(predictions.every(({ probability }) => probability > 0.99));
    for (const [fields, code] of [
      [{ rows: [[1]] }, 'bad_rows'],
      [{ rows: [] }, 'bad_request'],
      [{ rows: [['x', 1]] }, 'bad_request'],
      [{ rows: Array.from({ length: 1025 }, () => [1, 2]) }, 'bad_request'],
      [{ model: 'writer' }, 'a_language_model'],
      [{ more: 1 }, 'bad_request'],
    ] as const) {
      const [refused, { error }] = (await post('/predict', {
        model: 'clinic@1.0',
        rows: [[1, 2]],
        ...fields,
      })) as readonly [number, { error: { code: string } }];
      assert.deepEqual([refused, error.code], [400, code]);
    }
  });

  test('take what users think of them where that is handed on, and nothing from pages of others', async () => {
    const feedback = { model: 'clinic@1.0', rating: 4, text: 'of use' };
    assert.deepEqual(await post('/feedback', feedback), [200, { published: true }]);
    assert.deepEqual(said, [feedback]);
    assert.equal((await post('/feedback', { ...feedback, rating: 6 }))[0], 400);
    assert.equal((await post('/feedback', feedback, { origin: 'https://example.org' }))[0], 403);
    const silent = await serve(false);
    const response = await fetch(`${silent.url}/feedback`, {
      method: 'POST',
      body: JSON.stringify(feedback),
    });
    assert.equal(response.status, 403);
    assert.equal((await fetch(`${server.url}/health`)).status, 200);
    assert.equal((await fetch(`${server.url}/none`)).status, 404);
    const described = (await (await fetch(`${server.url}/openapi.json`)).json()) as { paths: object };
    assert.deepEqual(Object.keys(described.paths), [
      '/v1/models',
      '/v1/completions',
      '/predict',
      '/feedback',
      '/health',
    ]);
  });
});

test('requests are answered one at a time, and beyond those that may wait told to come again', async () => {
  const gate = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  let [busy, most] = [0, 0];
  const model: ServedModel = {
    ...{ id: 'slow', createdMs: 0, ownedBy: 'test', write: null },
    predict: async (rows) => {
      most = Math.max(most, ++busy);
      began.resolve();
      await gate.promise;
      busy -= 1;
      return rows;
    },
  };
  const slow = await startModelServer({
    ...{ port: 0, shelf: { list: () => [model], get: async () => model } },
    ...{ onUse: () => {}, onFeedback: null, onError: () => {} },
  });
  servers.push(slow);
  const body = JSON.stringify({ model: 'slow', rows: [[1]] });
  const refused = Promise.withResolvers<void>();
  const statuses: number[] = [];
  const asking = Array.from({ length: 30 }, async () => {
    const { status } = await fetch(`${slow.url}/predict`, { method: 'POST', body });
    statuses.push(status);
    // One is computed, sixteen wait; all others are told at once.
    if (statuses.length === 13) refused.resolve();
  });
  await Promise.all([began.promise, refused.promise]);
  assert.deepEqual(new Set(statuses), new Set([429]));
  gate.resolve();
  await Promise.all(asking);
  assert.deepEqual([statuses.filter((status) => status === 200).length, most], [17, 1]);
});

test('who gives up waiting leaves its place to others', async () => {
  const turns = new Turnstile(1);
  const never = new AbortController().signal;
  const leave = (await turns.enter(never))!;
  const gone = new AbortController();
  const waiting = turns.enter(gone.signal);
  assert.equal(await turns.enter(never), null);
  gone.abort(new Error('gone'));
  await assert.rejects(waiting, /gone/);
  const next = turns.enter(never);
  leave();
  (await next)!();
  (await turns.enter(never))!();
});
