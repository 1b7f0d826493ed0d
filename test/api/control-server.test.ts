/** The API as clients see it, friendly and not. */
import assert from 'node:assert/strict';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { after, describe, test } from 'node:test';
import { LiveState } from '../../src/api/live.ts';
import { updateSchema } from '../../src/api/live-schema.ts';
import { READ_ROUTES } from '../../src/api/read-routes.ts';
import { NODE_COMMANDS } from '../../src/node/commands/commands.ts';
import { someView } from '../node/some-view.ts';
import { apiOf, peerKey, token } from './api-of-one-node.ts';

const node = await apiOf([someView({ peerKey, accuracy: 0.5 })]);
after(() => node.close());

const ours = { 'x-starlings': 'command', authorization: `Bearer ${token}` };
const json = async (path: string): Promise<unknown> => (await fetch(`${node.http}${path}`)).json();

/** Messages of a stream of server-sent events, as they come. */
async function* messagesOf(response: Response): AsyncGenerator<{ kind: string; data: unknown }> {
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const [, kind, data] = /^event: (\w+)\ndata: (.*)$/s.exec(text.slice(0, end)) ?? [];
      text = text.slice(end + 2);
      if (kind !== undefined && data !== undefined) yield { kind, data: JSON.parse(data) };
    }
  }
}

