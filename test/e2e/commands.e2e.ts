/** The commands as a user types them: what they print, what they leave behind, how they refuse. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isRunning } from '../../src/platform/node/process-identity.ts';
import { readIdxLabels } from '../../src/tasks/data/idx-images/idx-file.ts';
import { idxFiles, writeIdxShares } from '../../src/tasks/data/idx-images/idx-folder.ts';
import { mnistFolder } from '../../src/tasks/data/idx-images/mnist-folder.ts';
import { readState } from '../../src/testnet/testnet-state.ts';
import {
  collect,
  Daemon,
  eventually,
  type Finished,
  resultOf,
  starlings,
  startCommand,
} from './processes.ts';

const loopback = '/ip4/127.0.0.1/tcp/0';
const directory = mkdtempSync(join(tmpdir(), 'starlings-commands-'));
const at = (...names: string[]): string => join(directory, ...names);
after(() => rmSync(directory, { recursive: true, force: true }));

const RUN = `
name: commands
model: { kind: mlp, inputs: 784, hidden: [16], outputs: 10 }
task: { kind: idx-images }
training: { localSteps: 10 }
strategy: { id: delta-log, expectedPeers: 4 }
rounds: 12
slotMs: 400
`;

const SCENARIO = `
seed: 3
peers: 4
run:
  name: commands-sim
  model: { kind: logistic-regression, inputs: 784, outputs: 10 }
  task: { kind: idx-images }
  training: { localSteps: 3 }
  strategy: { id: delta-log, expectedPeers: 4 }
  rounds: 6
  slotMs: 1000
`;

before(() => {
  writeFileSync(at('run.yaml'), RUN);
  writeFileSync(at('sim.yaml'), SCENARIO);
});

/** One sentence on stderr, the exit code of its kind, and no stack. */
function assertRefused({ code, stdout, stderr }: Finished, exitCode: number, says: RegExp): void {
  assert.equal(code, exitCode, stdout + stderr);
  assert.match(stderr, says);
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  assert.doesNotMatch(stderr, /\n\s+at |not foreseen/);
}

/** Names of the testnet's processes that still run. */
async function running(testnet: string): Promise<string[]> {
  const { members } = await readState(testnet);
  return members.filter(isRunning).map(({ name }) => name);
}

/** Files that only a write under way leaves: ours are renamed once they are whole. */
function halfWritten(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(tmp|draft)$/.test(name),
  );
}

