/** How long a command waits for a daemon that it does not find. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { awaitStart, markStarting } from '../../src/daemon/daemon-start.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-daemon-start-'));
after(() => rm(directory, { recursive: true, force: true }));
const at = (...names: string[]): string => join(directory, ...names);
const { signal } = new AbortController();

test('what starts is waited for until it is ready, and who waits is told why', async () => {
  const told: string[] = [];
  let takeBack = (): void => {};
  /** The daemon comes as far as its directory once it is said that nothing is there, and is ready once it is said that it starts. */
  const start = async (line: string): Promise<void> => {
    told.push(line);
    if (told.length === 1) {
      await mkdir(at('node'));
      takeBack = markStarting(at('node'));
    } else {
      await writeFile(at('node', 'daemon.json'), '{}');
      takeBack();
    }
  };
  const done: Promise<void>[] = [];
  await awaitStart(
    at('node'),
    (line) => done.push(start(line)),
    signal,
    () => null,
  );
  await Promise.all(done);
  assert.equal(told.length, 2);
  assert.match(told[0]!, /^no node runs in .*node yet: waiting 5 s, in case it has just been started$/);
  assert.match(told[1]!, /^the node of .*node is starting: waiting until it is ready$/);
  assert.ok(!existsSync(at('node', 'starting.json')));
});

test('nobody waits where nothing was started that begins a node; what asks one does not', async () => {
  const begins = [
    '/usr/bin/node /home/ann/node_modules/.bin/starlings node --run registry.manifest --no-data --dir ann ',
    '/usr/bin/node /work/src/cli/main.ts join starlings:bafy --no-data --dir bob ',
    'npm exec starlings node --config my-node.yaml',
    'sh -c starlings "node" "--config" "my-node.yaml"',
    'node /opt/starlings/node_modules/.bin/starlings node',
    'node dist/src/cli/main.js testnet up --resume ',
  ];
  const asks = [
    'npm exec starlings node status --dir ann',
    '/usr/bin/node /home/ann/node_modules/.bin/starlings invite --dir ann ',
    'node src/cli/main.ts --json sim scenario.yaml --seed 1 ',
    'vi /home/ann/starlings/notes',
  ];
  for (const [commands, waits] of [
    [begins, true],
    [asks, false],
  ] as const) {
    for (const command of commands) {
      const stopper = new AbortController();
      let hasWaited = false;
      const tell = (): void => {
        hasWaited = true;
        stopper.abort();
      };
      await awaitStart(at('never'), tell, stopper.signal, () => [command]).catch(() => {});
      assert.equal(hasWaited, waits, command);
    }
  }
  await awaitStart(
    at('never'),
    (line) => assert.fail(line),
    signal,
    () => [],
  );
});

test('what a process that is gone left behind holds nobody up, nor does what is no mark', async () => {
  const { stdout } = spawnSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' });
  await mkdir(at('left'));
  await writeFile(at('left', 'daemon.json'), '{}');
  for (const mark of [
    `{"pid":${Number(stdout)},"startTime":"1"}`,
    `{"pid":${process.pid},"startTime":null}`,
    'x',
  ]) {
    await writeFile(at('left', 'starting.json'), mark);
    await awaitStart(at('left'), (line) => assert.fail(line), signal);
  }
});

test('a mark is not written through a link that somebody left', async () => {
  await mkdir(at('linked'));
  await writeFile(at('precious'), 'mine');
  await symlink(at('precious'), at('linked', 'starting.json'));
  markStarting(at('linked'));
  assert.equal(await readFile(at('precious'), 'utf8'), 'mine');
  assert.match(await readFile(at('linked', 'starting.json'), 'utf8'), new RegExp(`"pid":${process.pid},`));
});

test('who waits can be stopped', async () => {
  const stopper = new AbortController();
  await assert.rejects(
    awaitStart(
      at('nowhere'),
      () => stopper.abort(),
      stopper.signal,
      () => null,
    ),
    { name: 'AbortError' },
  );
});
