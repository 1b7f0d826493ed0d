/** Nodes that a shell started in the background, as people do, and what becomes of them when their starters go. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type DaemonInfo, readDaemonInfo } from '../../src/daemon/daemon-info.ts';
import { entry } from './entry.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-left-'));
const settings = join(directory, 'node.yaml');
await writeFile(settings, 'listen: [/ip4/127.0.0.1/tcp/0]\n');

/** A project in which the command line is installed. */
await mkdir(join(directory, 'node_modules', '.bin'), { recursive: true });
await writeFile(join(directory, 'package.json'), '{"name": "a-project", "version": "1.0.0"}');
const bin = join(directory, 'node_modules', '.bin', 'starlings');
await writeFile(bin, `#!/bin/sh\nexec '${process.execPath}' '${entry}' "$@"\n`);
await chmod(bin, 0o755);

/** A shell of people, not of the npm that runs these tests. */
const env = Object.fromEntries(
  Object.entries({
    ...process.env,
    PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}`,
  }).filter(([name]) => !name.startsWith('npm_')),
);
const hasNpx = spawnSync('npx', ['--version'], { env }).status === 0;
const hasScript = spawnSync('script', ['--version']).status === 0;

const started: number[] = [];
after(async () => {
  for (const pid of started) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function until<T>(what: string, look: () => T | null | false): Promise<T> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    const found = look();
    if (found !== null && found !== false) return found;
    assert.ok(performance.now() < deadline, what);
    await delay(50);
  }
}

interface Background {
  readonly shell: ChildProcess;
  /** What `$!` says. */
  readonly pid: number;
  readonly node: DaemonInfo;
  readonly home: string;
}

/** `line` has `NODE` where the arguments of a node go. */
async function background(name: string, line: string): Promise<Background> {
  const home = join(directory, name);
  const args = `node --config '${settings}' --dir '${home}'`;
  const shell = spawn('sh', ['-c', line.replace('NODE', args)], {
    ...{ cwd: directory, env, detached: true },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(shell.stdout, 'data')) as [Buffer];
  const pid = Number.parseInt(said.toString(), 10);
  started.push(pid);
  const node = await until(`${name} is ready`, () => readDaemonInfo(home));
  started.push(node.pid);
  return { shell, pid, node, home };
}

const logOf = (home: string): Promise<string> => readFile(join(home, 'log.jsonl'), 'utf8');

describe('a node in the background', { concurrency: 2 }, () => {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    test(`ends with the npx that started it: ${signal}`, { skip: !hasNpx }, async () => {
      const line = 'npx --no-install starlings NODE >/dev/null 2>&1 & echo $!; wait';
      const { pid, node, home } = await background(`npx-${signal}`, line);
      assert.notEqual(pid, node.pid, 'npx stands between');
      process.kill(pid, signal);
      await until('it ended', () => !isAlive(node.pid));
      assert.match(await logOf(home), /"msg":"stopping"/, 'in order');
      assert.equal(readDaemonInfo(home), null);
    });
  }

  test('of its own outlives its shell, and a hang-up where it has no terminal, as under nohup', async () => {
    const line = `nohup '${bin}' NODE >/dev/null 2>&1 & echo $!`;
    const { shell, pid, node, home } = await background('nohup', line);
    assert.equal(pid, node.pid);
    if (shell.exitCode === null) await once(shell, 'exit');
    process.kill(node.pid, 'SIGHUP');
    const answer = await fetch(`${node.http}/health`);
    assert.deepEqual(await answer.json(), { healthy: true, ready: true, reason: null, runs: [] });
    assert.equal(answer.status, 200);
    process.kill(node.pid, 'SIGTERM');
    await until('it ended', () => !isAlive(node.pid));
    assert.match(await logOf(home), /"msg":"stopping"/);
  });

  test('stops in order when its terminal is closed', { skip: !hasScript }, async () => {
    const home = join(directory, 'terminal');
    const line = `'${bin}' node --config '${settings}' --dir '${home}'`;
    const terminal = spawn('script', ['-qec', line, '/dev/null'], {
      ...{ env, cwd: directory, detached: true },
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    started.push(terminal.pid!);
    const node = await until('it is ready', () => readDaemonInfo(home));
    started.push(node.pid);
    terminal.kill('SIGKILL');
    await until('it ended', () => !isAlive(node.pid));
    assert.match(await logOf(home), /"msg":"stopping"/);
  });
});