describe('start', () => {
  test('--json: exactly the promised keys, one hash, no bootstrap alive, no process left', async () => {
    const ended = await starlings(
      ...['start', at('run.yaml'), '--nodes', '4', '--rounds', '12', '--json', '--dir', at('start')],
    );
    assert.equal(ended.code, 0, ended.stderr);
    const result = resultOf(ended);
    assert.equal(ended.stdout.trimEnd().split('\n').length, 1, 'stdout is the object alone');
    assert.deepEqual(Object.keys(result).sort(), [
      ...[
        'accuracyMean',
        'accuracyMin',
        'aloneAccuracyMean',
        'bootstrapsAlive',
        'bytesSentPerNode',
        'confusion',
        'countedRounds',
      ],
      ...[
        'denseBytesPerNode',
        'majority',
        'modelHashes',
        'nodes',
        'outcome',
        'outcomes',
        'pooled',
        'pooledAlone',
        'pooledAuc',
      ],
      ...['rounds', 'seconds', 'sites', 'worst'],
    ]);
    assert.equal(result['outcome'], 'trained');
    assert.deepEqual(Object.values(result['outcomes'] as object), Array(4).fill('trained'));
    assert.deepEqual([result['nodes'], result['rounds'], result['bootstrapsAlive']], [4, 12, 0]);
    assert.equal((result['modelHashes'] as string[]).length, 1);
    const said = readFileSync(join(at('start'), 'node-00', 'output.log'), 'utf8');
    assert.match(
      said,
      /^backend {3}TensorFlow\.js on WebAssembly SIMD: bit-identical on every CPU; .*'fast'/m,
    );
    assert.ok((result['accuracyMin'] as number) > 0.3, `accuracy ${result['accuracyMin']}`);
    assert.deepEqual(await running(at('start')), []);
    assert.deepEqual(halfWritten(at('start')), []);
  });

  test('the model it left can be exported, evaluated and asked', async () => {
    const exported = await starlings(
      ...[
        'model',
        'export',
        '--from',
        at('start'),
        '--format',
        'safetensors',
        '--out',
        at('model'),
        '--json',
      ],
    );
    assert.equal(exported.code, 0, exported.stderr);
    const alone = await starlings('model', 'evaluate', '--from', at('model'), '--json');
    assert.equal(alone.code, 0, alone.stderr);
    const evaluated = await starlings('model', 'evaluate', '--from', at('start'), '--json');
    assert.equal(evaluated.code, 0, evaluated.stderr);
    assert.ok((resultOf(evaluated)['accuracy'] as number) > 0.3, evaluated.stdout);
    assert.equal(resultOf(alone)['accuracy'], resultOf(evaluated)['accuracy'], 'export keeps every bit');
    const predicted = await starlings('model', 'predict', '--from', at('start'), '--json');
    assert.equal(predicted.code, 0, predicted.stderr);
    assert.equal((resultOf(predicted)['predictions'] as unknown[]).length, 10);
  });

  test('where every round was skipped, one model of nothing is no success', async () => {
    const slow = RUN.replace('hidden: [16]', 'hidden: [768, 768]').replace(
      '10 }\nstr',
      '10, batchSize: 1024 }\nstr',
    );
    writeFileSync(
      at('slow.yaml'),
      `${slow}slotMsMax: 100\ntimeMaxMs: 4000\n`.replace('slotMs: 400', 'slotMs: 100'),
    );
    const ended = await starlings(
      // As many as it takes for a busy machine to have all nodes up before they are over.
      ...['start', at('slow.yaml'), '--rounds', '120', '--slot-ms', '100', '--start-in', '15', '--json'],
      ...['--nodes', '3'],
      ...['--dir', at('slow')],
    );
    assert.equal(ended.code, 20, ended.stderr);
    const { outcome, modelHashes, countedRounds } = resultOf(ended);
    assert.deepEqual([outcome, countedRounds, (modelHashes as string[]).length], ['untrained', 0, 1]);
    // One that is so late on a busy machine that the run is over has skipped nothing.
    assert.match(ended.stderr, /node-0\d {2}untrained: nothing that this node learned is in the model, for /);
  });

  test('Ctrl-C in the middle: exit 130, no process and no half-written file left', async () => {
    const child = startCommand(
      'start',
      at('run.yaml'),
      '--nodes',
      '3',
      '--rounds',
      '500',
      '--dir',
      at('cut'),
    );
    const end = collect(child);
    let said = '';
    child.stdout!.on('data', (text) => {
      said += text;
    });
    await eventually('all nodes are up', 60_000, () =>
      said.includes('dashboard http') && child.exitCode === null ? true : null,
    );
    assert.ok((await running(at('cut'))).length >= 3);
    child.kill('SIGINT');
    const { code, stdout, stderr } = await end;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /stopping; Ctrl-C again stops at once/);
    assert.ok(stdout.includes(`starlings testnet up --resume --dir ${at('cut')}`), stdout);
    assert.deepEqual(await running(at('cut')), []);
    assert.deepEqual(halfWritten(at('cut')), []);
    assert.ok(!existsSync(at('cut', 'node-02', 'daemon.json')));
  });
});

describe('testnet', () => {
  test('up leaves a network running, status sees it, down leaves no process', async () => {
    const place = ['--dir', at('net')];
    const up = await starlings('testnet', 'up', at('run.yaml'), '--nodes', '3', '--json', ...place);
    try {
      assert.equal(up.code, 0, up.stderr);
      assert.equal((await running(at('net'))).length, 5, 'three nodes and two bootstraps');
      const status = await starlings('testnet', 'status', '--json', ...place);
      assert.equal(status.code, 0, status.stderr);
      const { runId, nodes, bootstrapsAlive } = resultOf(status);
      assert.deepEqual([runId, bootstrapsAlive], [resultOf(up)['runId'], 2]);
      assert.equal((nodes as unknown[]).length, 3);
      const again = await starlings('testnet', 'up', at('run.yaml'), '--nodes', '3', ...place);
      assertRefused(again, 1, /holds a testnet with 5 running processes; stop it with /);
    } finally {
      const down = await starlings('testnet', 'down', '--json', ...place);
      assert.equal(down.code, 0, down.stderr);
      assert.deepEqual(resultOf(down)['killed'], [], 'all ended when asked');
    }
    assert.deepEqual(await running(at('net')), []);
    assert.deepEqual(halfWritten(at('net')), []);
  });
});

