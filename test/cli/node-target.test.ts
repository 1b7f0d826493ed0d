import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { targetOf } from '../../src/cli/parts/node/node-target.ts';
import { doorOf } from '../../src/daemon/connect.ts';
import { starlings } from './starlings-process.ts';

const target = (options: Record<string, unknown>) => targetOf((name) => options[name]);

test('a node is named by its directory, or by an address with its token', () => {
  assert.equal(target({ dir: 'here' }), 'here');
  assert.equal(typeof target({}), 'string');
  for (const api of ['https://node.example:7000', 'unix:/run/api', 'http://127.0.0.1:7000']) {
    const remote = { url: api, tokenFile: 't', certificateFile: undefined };
    assert.deepEqual(target({ api, tokenFile: 't' }), remote);
    assert.deepEqual(target({ api, tokenFile: 't', certificate: 'c' }), { ...remote, certificateFile: 'c' });
  }
  assert.deepEqual(target({ api: 'https://[2001:db8::1]:7000/', tokenFile: 't' }), {
    ...{ url: 'https://[2001:db8::1]:7000', tokenFile: 't', certificateFile: undefined },
  });
});

test('the token is not sent where others could read it', () => {
  const refused: readonly [object, RegExp][] = [
    [
      { api: 'http://192.0.2.1:7000', tokenFile: 't' },
      /http:\/\/ to 127\.0\.0\.1 alone: the token is not sent/,
    ],
    [{ api: 'http://127.0.0.1.evil.example', tokenFile: 't' }, /not sent in clear/],
    [{ api: 'http://127.0.0.1@evil.example', tokenFile: 't' }, /not sent in clear/],
    [{ api: 'https://node.example/path', tokenFile: 't' }, /expected https:\/\/HOST:PORT/],
    [{ api: 'https://user@node.example', tokenFile: 't' }, /expected https:\/\/HOST:PORT/],
    [{ api: 'node.example:7000', tokenFile: 't' }, /expected https:\/\/HOST:PORT/],
    [{ api: 'unix:', tokenFile: 't' }, /expected https:\/\/HOST:PORT/],
    [{ api: 'https://node.example' }, /--api needs --token-file/],
    [{ api: 'https://node.example', tokenFile: 't', dir: 'd' }, /name two nodes/],
    [{ tokenFile: 't' }, /go with --api/],
  ];
  for (const [options, message] of refused) {
    assert.throws(() => target(options as Record<string, unknown>), { code: 'BAD_USAGE', message });
  }
});

test('who names the directory of a testnet hears which nodes are in it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'starlings-node-target-'));
  try {
    await mkdir(join(directory, 'node-00', 'runs'), { recursive: true });
    const told = new RegExp(`; it holds directories of nodes: name one of them, ${directory}/node-00$`);
    await assert.rejects(doorOf(directory), { code: 'NO_NODE', message: told });
    for (const command of [['doctor'], ['node', 'status']]) {
      const { exitCode, stderr } = await starlings(...command, '--dir', directory);
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr.trimEnd(), told);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
