/** Where the API listens, who gets in there, and how it bears those who mean harm or are slow. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type ApiPlace, requestApi } from '../../src/api/api-request.ts';
import { callNode, readPath } from '../../src/api/control-client.ts';
import { type ListenAddress, listenAddress, listenProblem, loopback } from '../../src/api/listen-address.ts';
import { someView } from '../node/some-view.ts';
import { apiOf, peerKey, token } from './api-of-one-node.ts';
import { makeIdentity, noOpenssl } from './certificates.ts';
import { startDeadSocket } from './dead-socket.ts';

const folder = await mkdtemp(join(tmpdir(), 'starlings-api-'));
after(() => rm(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const never = new AbortController().signal;
const list = { id: 'list', input: {}, signal: never };
const views = [someView({ peerKey })];

async function serving(where: ListenAddress) {
  const node = await apiOf(views, where);
  after(() => node.close());
  return node;
}

const statusOf = async (place: ApiPlace, path: string, headers = {}): Promise<number | undefined> => {
  const response = await requestApi(place, { path, headers, signal: never });
  response.resume();
  return response.statusCode;
};

describe('the address of an API', () => {
  test('what it can be, and why not, in one sentence', () => {
    const tls = { certificate: 'a', key: 'b' };
    const refused: readonly [string, object, RegExp][] = [
      ['0.0.0.0:80', {}, /^0\.0\.0\.0:80 can be reached from other machines: give certificate and key/],
      ['[::]:80', {}, /can be reached from other machines/],
      ['192.0.2.1:80', { certificate: 'a' }, /needs a certificate and its key together/],
      ['example.org:80', {}, /expected unix:\/path, IP:PORT or \[IPv6\]:PORT/],
      ['127.0.0.1', {}, /is no address to listen on/],
      ['127.0.0.1:70000', {}, /is no address to listen on/],
      ['::1:80', {}, /is no address to listen on/],
      ['unix:', {}, /names no file/],
      ['unix:/run/x', tls, /takes no certificate/],
      [`unix:/${'x'.repeat(107)}`, {}, /has a path of 108 bytes, and a socket takes 10\d: choose a shorter/],
    ];
    for (const [text, given, says] of refused) {
      assert.match(listenProblem(text, given) ?? '', says, text);
      if (listenProblem(text, {}) === null) continue;
      assert.throws(() => listenAddress(text, null), { code: 'BAD_ADDRESS' });
    }
    for (const text of ['127.0.0.1:0', '127.9.9.9:1', '[::1]:0', 'localhost:0', 'unix:/run/x', 'unix:x']) {
      assert.equal(listenProblem(text, {}), null, text);
    }
    assert.equal(listenProblem('0.0.0.0:80', tls), null);
    assert.throws(() => listenAddress('0.0.0.0:0', tls), /no certificate with its own key/);
  });
});

describe('an API on a socket file', { skip: process.platform === 'win32' }, () => {
  const socketAt = (name: string) => ({ kind: 'unix', path: at(name) }) as const;

  test('answers there, to its user alone, and commands need the token all the same', async () => {
    const node = await serving(socketAt('one'));
    assert.equal(node.http, `unix:${at('one')}`);
    assert.equal(statSync(at('one')).mode & 0o777, 0o600);
    const place = { url: node.http };
    assert.equal(await statusOf(place, '/status'), 200);
    assert.equal(await statusOf(place, '/status', { host: 'evil.example' }), 403);
    assert.deepEqual((await callNode({ ...place, token }, list)).lines.length, 1);
    await assert.rejects(callNode({ ...place, token: '0'.repeat(64) }, list), { code: 'NO_TOKEN' });
    await node.close();
    assert.ok(!existsSync(at('one')));
    await assert.rejects(callNode({ ...place, token }, list), { code: 'NODE_UNREACHABLE' });
  });

  test('is taken from a node that was killed, and from none that lives; nothing else is taken away', async () => {
    await startDeadSocket(at('dead'));
    assert.ok(existsSync(at('dead')));
    const node = await serving(socketAt('dead'));
    await assert.rejects(apiOf(views, socketAt('dead')), /dead is in use by another node/);
    assert.equal(await statusOf({ url: node.http }, '/status'), 200, 'the first goes on');
    writeFileSync(at('file'), 'precious');
    symlinkSync(at('dead'), at('link'));
    for (const name of ['file', 'link']) {
      await assert.rejects(apiOf(views, socketAt(name)), { code: 'BAD_ADDRESS', message: /is no socket/ });
    }
    assert.ok(existsSync(at('file')) && existsSync(at('link')));
    await assert.rejects(apiOf(views, socketAt('no/folder')), { code: /ENOENT|EACCES/ });
  });

  test('two that find a dead socket at once do not both have it', async () => {
    await startDeadSocket(at('raced'));
    const tried = await Promise.allSettled([
      apiOf(views, socketAt('raced')),
      apiOf(views, socketAt('raced')),
    ]);
    const begun = tried.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    for (const node of begun) after(() => node.close());
    assert.equal(begun.length, 1);
    assert.equal(await statusOf({ url: begun[0]!.http }, '/status'), 200);
  });
});

describe('an API for other machines', { skip: noOpenssl }, () => {
  const identity = noOpenssl ? null : makeIdentity(folder, 'node', 'DNS:node.example,IP:127.0.0.1');
  const other = noOpenssl ? null : makeIdentity(folder, 'other', 'IP:127.0.0.1');
  const owner = { authorization: `Bearer ${token}` };

  test('speaks TLS, tells nothing without the token, and is believed by its certificate', async () => {
    const node = await serving(listenAddress('0.0.0.0:0', identity));
    assert.match(node.http, /^https:\/\/127\.0\.0\.1:\d+$/);
    const place = { url: node.http, certificate: identity!.certificate };
    for (const path of [
      '/status',
      '/metrics',
      '/live',
      '/events',
      '/runs',
      '/openapi.json',
      '/nowhere',
      '/runs/run/model',
    ]) {
      assert.equal(await statusOf(place, path), 401, path);
      assert.equal(await statusOf(place, path, { authorization: `Bearer ${'0'.repeat(64)}` }), 401, path);
    }
    assert.equal(await statusOf(place, '/status', owner), 200);
    assert.notEqual(await statusOf(place, '/'), 401, 'the page is for everybody: nothing is in it');
    assert.equal((await callNode({ ...place, token }, list)).lines.length, 1);
    await readPath({ ...place, token }, '/status', never);
    // Whoever stands in between has another certificate, be it for the same name.
    for (const certificate of [undefined, other!.certificate]) {
      await assert.rejects(callNode({ url: node.http, certificate, token }, list), {
        code: 'NODE_UNREACHABLE',
        message: /cannot be told to be the node/,
      });
    }
  });

  test('answers to the names in its certificate, and to no page of another', async () => {
    const node = await serving(listenAddress('127.0.0.1:0', identity));
    const ask = async (headers: Record<string, string>): Promise<number | undefined> => {
      const asked = request(`${node.http}/status`, {
        ca: identity!.certificate,
        // Which name is in the header is what this is about.
        checkServerIdentity: () => undefined,
        headers: { ...owner, ...headers },
      });
      const [response] = await once(asked.end(), 'response');
      response.resume();
      return response.statusCode;
    };
    assert.equal(await ask({ host: 'node.example' }), 200);
    assert.equal(await ask({ host: 'node.example:7000', origin: 'https://node.example:7000' }), 200);
    assert.equal(await ask({ host: 'node.example', origin: 'http://node.example' }), 403);
    assert.equal(await ask({ host: 'evil.example' }), 403);
    assert.equal(await ask({ host: '192.0.2.7' }), 403);
  });
});

describe('whoever is slow', () => {
  test('with a body is let go of, with the token and without', { timeout: 30_000 }, async () => {
    const node = await serving({ kind: 'tcp', host: '127.0.0.1', port: 0, tls: null });
    const { hostname, port } = new URL(node.http);
    for (const bearer of [token, 'wrong']) {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => {});
      socket.resume();
      socket.write(
        `POST /list HTTP/1.1\r\nhost: 127.0.0.1\r\nx-starlings: x\r\nauthorization: Bearer ${bearer}\r\ncontent-length: 1000\r\n\r\n{`,
      );
      const drip = setInterval(() => socket.write(' '), 200);
      await once(socket, 'close');
      clearInterval(drip);
    }
    assert.equal(await statusOf({ url: node.http }, '/status'), 200);
    assert.deepEqual(node.errors, []);
  });

  test('with a handshake, or with everything, is let go of', {
    skip: noOpenssl,
    timeout: 30_000,
  }, async () => {
    const identity = makeIdentity(folder, 'slow', 'IP:127.0.0.1');
    const nodes = [
      await serving(listenAddress('127.0.0.1:0', identity)),
      await serving({ kind: 'tcp', host: '127.0.0.1', port: 0, tls: null }),
    ];
    await Promise.all(
      nodes.map(async ({ http }) => {
        const { hostname, port } = new URL(http);
        const socket = connect(Number(port), hostname).on('error', () => {});
        socket.resume();
        await once(socket, 'close');
      }),
    );
  });

  test('makes room for the owner, who keeps it, however many come', { timeout: 30_000 }, async () => {
    const node = await serving({ kind: 'tcp', host: '127.0.0.1', port: 0, tls: null });
    const { hostname, port } = new URL(node.http);
    const owner = { authorization: `Bearer ${token}` };
    const stop = new AbortController();
    const watched = await requestApi(
      { url: node.http },
      { path: '/live', headers: owner, signal: stop.signal },
    );
    const gone = { isGone: false };
    watched
      .on('error', () => {})
      .once('close', () => {
        gone.isGone = true;
      });
    watched.resume();
    const sockets = await Promise.all(
      Array.from({ length: 300 }, async () => {
        const socket = connect(Number(port), hostname)
          .on('error', () => {})
          .resume();
        await once(socket, 'connect');
        return socket;
      }),
    );
    assert.equal((await callNode({ url: node.http, token }, list)).lines.length, 1);
    assert.equal(gone.isGone, false);
    const left = await Promise.all(
      sockets.map((socket) => socket.closed || once(socket, 'close').then(() => true)),
    );
    assert.equal(left.length, 300, 'who says nothing leaves in the end');
    assert.equal(gone.isGone, false);
    stop.abort();
    for (const socket of sockets) socket.destroy();
  });

  test('asks thousands of times at once is let go of before they are answered', {
    timeout: 30_000,
  }, async () => {
    const node = await serving({ kind: 'tcp', host: '127.0.0.1', port: 0, tls: null });
    const { hostname, port } = new URL(node.http);
    const once4 = 'GET /runs HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'.repeat(4);
    for (const [requests, answers] of [
      [once4, 4],
      [once4.repeat(2_000), 0],
    ] as const) {
      const socket = connect(Number(port), hostname).on('error', () => {});
      let text = '';
      socket.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      socket.write(requests);
      // Idle, it is let go of after a while as well.
      await new Promise((resolve) => socket.once('close', resolve));
      assert.equal(text.split('HTTP/1.1 200').length - 1, answers);
    }
  });

  test('takes nothing of an answer is let go of', { timeout: 30_000 }, async () => {
    const large = someView({ peerKey, runId: 'x'.repeat(16 << 20) });
    const node = await apiOf([large], loopback(0));
    after(() => node.close());
    const { hostname, port } = new URL(node.http);
    const socket = connect(Number(port), hostname).on('error', () => {});
    socket.write('GET /runs HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
    await once(socket, 'readable');
    const gone = new Promise((resolve) => socket.once('close', resolve));
    const bytes = { taken: 0 };
    const waited = setTimeout(() => {
      socket.on('data', ({ length }) => {
        bytes.taken += length;
      });
    }, 20_000);
    await gone;
    clearTimeout(waited);
    assert.ok(bytes.taken < large.runId.length, 'it got all of it');
  });

  test('a port that is a node of somebody else is no node', async () => {
    const server = createServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    await assert.rejects(callNode({ url: `http://127.0.0.1:${port}`, token }, list), {
      code: 'NODE_UNREACHABLE',
    });
    server.close();
  });
});