describe('sim', () => {
  test('the same seed twice: the same trace', async () => {
    const first = await starlings('sim', at('sim.yaml'), '--json');
    const second = await starlings('sim', at('sim.yaml'), '--json');
    assert.equal(first.code, 0, first.stderr);
    const result = resultOf(first);
    for (const key of [
      ...['accuracyMean', 'bytesPerPeer', 'modelHashes', 'peers', 'seed', 'traceHash'],
      ...['virtualSeconds', 'wallSeconds', 'utilisation', 'end', 'rounds', 'events'],
    ]) {
      assert.ok(key in result, key);
    }
    assert.match(String(result['traceHash']), /^[0-9a-f]{64}$/);
    assert.equal(resultOf(second)['traceHash'], result['traceHash']);
    assert.deepEqual(resultOf(second)['modelHashes'], result['modelHashes']);
  });

  test('a page, records, and what differs between two of them', async () => {
    const first = await starlings('sim', at('sim.yaml'), '--record', at('a.json'), '--report', at('a.html'));
    assert.equal(first.code, 0, first.stderr);
    writeFileSync(at('other.yaml'), SCENARIO.replace('seed: 3', 'seed: 4'));
    const other = await starlings('sim', at('other.yaml'), '--record', at('b.json'));
    assert.equal(other.code, 0, other.stderr);
    const page = readFileSync(at('a.html'), 'utf8');
    assert.match(page, /<!doctype html>[\s\S]*<svg[\s\S]*<\/html>/);
    assert.doesNotMatch(page, /https?:/);
    const same = await starlings('sim', 'diff', at('a.json'), at('a.json'), '--json');
    assert.equal(same.code, 0, same.stderr);
    assert.equal(resultOf(same)['sameTrace'], true);
    const differs = await starlings('sim', 'diff', at('a.json'), at('b.json'));
    assert.equal(differs.code, 1);
    assert.match(differs.stdout, /the traces differ[\s\S]*seed +3 +4/);
    assertRefused(
      await starlings('sim', 'diff', at('sim.yaml'), at('b.json')),
      2,
      /sim\.yaml: cannot be read as JSON/,
    );
  });

  test('Ctrl-C ends it with what is known by then', async () => {
    writeFileSync(at('long.yaml'), SCENARIO.replace('rounds: 6', 'rounds: 5000'));
    const child = startCommand('sim', at('long.yaml'), '--json');
    const finished = collect(child);
    await new Promise<void>((resolve) => child.stderr?.once('data', () => resolve()));
    child.kill('SIGINT');
    const { code, stdout } = await finished;
    assert.equal(code, 130);
    const result = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Record<string, unknown>;
    assert.equal(result['end'], 'aborted');
    assert.ok(Number(result['roundsBegun']) >= 1 && Number(result['roundsBegun']) < 5000);
  });

  test('what cannot be is refused before it starts', async () => {
    const huge = SCENARIO.replace('peers: 4', 'peers: 9000\nlearner: { id: quadratic }').replace(
      'inputs: 784',
      'inputs: 60000',
    );
    writeFileSync(at('huge.yaml'), huge);
    assertRefused(await starlings('sim', at('huge.yaml')), 2, /would take about .* of memory/);
    writeFileSync(at('many.yaml'), SCENARIO.replace('peers: 4', 'peers: 2000'));
    assertRefused(await starlings('sim', at('many.yaml')), 2, /real training is for up to 1000 peers/);
    writeFileSync(at('committee.yaml'), SCENARIO.replace('expectedPeers: 4', 'committeeSize: 40'));
    assertRefused(
      await starlings('sim', at('committee.yaml')),
      2,
      /committee\.yaml:9:\d+: run\.strategy\.committeeSize: a committee of 40/,
    );
    writeFileSync(at('up.csv'), '0,1000,1000\n3,500,500\n');
    writeFileSync(at('trace.yaml'), `${SCENARIO}network: { capacityTrace: up.csv }\n`);
    assertRefused(
      await starlings('sim', at('trace.yaml')),
      2,
      /up\.csv:2: the trace ends at 3 s, the run takes 6 s/,
    );
    const nowhere = at('absent', 'report.html');
    assertRefused(await starlings('sim', at('sim.yaml'), '--report', nowhere), 2, /absent.*does not exist/);
  });
});

