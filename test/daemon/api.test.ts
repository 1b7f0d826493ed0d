/** Where the API of a daemon listens, and how it is commanded there. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { ApiSettings } from '../../src/daemon/api-settings.ts';
import { commandNode, linkToNode, readNode } from '../../src/daemon/connect.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { readTokenFile } from '../../src/daemon/token-file.ts';
import { makeIdentity, noOpenssl } from '../api/certificates.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-daemon-api-'));
const at = (...names: string[]): string => join(directory, ...names);
after(() => rm(directory, { recursive: true, force: true }));
const never = new AbortController().signal;

async function daemon(name: string, api: ApiSettings) {
  const stopper = new AbortController();
  const running = await startDaemon(
    {
      ...{ directory: at(name), listen: ['/ip4/127.0.0.1/tcp/0'], announce: [], bootstrap: [] },
      ...{ logLevel: 'info', httpPort: 0, runs: [], tell: () => {}, api },
    },
    stopper.signal,
  );
  after(async () => {
    stopper.abort();
    await running.closed.catch(() => {});
  });
  return running;
}

async function tokenFile(name: string, token: string, mode = 0o600): Promise<string> {
  await writeFile(at(name), `${token}\n`);
  await chmod(at(name), mode);
  return at(name);
}

describe('the API of a daemon', () => {
  test('on a socket file, by the directory and by its address', async () => {
    const { info, closed } = await daemon('socketed', { listen: `unix:${at('api.sock')}` });
    assert.equal(info.http, `unix:${at('api.sock')}`);
    assert.equal((await stat(at('api.sock'))).mode & 0o777, 0o600);
    assert.deepEqual((await commandNode(at('socketed'), 'list', {}, never)).lines.length, 1);
    const remote = { url: info.http!, tokenFile: at('socketed', 'control.token') };
    assert.ok(await readNode(remote, '/config', never));
    await assert.rejects(linkToNode(remote, never), { code: 'NO_NODE', message: /no browser opens unix:/ });
    await assert.rejects(daemon('second', { listen: `unix:${at('api.sock')}` }), {
      code: 'BAD_ADDRESS',
      message: /is in use by another node/,
    });
    await commandNode(remote, 'stop', {}, never);
    await closed;
    await assert.rejects(stat(at('api.sock')), { code: 'ENOENT' });
    await daemon('second', { listen: `unix:${at('api.sock')}` });
  });

  test('for other machines, with a token that stays', { skip: noOpenssl }, async () => {
    const identity = makeIdentity(directory, 'tls', 'DNS:node.example');
    const token = await tokenFile('token', 'a1'.repeat(32));
    const api = { listen: '0.0.0.0:0', token, ...identity.files };
    const { info } = await daemon('remote', api);
    assert.match(info.http!, /^https:\/\/127\.0\.0\.1:\d+$/);
    // By the directory its certificate is known, whatever the name in it.
    await commandNode(at('remote'), 'list', {}, never);
    const remote = { url: info.http!, tokenFile: token, certificateFile: identity.files.certificate };
    await commandNode(remote, 'list', {}, never);
    const { certificateFile: _, ...unknown } = remote;
    await assert.rejects(commandNode(unknown, 'list', {}, never), {
      code: 'NO_NODE',
      message: /cannot be told to be the node/,
    });
    const wrong = { ...remote, tokenFile: await tokenFile('wrong', '0'.repeat(64)) };
    await assert.rejects(commandNode(wrong, 'list', {}, never), { code: 'NO_TOKEN' });
    await assert.rejects(readNode(wrong, '/status', never), { code: 'NO_TOKEN' });
    const link = await linkToNode(remote, never);
    assert.match(link, /^https:\/\/127\.0\.0\.1:\d+\/#code=[0-9a-f]{64}$/);
    const log = await readFile(at('remote', 'log.jsonl'), 'utf8');
    for (const secret of ['a1'.repeat(32), link.split('=')[1]!]) assert.ok(!log.includes(secret));
  });

  test('is refused before anything listens, in one sentence', { skip: noOpenssl }, async () => {
    const identity = makeIdentity(directory, 'mixed', 'DNS:node.example');
    const other = makeIdentity(directory, 'mixed2', 'DNS:node.example');
    const refused: readonly [ApiSettings, object][] = [
      [{ listen: '0.0.0.0:0' }, { code: 'BAD_ADDRESS', message: /can be reached from other machines/ }],
      [
        { listen: '0.0.0.0:0', certificate: identity.files.certificate, key: other.files.key },
        { code: 'BAD_ADDRESS', message: /no certificate with its own key/ },
      ],
      [{ certificate: at('none'), key: at('none') }, { code: 'ENOENT' }],
      [{ listen: `unix:${at('none.sock')}`, token: at('none') }, { code: 'ENOENT' }],
      [{ token: at('none') }, { code: 'BAD_ADDRESS', message: /^api\.token: goes with unix:\/path or with/ }],
    ];
    for (const [api, error] of refused) await assert.rejects(daemon('refused', api), error);
  });
});

describe('a token in a file', () => {
  test('is read from a file of its owner alone, and never from a link', async () => {
    const token = 'b2'.repeat(32);
    const file = await tokenFile('mine', token);
    assert.equal(await readTokenFile(file), token);
    await symlink(file, at('linked'));
    await assert.rejects(readTokenFile(at('linked')), { code: 'BAD_TOKEN_FILE', message: /is a link/ });
    await tokenFile('open', token, 0o640);
    await assert.rejects(readTokenFile(at('open')), { code: 'BAD_TOKEN_FILE', message: /chmod 600/ });
    await tokenFile('short', 'secret of somebody else');
    await assert.rejects(readTokenFile(at('short')), (error: Error) => {
      assert.match(error.message, /holds no token of 64/);
      assert.ok(!error.message.includes('somebody'));
      return true;
    });
    await tokenFile('long', 'b'.repeat(1 << 16));
    await assert.rejects(readTokenFile(at('long')), { message: /is no file that holds a token/ });
    await assert.rejects(readTokenFile(directory), { message: /is no file that holds a token/ });
    await assert.rejects(daemon('tokened', { listen: `unix:${at('t.sock')}`, token: at('linked') }), {
      code: 'BAD_TOKEN_FILE',
    });
  });
});
