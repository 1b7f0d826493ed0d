/** A testnet as an operator has it: written, started, one of it killed and started again, looked at, taken down. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { jsonOf, starlings, startStarlings } from './starlings-process.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-written-'));
const at = (...names: string[]): string => join(directory, ...names);
const place = ['--dir', at('net'), '--json'];
after(async () => {
  await starlings('testnet', 'down', ...place);
  await rm(directory, { recursive: true, force: true });
});

await writeFile(
  at('clinic.csv'),
  Array.from({ length: 120 }, (_, k) => `${k % 10},${k % 7},${k % 2}`).join('\n'),
);
await writeFile(
  at('run.yaml'),
  `
name: written
model: { kind: logistic-regression, inputs: 2, outputs: 2 }
task: { kind: table, header: [x, y, class], numeric: [{ column: x, mean: 5, scale: 3 }, { column: 'y', mean: 3, scale: 2 }], label: { column: class } }
training: { localSteps: 2 }
strategy: { id: delta-log, windowRounds: 3, admitRounds: 1, codec: { chunk: 64, perChunk: 3 } }
rounds: 500
slotMs: 500
`,
);

interface Status {
  readonly runId: string;
  readonly nodes: readonly {
    readonly name: string;
    readonly alive: boolean;
    readonly view: { readonly peers: number; readonly countedRounds: number } | null;
  }[];
}

async function until(what: string, is: (status: Status) => boolean): Promise<Status> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const status = jsonOf(await starlings('testnet', 'status', ...place)) as unknown as Status;
    if (is(status)) return status;
    assert.ok(performance.now() < deadline, `${what}: ${JSON.stringify(status)}`);
    await delay(300);
  }
}

test('is started by what was written, and members are killed, frozen, restarted and read one by one', async () => {
  const ports = ['--port-base', String(20_000 + (process.pid % 10_000))];
  const init = [
    'testnet',
    'init',
    at('run.yaml'),
    '--split',
    at('clinic.csv'),
    '--nodes',
    '2',
    '--bootstraps',
    '1',
    '--start-in',
    '1',
    ...ports,
  ];
  const relayed = await starlings(...init, '--out', at('net'), '--relays', '1');
  assert.equal(relayed.exitCode, 2);
  assert.match(relayed.stderr, /--relays does nothing for processes/);
  const written = await starlings(...init, '--out', at('net'), '--json');
  assert.equal(written.exitCode, 0, written.stderr);
  assert.match(written.stderr, /next: starlings testnet up --dir /);
  const { runId, bootstraps } = jsonOf(written) as { runId: string; bootstraps: string[] };

  const idle = await starlings('testnet', 'up', '--nodes', '3', ...place);
  assert.equal(idle.exitCode, 2);
  assert.match(idle.stderr, /`testnet up` of what `testnet init` wrote does nothing with --nodes/);
  const up = await starlings('testnet', 'up', ...place);
  assert.equal(up.exitCode, 0, up.stderr);
  const started = jsonOf(up) as { runId: string; bootstraps: { addresses: string[] }[] };
  assert.equal(started.runId, runId);
  assert.deepEqual(started.bootstraps[0]!.addresses, bootstraps, 'it listens where the nodes look for it');
  await until('they meet', ({ nodes }) => nodes.every(({ view }) => view?.peers === 1));

  const unknown = await starlings('testnet', 'kill', 'node-07', ...place);
  assert.equal(unknown.exitCode, 2);
  assert.match(unknown.stderr, /no member node-07; it has bootstrap-00, node-00, node-01/);
  assert.equal((await starlings('testnet', 'kill', 'node-01', ...place)).exitCode, 0);
  await until('one is gone', ({ nodes }) => nodes.map(({ alive }) => alive).join() === 'true,false');
  assert.equal((await starlings('testnet', 'kill', 'node-01', ...place)).exitCode, 1, 'it is dead already');
  const doctor = await starlings('doctor', '--dir', at('net', 'node-01'), '--patience', '2');
  assert.equal(doctor.exitCode, 1);
  assert.match(doctor.stdout, /! +process +.*daemon\.json names process \d+, which is gone: it was killed/);

  const restarted = await starlings('testnet', 'restart', 'node-01', 'bootstrap-00', ...place);
  assert.equal(restarted.exitCode, 0, restarted.stderr);
  assert.deepEqual(
    (jsonOf(restarted)['started'] as { name: string }[]).map(({ name }) => name),
    ['bootstrap-00', 'node-01'],
  );
  await until('both are on', ({ nodes }) =>
    nodes.every(({ alive, view }) => alive && view?.peers === 1 && view.countedRounds > 2),
  );

  const logs = await starlings('testnet', 'logs', 'node-01', '--dir', at('net'), '--lines', '1000');
  assert.match(logs.stdout, /^node-01 {6}\d{4}-\S+Z ready \{.*"http"/m);
  assert.equal(logs.stdout.split(' ready {').length, 3, 'before and after');
  assert.doesNotMatch(logs.stdout, /node-00/);
  const following = startStarlings([
    'testnet',
    'logs',
    'node-01',
    '--dir',
    at('net'),
    '--follow',
    '--lines',
    '0',
  ]);
  assert.equal((await starlings('testnet', 'restart', 'node-01', ...place)).exitCode, 0);
  await following.said(' ready {');
  following.child.kill('SIGTERM');
  await following.ended;

  assert.equal((await starlings('testnet', 'down', ...place)).exitCode, 0);
  assert.match(await readFile(at('net', 'node-00', 'key'), 'utf8'), /^[0-9a-f]{64}\n$/, 'keys stay');
});
