/** Nodes that come, end and come back, as the dashboard of a testnet hears them. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Update } from '../../src/api/live.ts';
import { readDaemonInfo } from '../../src/daemon/daemon-info.ts';
import { FlockFeed } from '../../src/testnet/flock-feed.ts';
import { readState } from '../../src/testnet/testnet-state.ts';
import { apiOf, peerKey, type StillNode, token } from '../api/api-of-one-node.ts';
import { someView } from '../node/some-view.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-flock-'));
after(() => rm(directory, { recursive: true, force: true }));

const names = ['node-0', 'node-1'];
await writeFile(
  join(directory, 'testnet.json'),
  JSON.stringify({
    ...{ version: 1, runId: 'run', name: 'demo', createdAtMs: 0, startAtMs: 0 },
    ...{ rounds: 10, slotMs: 1000, windowRounds: 6 },
    members: names.map((name, at) => ({
      ...{ name, role: 'node', directory: join(directory, name), pid: process.pid, startTime: null },
      data: `/data/${['north', 'south'][at]}.csv`,
    })),
  }),
);

/** Leaves what a daemon leaves that is ready. */
async function announce(name: string, { http }: StillNode): Promise<void> {
  await mkdir(join(directory, name), { recursive: true });
  await writeFile(join(directory, name, 'control.token'), `${token}\n`, { mode: 0o600 });
  const info = { pid: process.pid, http, peerId: 'p', peerKey, addresses: [] };
  await writeFile(join(directory, name, 'daemon.json'), JSON.stringify(info));
}

test('each node is told under its name; one that ends is shown as down, and is heard again when it is back', async () => {
  const feed = new FlockFeed(directory, await readState(directory));
  after(() => feed.stop());
  const updates: Update[] = [];
  let wake = (): void => {};
  feed.subscribe((update) => {
    updates.push(update);
    wake();
  });
  const until = async (isIt: (update: Update) => boolean): Promise<Update> => {
    const signal = AbortSignal.timeout(10_000);
    for (;;) {
      signal.throwIfAborted();
      const found = updates.findIndex(isIt);
      if (found >= 0) return updates.splice(0, found + 1).at(-1)!;
      await new Promise<void>((resolve) => {
        wake = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  };
  assert.deepEqual(
    feed.hello().nodes.map(({ id, name, isUp }) => [id, name, isUp]),
    [
      ['node-0', 'node-0 north', false],
      ['node-1', 'node-1 south', false],
    ],
  );

  const first = await apiOf([someView({ peerKey, accuracy: 0.25 })]);
  await announce('node-1', first);
  const { renewed } = await until((update) => update.renewed !== undefined);
  assert.deepEqual([renewed!.id, renewed!.name, renewed!.isUp], ['node-1', 'node-1 south', true]);
  first.say({ source: 'protocol', event: { kind: 'published', round: 3, bodyBytes: 1, loss: 0.5 } });
  first.say({ source: 'session', event: { kind: 'saved', path: '/m', modelHash: 'aa' } });
  const told = await until(({ events = [] }) => events.length > 0);
  assert.deepEqual([told.node, told.events![0]!.node, told.pulses], ['node-1', 'node-1', [peerKey]]);

  await first.close();
  await until(({ node, isUp }) => node === 'node-1' && isUp === false);
  const second = await apiOf([someView({ peerKey, accuracy: 0.75 })]);
  after(() => second.close());
  await announce('node-1', second);
  await until((update) => update.renewed !== undefined);
  const { nodes, events } = feed.hello();
  assert.deepEqual(
    nodes.map(({ id, isUp }) => [id, isUp]),
    [
      ['node-0', false],
      ['node-1', true],
    ],
  );
  const { view, history } = nodes[1]!.runs[0]!;
  assert.equal(view.accuracy, 0.75);
  assert.deepEqual(
    history.points.map(({ round, loss }) => [round, loss]),
    [[3, 0.5]],
    'the past is not lost',
  );
  assert.equal(events.length, 1);
});

test('a folder that somebody hands over sends no secret of ours anywhere, and us to no other machine in the clear', async (t) => {
  const handed = await mkdtemp(join(tmpdir(), 'starlings-handed-'));
  const asked: (string | undefined)[] = [];
  const server = createServer(({ headers }, response) => {
    asked.push(headers.authorization);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    server.close();
    await rm(handed, { recursive: true });
  });
  await writeFile(join(handed, 'secret'), 'a secret of ours');
  const http = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const info = { pid: process.pid, http, peerId: 'p', peerKey, addresses: [] };
  const state = await readState(directory);
  const members = names.map((name) => ({ ...state.members[0]!, name, directory: join(handed, name) }));
  for (const name of names) {
    await mkdir(join(handed, name));
    await writeFile(join(handed, name, 'daemon.json'), JSON.stringify(info));
  }
  await symlink(join(handed, 'secret'), join(handed, names[0]!, 'control.token'));
  await writeFile(join(handed, names[1]!, 'control.token'), `${token}\n`, { mode: 0o600 });
  await writeFile(join(handed, 'testnet.json'), JSON.stringify({ ...state, members }));
  const feed = new FlockFeed(handed, await readState(handed));
  t.after(() => feed.stop());
  const signal = AbortSignal.timeout(10_000);
  while (asked.length < 3) {
    signal.throwIfAborted();
    await new Promise((resolve) => server.once('request', resolve));
  }
  assert.deepEqual(new Set(asked), new Set([`Bearer ${token}`]));

  for (const away of ['http://example.org:80', 'http://169.254.169.254', 'file:///etc/passwd']) {
    await writeFile(join(handed, names[0]!, 'daemon.json'), JSON.stringify({ ...info, http: away }));
    assert.equal(readDaemonInfo(join(handed, names[0]!)), null, away);
  }
});