describe('wrong input', () => {
  const busy: Server = createServer();
  let busyPort = 0;
  const manifest = at('a.manifest');
  const data = at('data');
  let runId = '';

  before(async () => {
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
    busyPort = (busy.address() as { port: number }).port;
    for (const [name, seconds] of [
      ['a', '3600'],
      ['b', '3601'],
    ] as const) {
      const created = await starlings(
        ...['run', 'create', at('run.yaml'), '--start-in', seconds, '--json'],
        ...['--out', at(`${name}.manifest`), '--key', at('creator.key')],
      );
      assert.equal(created.code, 0, created.stderr);
      if (name === 'a') runId = resultOf(created)['runId'] as string;
    }
    const labels = await readIdxLabels(join(mnistFolder(), idxFiles.trainLabels));
    const share = Uint32Array.from({ length: Math.min(500, labels.length) }, (_, index) => index);
    await writeIdxShares({
      source: mnistFolder(),
      targets: [data, at('short-data')],
      shares: [share, share],
    });
    const images = at('short-data', idxFiles.trainImages);
    writeFileSync(images, readFileSync(images).subarray(0, -100));
  });
  after(() => busy.close());

  const node = (name: string, ...args: readonly string[]): Promise<Finished> =>
    starlings('node', '--dir', at(name), '--data', data, '--run', manifest, '--listen', loopback, ...args);

  test('an unknown key in YAML: file, line and what it might have been', async () => {
    writeFileSync(at('typo.yaml'), RUN.replace('rounds:', 'round:'));
    const refused = await starlings('start', at('typo.yaml'), '--dir', at('never'));
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /typo\.yaml:7:1: .*round/);
    assert.doesNotMatch(refused.stderr, /\n\s+at /);
    assert.ok(!existsSync(at('never')));
  });

  test('a tampered manifest', async () => {
    const bytes = readFileSync(manifest);
    const name = bytes.indexOf('commands');
    assert.ok(name > 0);
    bytes[name] = 'k'.charCodeAt(0);
    writeFileSync(at('forged.manifest'), bytes);
    assertRefused(
      await node('n-forged', '--run', at('forged.manifest')),
      2,
      /forged\.manifest: the signature of the manifest does not match its creator$/m,
    );
  });

  test('a truncated IDX file', async () => {
    assertRefused(await node('n-short', '--data', at('short-data')), 2, /train-images-idx3-ubyte: .*bytes/);
  });

  test('ports in use', async () => {
    assertRefused(
      await node('n-http', '--http', String(busyPort)),
      1,
      new RegExp(`127\\.0\\.0\\.1:${busyPort} is in use; choose another port, or 0 for any`),
    );
    const listen = `/ip4/127.0.0.1/tcp/${busyPort}`;
    assertRefused(
      await node('n-listen', '--listen', listen),
      1,
      /tcp\/\d+ is in use; choose another port, or 0 for any/,
    );
  });

  test('directories that cannot be made, also on a file system that says so in its own way', async () => {
    const below = join(manifest, 'x');
    for (const args of [
      ['node', '--run', manifest, '--data', data],
      ['bootstrap'],
      ['start', at('run.yaml')],
    ]) {
      assertRefused(await starlings(...args, '--dir', below), 2, /is no directory; use another place$/m);
    }
    if (process.platform === 'linux') {
      assertRefused(await starlings('bootstrap', '--dir', '/proc/x'), 2, /\/proc\/x .*use another place$/m);
    }
  });

  test('a second node on one directory', async () => {
    const first = new Daemon(at('n-one'), ['node', '--run', manifest, '--data', data, '--listen', loopback]);
    await first.start();
    try {
      assertRefused(
        await node('n-one'),
        1,
        /is in use by another node; stop it or give this one its own --dir/,
      );
      assert.equal((await first.status()).runId, runId, 'the first is still there to be found');
    } finally {
      assert.equal(await first.end('SIGTERM'), 0);
    }
  });

  test('no bootstrap answers: the node says so, what to do, and goes on', async () => {
    const nobody = `/ip4/127.0.0.1/tcp/1/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN`;
    const child = startCommand(
      ...['node', '--dir', at('n-alone'), '--run', runId, '--data', data],
      ...['--listen', loopback, '--bootstrap', nobody],
    );
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const end = collect(child);
    await eventually('it says who does not answer', 30_000, () =>
      said.includes(nobody) && said.includes('asking peers') ? true : null,
    );
    assert.match(said, /asking peers for the manifest of run /);
    assert.match(said, /nobody answers at \S+ and no other peer is connected: check .*; still trying/);
    assert.equal(child.exitCode, null, 'it goes on');
    child.kill('SIGINT');
    assert.equal((await end).code, 130);
  });
});

