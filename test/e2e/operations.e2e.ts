/** The commands of docs/OPERATIONS.md's public testnet, in their order, on the loopback interface: units are started by their command lines. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { repositoryRoot } from '../architecture/source-tree.ts';
import { entry } from '../cli/entry.ts';
import { jsonOf, starlings } from '../cli/starlings-process.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-operations-'));
const at = (...names: string[]): string => join(directory, ...names);
const children: ChildProcess[] = [];
after(async () => {
  const ends = children.map(
    (child) =>
      new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve(null))),
  );
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(ends);
  await rm(directory, { recursive: true, force: true });
});

const [, text = ''] = (await readFile(join(repositoryRoot, 'docs/OPERATIONS.md'), 'utf8')).split(
  '\n## A public testnet',
);
const commands = [...text.matchAll(/^ {4}(?:npx )?(\S+ .+)$/gm)].map(([, line]) => line!);
const places = { 'a.example.org': '127.0.0.1', 'b.example.org': '127.0.0.2', 'c.example.org': '127.0.0.3' };
const home = '/var/lib/starlings';

function here(line: string, more: Readonly<Record<string, string>> = {}): string[] {
  let words = line;
  for (const [from, to] of Object.entries({
    ...places,
    [home]: at('machine'),
    ' net': ` ${at('net')}`,
    ...more,
  })) {
    words = words.replaceAll(from, to);
  }
  return words.split(' ').slice(1);
}
const command = (start: string): string => commands.find((line) => line.startsWith(start))!;

/** What systemd would start, in this process group. */
async function startUnit(name: string): Promise<void> {
  const unit = await readFile(at('net', `starlings-${name}.service`), 'utf8');
  const [, line] = /^ExecStart=\/usr\/bin\/node \S+ (.*)$/m.exec(unit)!;
  const host = /^# On (\S+):/.exec(unit)![1]!;
  if (name.startsWith('node')) {
    // On one machine the ports of three APIs and of all addresses would meet.
    const file = at('machine', name, 'node.yaml');
    const yaml = await readFile(file, 'utf8');
    await writeFile(
      file,
      yaml.replace(/httpPort: \d+/, 'httpPort: 0').replace('/ip4/0.0.0.0', `/ip4/${host}`),
    );
  }
  const args = here(`x ${line!.replaceAll('/ip4/0.0.0.0', `/ip4/${host}`)}`);
  children.push(spawn(process.execPath, [entry, ...args], { stdio: 'ignore' }));
}

/** Null: it is so; else what was seen in place of it. */
async function until(look: () => Promise<string | null>): Promise<void> {
  const deadline = performance.now() + 90_000;
  for (let seen = await look(); seen !== null; seen = await look()) {
    assert.ok(performance.now() < deadline, seen);
    await delay(500);
  }
}

test('a public testnet on three machines, step by step', {
  skip: process.platform !== 'linux' && 'other systems have one loopback address',
}, async () => {
  assert.deepEqual(
    commands.map((line) => line.split(' ').slice(0, 2).join(' ')),
    [
      'starlings testnet',
      'npm install',
      'rsync -a',
      'rsync -a',
      'ssh root@a.example.org',
      'starlings doctor',
      'starlings node',
      'curl -s',
      'starlings doctor',
      'starlings node',
      'cp -r',
    ],
    'a command that is new is to be run here',
  );
  const base = 20_000 + (process.pid % 10_000);
  const init = await starlings(
    ...here(command('starlings testnet init')),
    '--port-base',
    String(base),
    '--json',
  );
  assert.equal(init.exitCode, 0, init.stderr);
  const { runId, bootstraps } = jsonOf(init) as { runId: string; bootstraps: string[] };
  await mkdir(at('machine'));
  const copied = commands.filter((line) => line.startsWith('rsync')).join(' ');
  for (const name of ['bootstrap-00', 'node-00'])
    assert.ok(copied.includes(`net/${name} `) && copied.includes(`net/starlings-${name}.service`));
  for (const name of ['bootstrap-00', 'node-00', 'bootstrap-01', 'node-01']) {
    await cp(at('net', name), at('machine', name), { recursive: true });
    await startUnit(name);
  }

  await until(async () => {
    const { exitCode, stdout } = await starlings(...here(command('starlings doctor --dir')));
    return exitCode === 0 && /ok +holders .*, which is connected with this node/.test(stdout) ? null : stdout;
  });
  const status = await starlings(...here(command('starlings node status')));
  assert.match(status.stdout, new RegExp(`run +${runId}`));
  const { http } = JSON.parse(await readFile(at('machine', 'node-00', 'daemon.json'), 'utf8')) as {
    http: string;
  };
  const [, path] = /127\.0\.0\.1:\d+(\/\w+)/.exec(command('curl'))!;
  assert.equal((await fetch(`${http}${path}`)).status, 200);

  const named = { RUNID: runId, ADDRESS: bootstraps[0]!, DATA: at('net', 'node-02', 'data') };
  const found = await starlings(...here(command('starlings doctor --run'), named), '--dir', at('nobody'));
  assert.match(found.stdout, /ok +holders +run \S+ is held by 2 peers/);
  children.push(
    spawn(process.execPath, [entry, ...here(command('starlings node --run'), named), '--dir', at('other')], {
      stdio: 'ignore',
    }),
  );
  await until(async () => {
    const { stdout, stderr } = await starlings('node', 'status', '--dir', at('other'));
    return /peers +2 connected/.test(stdout) ? null : stdout + stderr;
  });

  // A machine that was lost: what is to be kept of it is enough.
  const kept = command('cp -r')
    .split(' ')
    .flatMap((word) => /^backup\/(.+)$/.exec(word)?.[1] ?? []);
  for (const name of kept)
    await cp(at('net', 'node-02', name), at('machine', 'node-02', name), { recursive: true });
  await startUnit('node-02');
  await until(async () => {
    const { stdout, stderr } = await starlings('node', 'status', '--dir', at('machine', 'node-02'));
    return /peers +[1-9]\d* connected/.test(stdout) ? null : stdout + stderr;
  });
});
