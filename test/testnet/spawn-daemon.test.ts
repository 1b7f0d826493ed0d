import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { fetchRunView } from '../../src/api/control-client.ts';
import { type SpawnedDaemon, spawnDaemon, waitUntilReady } from '../../src/testnet/spawn-daemon.ts';
import { stopMembers } from '../../src/testnet/stop-testnet.ts';
import { TestnetError } from '../../src/testnet/testnet-error.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-spawn-'));
const spawned: SpawnedDaemon[] = [];
after(async () => {
  await stopMembers(
    spawned.map(({ member }) => member),
    2000,
  );
  await rm(directory, { recursive: true, force: true });
});
const never = new AbortController().signal;

/** Starts a script in place of the command line, in a directory of its own. */
async function launch(name: string, script: string, attached = true): Promise<SpawnedDaemon> {
  const home = join(directory, name);
  await mkdir(home);
  const file = join(home, 'script.mjs');
  await writeFile(file, script);
  const daemon = await spawnDaemon({
    entry: pathToFileURL(file),
    args: [home],
    name: 'node-00',
    role: 'node',
    directory: home,
    namespace: null,
    attached,
  });
  spawned.push(daemon);
  return daemon;
}

const ready = (pid: string): string => `
  import { writeFileSync } from 'node:fs';
  const info = { pid: ${pid}, http: null, peerId: 'p', peerKey: 'k', addresses: ['/a'], untried: ['/a'] };
  writeFileSync(process.argv[2] + '/daemon.json', JSON.stringify(info));
  setInterval(() => {}, 1000);
`;

test('waits until the daemon says where it is', { timeout: 30_000 }, async () => {
  const daemon = await launch('good', ready('process.pid'));
  const info = await waitUntilReady(daemon, 20_000, never);
  const said = { http: null, peerId: 'p', peerKey: 'k', addresses: ['/a'], untried: ['/a'] };
  assert.deepEqual(info, { pid: daemon.child.pid, ...said });
});

test('a daemon that npm started does not take it for its own parent', { timeout: 30_000 }, async (t) => {
  const before = process.env['npm_lifecycle_event'];
  process.env['npm_lifecycle_event'] = 'npx';
  t.after(() => {
    if (before === undefined) delete process.env['npm_lifecycle_event'];
    else process.env['npm_lifecycle_event'] = before;
  });
  const script = "console.error('it was', process.env.npm_lifecycle_event); process.exit(3)";
  const daemon = await launch('of-npm', script, false);
  await assert.rejects(waitUntilReady(daemon, 20_000, never), /it was undefined$/);
});

test('a daemon has few arenas of memory, or as many as it was told', { timeout: 30_000 }, async (t) => {
  const script = "console.error('arenas', process.env.MALLOC_ARENA_MAX); process.exit(3)";
  const before = process.env['MALLOC_ARENA_MAX'];
  t.after(() => {
    if (before === undefined) delete process.env['MALLOC_ARENA_MAX'];
    else process.env['MALLOC_ARENA_MAX'] = before;
  });
  delete process.env['MALLOC_ARENA_MAX'];
  await assert.rejects(waitUntilReady(await launch('few', script), 20_000, never), /arenas 2$/);
  process.env['MALLOC_ARENA_MAX'] = '7';
  await assert.rejects(waitUntilReady(await launch('told', script), 20_000, never), /arenas 7$/);
});

test('shows the end of the output of a daemon that dies', { timeout: 30_000 }, async () => {
  const daemon = await launch(
    'dies',
    "for (let i = 0; i < 50; i++) console.error('line ' + i); console.error('the port is in use'); process.exit(3)",
  );
  await assert.rejects(waitUntilReady(daemon, 20_000, never), (error: TestnetError) => {
    assert.equal(error.code, 'NODE_DIED');
    assert.match(error.message, /^node-00 ended \(exit code 3\) before it was ready:\n {2}\| line 39\n/);
    assert.match(error.message, /\n {2}\| the port is in use$/);
    return true;
  });
});

test('gives up on a daemon that stays silent, and does not take the file of another process for its own', {
  timeout: 30_000,
}, async () => {
  const daemon = await launch('other', ready('process.pid + 1'));
  await assert.rejects(waitUntilReady(daemon, 1000, never), (error: unknown) => {
    assert.ok(error instanceof TestnetError);
    assert.equal(error.code, 'NODE_NOT_READY');
    assert.match(error.message, /^node-00 was not ready after 1 s:\n\(it printed nothing\)$/);
    return true;
  });
});

test('stops waiting when told', { timeout: 30_000 }, async () => {
  const daemon = await launch('slow', 'setInterval(() => {}, 1000)');
  const controller = new AbortController();
  const waiting = waitUntilReady(daemon, 20_000, controller.signal);
  controller.abort(new Error('enough'));
  await assert.rejects(waiting, /enough|aborted/);
});

test('an attached daemon learns that its launcher is gone', { timeout: 30_000 }, async () => {
  const script = `
    import { writeFileSync } from 'node:fs';
    process.on('disconnect', () => process.exit(7));
    ${ready('process.pid').replace("import { writeFileSync } from 'node:fs';", '')}`;
  const { child, member } = await launch('attached', script);
  await waitUntilReady({ child, member }, 20_000, never);
  child.disconnect();
  // The child does not keep this process alive: waiting for it has to.
  const exited = once(child, 'exit');
  child.ref();
  assert.deepEqual(await exited, [7, null]);
});

test('a view that is none is refused', { timeout: 30_000 }, async () => {
  const answers: readonly [body: string, status: number, says: RegExp][] = [
    ['{"round": 1}', 200, /peerKey/],
    ['nothing here', 404, /answered 404/],
    ['<html>', 200, /JSON/],
    [' '.repeat(5 << 20), 200, /answered more than 4194304 bytes/],
  ];
  for (const [body, code, says] of answers) {
    const server = createServer((_request, response) => response.writeHead(code).end(body));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      await assert.rejects(fetchRunView(`http://127.0.0.1:${port}`, 'run', 5000), says);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }
});