describe('a node in several runs', () => {
  const data = at('clinic.csv');
  const home = ['--dir', at('several')];
  const daemon = new Daemon(at('several'), ['node', '--config', at('node.yaml')]);
  const runIds: string[] = [];
  after(() => daemon.end('SIGKILL'));

  before(async () => {
    const rows = Array.from({ length: 60 }, (_, row) => `${row % 7},${row % 5},${row % 2}`);
    writeFileSync(data, rows.join('\n'));
    for (const name of ['one', 'two']) {
      writeFileSync(
        at(`${name}.yaml`),
        `
name: ${name}
model: { kind: logistic-regression, inputs: 2, outputs: 2 }
task: { kind: table, header: [x, y, class], numeric: [{ column: x, mean: 3, scale: 2 }, { column: 'y', mean: 2, scale: 1.4 }], label: { column: class } }
strategy: { id: delta-log, codec: { chunk: 64, perChunk: 3 } }
rounds: 100000
slotMs: 300
`,
      );
      const created = await starlings(
        ...['run', 'create', at(`${name}.yaml`), '--start-in', '0', '--json'],
        ...['--out', at(`${name}.manifest`), '--key', at('several.key')],
      );
      assert.equal(created.code, 0, created.stderr);
      runIds.push(resultOf(created)['runId'] as string);
    }
    writeFileSync(
      at('node.yaml'),
      `listen: [${loopback}]\nruns:\n  - { run: one.manifest, data: clinic.csv }\n`,
    );
    await daemon.start();
  });

  test('join, list, kill -9 and start again, leave: what was joined is remembered', async () => {
    const joined = await starlings('node', 'join', '--run', at('two.manifest'), '--data', data, ...home);
    assert.equal(joined.code, 0, joined.stderr);
    assert.match(joined.stdout, /^joined {4}two \(bafy\S+\)\nbackend {3}TensorFlow/);
    const listed = await starlings('node', 'list', '--json', ...home);
    assert.equal(listed.code, 0, listed.stderr);
    const runs = resultOf(listed)['runs'] as { runId: string; name: string; state: string }[];
    assert.deepEqual(
      runs.map(({ name, state }) => [name, state]),
      [
        ['one', 'running'],
        ['two', 'running'],
      ],
    );
    assert.deepEqual(new Set(runs.map(({ runId }) => runId)), new Set(runIds));
    await eventually('both train', 30_000, async () =>
      (await daemon.views()).every(({ deltasPublished }) => deltasPublished >= 2) ? true : null,
    );

    await daemon.end('SIGKILL');
    const gone = await starlings('node', 'list', ...home);
    assertRefused(gone, 2, /the node of .*several does not answer any more: it was killed; start it again/);
    await daemon.start();
    assert.deepEqual(
      (await daemon.views()).map(({ run, state }) => [run?.name, state]),
      [
        ['one', 'running'],
        ['two', 'running'],
      ],
    );

    const left = await starlings('node', 'leave', '--run', 'two', ...home);
    assert.equal(left.code, 0, left.stderr);
    assertRefused(
      await starlings('node', 'leave', '--run', 'two', ...home),
      1,
      /takes no part in a run two; it has one \(bafy\S+\)/,
    );
    const status = await starlings('node', 'status', ...home);
    assert.match(
      status.stdout,
      /^node {6}[0-9a-f]{64}\ncontent {3}.+\n\nrun {7}bafy\S+\n {10}one {2}(training|joining), round/,
    );
  });

  test('what cannot be joined is refused in one sentence, and the node goes on', async () => {
    writeFileSync(at('narrow.csv'), '1,2\n3,4\n');
    const join = (...args: readonly string[]): Promise<Finished> =>
      starlings('node', 'join', ...args, ...home);
    assertRefused(await join('--run', at('two.manifest'), '--data', at('narrow.csv')), 2, /narrow\.csv/);
    assertRefused(await join('--run', at('none.csv'), '--data', data), 2, /is neither a file nor a run id/);
    assertRefused(
      await join('--run', at('one.manifest'), '--data', data),
      1,
      /takes part in run bafy\S+ already/,
    );
    assertRefused(await join('--run', at('run.yaml'), '--data', data), 2, /this is not a run manifest/);
  });

  test('stop ends it cleanly', async () => {
    const stopped = await starlings('node', 'stop', ...home);
    assert.equal(stopped.code, 0, stopped.stderr);
    await eventually('it has ended', 20_000, () => (existsSync(at('several', 'daemon.json')) ? null : true));
    assert.equal(await daemon.ended(), 0);
  });
});