describe('the API of a node', () => {
  test('answers every path that its description names, in the form it says', async () => {
    for (const { path, answer } of READ_ROUTES) {
      const response = await fetch(`${node.http}${path.replace('{run}', 'run')}`);
      const body: unknown = await response.json();
      if (path.endsWith('/manifest')) assert.equal(response.status, 404, 'it has none');
      else if (path.endsWith('/entry')) assert.equal(response.status, 400, 'which one?');
      else {
        assert.ok([200, 503].includes(response.status), path);
        assert.equal(answer.safeParse(body).error, undefined, path);
      }
    }
  });

  test('says so of a run that is not here, and of a query that means nothing', async () => {
    const missing = await fetch(`${node.http}/runs/other/history`);
    assert.equal(missing.status, 404);
    assert.match(await missing.text(), /takes no part in run other/);
    for (const query of ['limit=0', 'limit=201', 'limit=x', 'from=-1', 'after=../../key', 'more=1']) {
      const response = await fetch(`${node.http}/runs/run/entries?${query}`);
      assert.equal(response.status, 400, query);
      assert.match(await response.text(), /BAD_INPUT/);
    }
    const one = await fetch(`${node.http}/runs/run/entry?round=1&id=${'0'.repeat(64)}`);
    assert.equal(one.status, 404);
    assert.match(await one.text(), /NOT_HELD/);
    assert.deepEqual(node.errors, []);
  });

  test('describes itself as OpenAPI 3.1, from the tables that answer', async () => {
    const { openapi, paths } = (await json('/openapi.json')) as {
      openapi: string;
      paths: Record<string, Record<string, { operationId: string; responses: Record<string, unknown> }>>;
    };
    assert.equal(openapi, '3.1.0');
    for (const { path } of READ_ROUTES) assert.ok(paths[path]?.['get']?.responses['200'], path);
    for (const path of ['/link', '/pass']) assert.ok(paths[path]?.['post']?.responses['401'], path);
    assert.ok(paths['/runs/{run}/model']?.['get']?.responses['404']);
    for (const { id } of NODE_COMMANDS) assert.ok(paths[`/${id}`]?.['post']?.responses['401'], id);
    const operations = Object.values(paths).flatMap((operation) => Object.values(operation));
    const ids = operations.map(({ operationId }) => operationId);
    assert.equal(new Set(ids).size, ids.length, 'each has a name of its own');
    const asked = node.timesSettingsWereAsked();
    assert.deepEqual(((await json('/openapi.json')) as { paths: object }).paths, paths);
    assert.equal(node.timesSettingsWereAsked(), asked, 'it is made once');
  });

  test('names its metrics as Prometheus has them', async () => {
    const response = await fetch(`${node.http}/metrics`);
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    assert.match(text, /^starlings_accuracy\{run="run"\} 0\.5$/m);
    assert.match(text, /^process_resident_memory_bytes \d+$/m);
    const families = [...text.matchAll(/^# TYPE (starlings_\w+) (\w+)$/gm)];
    assert.ok(families.length > 20);
    for (const [, name, type] of families) {
      assert.equal(name!.endsWith('_total'), type === 'counter', `${name} is a ${type}`);
    }
  });

  test('is for this machine only: another host name is refused, whatever is asked', async () => {
    for (const [method, host] of [
      ['GET', 'evil.example'],
      ['GET', 'evil.example:80'],
      ['POST', '127.0.0.1.evil.example'],
    ] as const) {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const asked = request(`${node.http}/live`, { method, headers: { host } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        asked.once('error', reject).end();
      });
      assert.equal(status, 403, `${method} ${host}`);
    }
  });

  test('takes no command without header and token, and none from a page of somebody else', async () => {
    const post = (headers: Record<string, string>, body = '{}') =>
      fetch(`${node.http}/list`, { method: 'POST', headers, body });
    // What a form of another origin can send at most.
    assert.equal((await post({ 'content-type': 'text/plain', origin: 'http://evil.example' })).status, 403);
    assert.equal((await post({ 'x-starlings': 'command' })).status, 401);
    assert.equal((await post({ ...ours, authorization: `Bearer ${'0'.repeat(64)}` })).status, 401);
    assert.equal((await post({ ...ours, authorization: token })).status, 401);
    assert.equal((await post({ ...ours, origin: 'http://evil.example' })).status, 403);
    assert.equal((await post({ ...ours, origin: node.http })).status, 200);
    assert.equal((await post(ours)).status, 200);
    const preflight = await fetch(`${node.http}/list`, { method: 'OPTIONS' });
    assert.equal(preflight.status, 405);
    assert.equal(preflight.headers.get('access-control-allow-origin'), null);
  });

  test('reads no more of a body than it has room for', { timeout: 20_000 }, async () => {
    const { hostname, port } = new URL(node.http);
    const socket = connect(Number(port), hostname);
    const answered = new Promise<string>((resolve) => {
      socket.once('data', (data) => resolve(data.toString('latin1')));
      socket.on('error', () => {});
    });
    socket.write(
      `POST /list HTTP/1.1\r\nhost: 127.0.0.1\r\nx-starlings: x\r\nauthorization: Bearer ${token}\r\ncontent-length: 1000000000\r\n\r\n`,
    );
    socket.write('x'.repeat(1 << 17));
    assert.match(await answered, /^HTTP\/1\.1 400 /);
    socket.destroy();
  });

  test('tells those who watch everything at first, then what happens, within a moment', async () => {
    const stop = new AbortController();
    const response = await fetch(`${node.http}/live`, { signal: stop.signal });
    const state = new LiveState();
    const messages = messagesOf(response);
    const first = (await messages.next()).value!;
    assert.equal(first.kind, 'hello');
    state.greet(first.data as Parameters<LiveState['greet']>[0]);
    const saidAt = performance.now();
    node.say({
      source: 'protocol',
      event: { kind: 'published', round: 4, bodyBytes: 9, loss: 0.25 },
    });
    node.say({
      source: 'protocol',
      event: { kind: 'finalised', round: 1, entries: 2, root: 'ee' },
    });
    node.say({ source: 'session', event: { kind: 'save-failed', path: '/x', reason: 'disk full' } });
    const { kind, data } = (await messages.next()).value!;
    assert.equal(kind, 'update');
    assert.ok(performance.now() - saidAt < 200, `${performance.now() - saidAt} ms`);
    const update = data as Parameters<LiveState['apply']>[0];
    assert.deepEqual(update.pulses, [peerKey]);
    state.apply(update);
    const { nodes, events } = state.hello();
    const { history, view } = nodes[0]!.runs[0]!;
    assert.equal(view.accuracy, 0.5);
    assert.deepEqual(
      history.points.map(({ round, loss }) => [round, loss]),
      [[4, 0.25]],
    );
    assert.deepEqual(history.heads, [{ round: 1, root: 'ee', entries: 2 }]);
    assert.deepEqual(
      events.map(({ tone, text }) => [tone, text]),
      [['trouble', 'the model could not be saved: disk full']],
    );
    stop.abort();
    await assert.rejects(messages.next());
    const again = messagesOf(await fetch(`${node.http}/live`));
    const hello = (await again.next()).value!.data as Parameters<LiveState['greet']>[0];
    assert.equal(hello.events.length, 1, 'who comes later is told what happened before');
    await again.return(undefined);
  });

  test('tells those who watch how a run stands by the fields that changed, whoever came in between', async () => {
    const stop = new AbortController();
    const watch = async () => {
      const messages = messagesOf(await fetch(`${node.http}/live`, { signal: stop.signal }));
      const state = new LiveState();
      state.greet((await messages.next()).value!.data as Parameters<LiveState['greet']>[0]);
      const next = async () => {
        const { data } = (await messages.next()).value!;
        const update = updateSchema.parse(data);
        state.apply(update);
        return update;
      };
      return { state, next };
    };
    const before = someView({ accuracy: 0.5, checkpoint: 'a place', round: 3 });
    const now = { ...before, round: 4, refused: { late: 2 } };
    node.show([before]);
    const first = await watch();
    node.show([now]);
    const second = await watch();
    const { changes, views } = await first.next();
    assert.deepEqual(views, undefined);
    assert.deepEqual(changes, [{ runId: 'run', fields: { round: 4, refused: { late: 2 } } }]);
    node.show([before]);
    for (const { state, next } of [first, second]) {
      assert.deepEqual(state.hello().nodes[0]!.runs[0]!.view, now);
      await next();
      assert.deepEqual(state.hello().nodes[0]!.runs[0]!.view, before, 'what is left out did not change');
    }
    node.show([]);
    assert.deepEqual((await first.next()).views, [], 'a run that went is told with those that are there');
    stop.abort();
  });

  test('lets go of who reads too slowly', { timeout: 20_000 }, async () => {
    const slow = await new Promise<IncomingMessage>((resolve, reject) => {
      request(`${node.http}/events`, resolve).once('error', reject).end();
    });
    slow.pause();
    const gone = new Promise((resolve) => slow.once('close', resolve));
    slow.on('error', () => {});
    const reason = 'x'.repeat(1 << 16);
    for (let sent = 0; sent < 400; sent++) {
      node.say({ source: 'session', event: { kind: 'save-failed', path: '/x', reason } });
      await new Promise(setImmediate);
    }
    slow.resume();
    await gone;
    const messages = messagesOf(await fetch(`${node.http}/live`));
    const { value: hello } = await messages.next();
    assert.ok(JSON.stringify(hello).length < 1 << 17, 'long reasons are cut before they are kept');
    await messages.return(undefined);
  });

  test('has so many places for those who watch, and always one with the token', async () => {
    const stop = new AbortController();
    const watch = (headers = {}) => fetch(`${node.http}/live`, { headers, signal: stop.signal });
    const strangers = [];
    for (let index = 0; index < 16; index++) strangers.push(await watch());
    assert.equal((await watch()).status, 503);
    assert.equal((await watch({ authorization: `Bearer ${token}` })).status, 200);
    stop.abort();
  });
});
