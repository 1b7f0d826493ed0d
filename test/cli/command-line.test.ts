import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { shardText } from '../../src/cli/parts/arena/shard-text.ts';
import { writeInvitation } from '../../src/node/invitation.ts';
import { jsonOf, starlings, startStarlings } from './starlings-process.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-cli-'));
after(() => rm(directory, { recursive: true, force: true }));
const at = (...names: string[]): string => join(directory, ...names);
const runFile = new URL('../../configs/runs/heart-logistic.yaml', import.meta.url).pathname;
const logFile = new URL('../../configs/runs/labels.yaml', import.meta.url).pathname;
const simFile = new URL('../../configs/sim/first-run.yaml', import.meta.url).pathname;
const ringFile = new URL('../../configs/runs/mnist-d-psgd.yaml', import.meta.url).pathname;

await writeFile(at('notes.txt'), 'once upon a time '.repeat(400));

const someShard = shardText({ holder: 'ab'.repeat(32), root: 'cd'.repeat(32), bytes: 3140, examples: 100 });
const slippedShard = someShard.replace('abab', 'abba');
/** Of a run that nobody has. */
const someId = 'bafyreia4lcmh5ndjw6jjugufqamwwczdnhzul6gsut6ft7bvomiyznoui4';

const someInvitation = writeInvitation({
  ...{ runId: someId, addresses: ['/ip4/192.0.2.7/tcp/1/p2p/12D3'], checkpoint: null, credential: null },
  ...{ signer: null, networkKey: null, secret: null },
});

/** Two commands at a time: a start costs a core. */
describe('the command line', { concurrency: 2 }, () => {
  const shared = ['--split', simFile, '--nodes', '2'];
  const wrong: readonly [args: string[], exitCode: number, says: RegExp][] = [
    [['--nonsense'], 2, /^error: unknown option '--nonsense'\n/],
    [['strat'], 2, /^error: unknown command 'strat'\n\(Did you mean start\?\)/],
    [['run'], 2, /Usage: starlings run/],
    [['run', 'create'], 2, /^error: missing required argument 'file'/],
    [['run', 'create', at('none.yaml')], 2, /none\.yaml: no such file; check the path\n$/],
    [['run', 'show', at('none.manifest')], 2, /none\.manifest does not exist; check the path\n$/],
    [['run', 'show', runFile], 2, /this is not a run manifest/],
    [['node'], 2, /a node needs --run .* and --data /],
    [
      ['node', 'id', '--dir', at('named'), '--name', 'a\u001b[2J'],
      2,
      /--name: expected 1 to 40 printable characters/,
    ],
    [['node', '--run', someId], 2, /a node needs --run .* and --data .* together/],
    [['node', '--config', at('none.yaml')], 2, /none\.yaml: no such file; check the path\n$/],
    [
      ['node', '--config', runFile],
      2,
      /heart-logistic\.yaml: this looks like a run: use it with `starlings run create`, .*\n$/,
    ],
    [
      ['node', '--run', someId, '--data', 'y', '--announce', '/dns4/node.example.org'],
      2,
      /--announce \/dns4\/node\.example\.org names no TCP port; write where others reach this node/,
    ],
    [['node', 'join', '--data', 'y'], 2, /`starlings node join` needs --run\n$/],
    [['node', 'join', '--run', 'x', '--data', 'y', '--backend', 'gpu'], 2, /Allowed choices are auto, wasm/],
    [['doctor', '--token-file', 'f'], 2, /--token-file and --certificate go with --api\n$/],
    [['doctor', '--api', 'http://192.0.2.1:80'], 2, /expected https:\/\/HOST:PORT, unix:\/path, or http/],
    [['node', 'leave', '--run', ''], 2, /--run: expected at least 1 character, got 0\n$/],
    [['node', 'note', '--run', 'x', '--text', ''], 2, /: --text: expected at least 1 character, got 0\n$/],
    [['log', 'verify', runFile], 2, /heart-logistic\.yaml: this is no archive of a run\n$/],
    [['log', 'verify', directory], 2, /starlings-cli-\S+ is a directory where a file is expected/],
    [
      ['node', 'revoke', '--dir', at('none'), '--key', 'zz'],
      2,
      /--key: is no key: 64 hexadecimal digits, got string "zz"/,
    ],
    [
      ['model', 'feedback', '--dir', at('none'), '--model', 'a@1', '--rating', '9'],
      2,
      /--rating: expected at most 5, got 9/,
    ],
    [
      ['model', 'feedback', '--dir', at('none'), '--model', 'a@1', '--rating', '0'],
      2,
      /--rating: expected at least 1, got 0/,
    ],
    [['node', 'list', '--dir', at('none')], 2, /no node runs in .*none: name its directory with --dir/],
    [['node', '--dir', at('none'), 'stop'], 2, /no node runs in .*none: name its directory with --dir/],
    [['node', '--run', 'x', '--data', 'y', '--http', '70000'], 2, /expected a whole number from 0 to 65535/],
    [
      ['node', '--run', 'x', '--data', 'y', '--backend', 'gpu'],
      2,
      /Allowed choices are auto, wasm, fast, native/,
    ],
    [
      ['bootstrap', '--listen', 'here'],
      2,
      /--listen here is no multiaddr; write for example \/ip4\/0\.0\.0\.0\/tcp\/4001\n$/,
    ],
    [
      ['bootstrap', '--bootstrap', '/ip4/127.0.0.1/tcp/1'],
      2,
      /does not end in \/p2p\/<peer id>; copy the whole/,
    ],
    [['bootstrap', '--dir', '/dev/null/x'], 2, /\/dev\/null\/x leads through something that is no directory/],
    [
      ['arena', 'shard', '--from', at('none'), '--part', '3', '--of', '3', '--out', at('p3.shard')],
      2,
      /--part 3 of --of 3: parts are counted from 0, the last is 2/,
    ],
    [
      ['arena', 'create', '--name', 'twice', '--out', at('twice.manifest'), '--shard', someShard, someShard],
      2,
      /--shard: two have the same holder; each holder has one shard/,
    ],
    [
      ['arena', 'create', '--out', at('slip.manifest'), '--shard', slippedShard],
      2,
      /--shard abba\S+: a character of it is wrong: copy again what `starlings arena shard` printed/,
    ],
    [
      ['arena', 'create', '--out', at('cut.manifest'), '--shard', someShard.slice(0, -9)],
      2,
      /--shard \S+: expected all of what `starlings arena shard` printed after `shard`/,
    ],
    [
      ['label', 'export', '--part', '4', '--of', '4', '--out', at('part.csv')],
      2,
      /--part 4 of --of 4: parts are counted from 0, the last is 3/,
    ],
    [['testnet', 'up', '--nodes', '1'], 2, /expected a whole number from 2 to 256/],
    [['join', someInvitation, '--dir', at('nobody')], 2, /give --data PATH: .*; --no-data for a log, /],
    [['start', logFile], 2, /the run labels is a log and trains nothing, .*`starlings run create`/],
    [['testnet', 'up', runFile], 2, /heart-logistic trains on table: name a file or folder with --split/],
    [['data', 'inspect', at('none')], 2, /none does not exist; check the path of the data\n$/],
    [['data', 'inspect', runFile], 2, /this looks like the data of no task; `starlings data --help` lists/],
    [
      ['data', 'split', runFile, '--nodes', '2', '--out', runFile],
      2,
      /yaml exists; choose another --out, or --force/,
    ],
    [
      ['testnet', 'up', runFile, '--nodes', '3', '--data', 'a', 'b'],
      2,
      /3 nodes need as many paths .* not 2/,
    ],
    [
      ['testnet', 'status', '--dir', at('none')],
      2,
      /holds no testnet; start one with `starlings testnet up`/,
    ],
    [
      ['model', 'evaluate', '--from', at('none')],
      2,
      /does not exist; name a model file or the directory of a node/,
    ],
    [
      ['model', 'export', '--from', at('none'), '--out', runFile],
      2,
      /heart-logistic\.yaml exists; choose another --out, or --force to replace it/,
    ],
    [
      ['model', 'export', '--from', at('none'), '--out', runFile, '--force', '--format', 'onnx'],
      2,
      /none does not exist/,
    ],
    [
      ['model', 'export', '--from', at('none'), '--out', runFile, '--force'],
      2,
      /heart-logistic\.yaml is no folder; name one/,
    ],
    [
      ['label', 'import', '--name', 'x', '--file', at('none.csv')],
      2,
      /none\.csv does not exist; check the path/,
    ],
    [
      ['log', 'export', '--dir', at('none'), '--out', runFile],
      2,
      /heart-logistic\.yaml exists; choose another --out, or --force to replace it/,
    ],
    [
      ['log', 'export', '--dir', at('none'), '--out', runFile, '--force'],
      2,
      /none does not exist; check the path/,
    ],
    [['model', 'evaluate', '--from', runFile], 2, /heart-logistic\.yaml: /],
    [['sim', runFile], 2, /heart-logistic\.yaml: this looks like a run: /],
    [['sim', 'diff', at('none.json'), runFile], 2, /none\.json does not exist; check the path\n$/],
    [['compare', at('none.yaml')], 2, /none\.yaml: no such file; check the path\n$/],
    [['compare', runFile], 2, /heart-logistic\.yaml: this looks like a run: /],
    [['codec', 'bench', '--parameters', '7'], 2, /expected a whole number from 4096 to/],
    [
      ['run', 'create', ringFile, '--out', at('ring.manifest'), '--key', at('ring.key')],
      2,
      /needs membership of kind allow-list/,
    ],
    [
      ['sim', 'fuzz', '--file', runFile, '--seeds', '3'],
      2,
      /--file is one world: --seeds would do nothing; leave it out/,
    ],
    [['sim', '--report', 'x', 'fuzz'], 2, /`sim fuzz` does nothing with --report; leave it out/],
    [['node', '--http', '5', 'list'], 2, /`node list` does nothing with --http; leave it out/],
    [['node', 'id', '--run', 'x', '--dir', at('x')], 2, /`node id` does nothing with --run; leave it out/],
    [
      ['start', runFile, '--data', 'a', 'b', '--alpha', '1'],
      2,
      /--alpha is of the split and would do nothing/,
    ],
    [['sim', simFile, '--report', at('none', 'x.html')], 2, /its folder does not exist; create it first/],
    [['sim', simFile, '--record', directory], 2, /is a directory; name a file/],
    [['sim', simFile, '--events', '/proc/x'], 2, /\/proc\/x .*use another place/],
    // What a run is to be drawn in is missed before anything is started, or replaced.
    ...(['start', 'testnet up'] as const).flatMap((command): typeof wrong => [
      [
        [...command.split(' '), runFile, ...shared, '--tensorboard', '/proc/x'],
        2,
        /^starlings: \/proc\/x cannot be made on that file system; use another place\n$/,
      ],
      [
        [...command.split(' '), runFile, ...shared, '--tensorboard', runFile],
        2,
        /yaml leads through .* no dir/,
      ],
      [
        [...command.split(' '), runFile, ...shared, '--csv', at('none', 'x.csv')],
        2,
        /^starlings: \S+x\.csv: its folder does not exist; create it first\n$/,
      ],
      [
        [...command.split(' '), runFile, ...shared, '--csv', '/proc/x.csv'],
        2,
        /^starlings: \/proc\/x\.csv cannot be made on that file system; use another place\n$/,
      ],
      [
        [...command.split(' '), runFile, ...shared, '--dir', runFile],
        2,
        /yaml\S* leads through something that is no/,
      ],
    ]),
    [
      ['data', 'inspect', at('notes.txt'), '--label', 'y', '--header', 'x,y'],
      2,
      /^starlings: this is data of the kind text: --label and --header would do nothing; leave it out\n$/,
    ],
    [['mcp', '--root', at('none')], 2, /--root \S+none is no folder; name one that is there\n$/],
    ...(
      [
        ['start', runFile, '--split', at('none.csv')],
        ['start', runFile, '--data', at('none.csv'), at('none.csv')],
        ['testnet', 'up', runFile, '--split', at('none.csv')],
        ['testnet', 'init', runFile, '--data', at('none.csv'), at('none.csv'), '--out', at('init')],
        ['data', 'check', at('none.csv'), '--run', runFile],
        ['data', 'moments', at('none.csv')],
        ['data', 'split', at('none.csv'), '--run', runFile, '--nodes', '2', '--out', at('of-none')],
      ] as const
    ).map((args): (typeof wrong)[number] => [
      [...args],
      2,
      /^starlings: \S+none\.csv does not exist; check the path of the data\n$/,
    ]),
    ...(
      [
        [['model', 'predict', '--from', 'x', '--input', 'y', '--first', '3'], '--first'],
        [['model', 'predict', '--from', 'x', '--input', 'y', '--data', 'z'], '--data'],
        [['model', 'predict', '--from', 'x', '--force'], '--force'],
        [['data', 'moments', runFile, '--force'], '--force'],
        [['trainer', 'manifest', 'true', '--force'], '--force'],
        [
          [
            'data',
            'split',
            'x',
            '--run',
            runFile,
            '--label',
            'y',
            '--header',
            'y',
            '--nodes',
            '2',
            '--out',
            'z',
          ],
          '--label and --header',
        ],
        [['node', '--run', someId, '--data', 'y', '--figures-name', 'ward-3'], '--figures-name'],
        [['testnet', 'init', '--for', 'kubernetes', '--split', 'x', '--out', at('pods')], '--split'],
      ] as const
    ).map(([args, flags]): (typeof wrong)[number] => [
      [...args],
      2,
      new RegExp(`^starlings: .*${flags} would do nothing`),
    ]),
    [['run', 'create', runFile, '--out', at('none', 'm')], 2, /its folder does not exist; create it first/],
    [
      [
        'node',
        '--dir',
        at('typed-0'),
        '--data',
        'y',
        '--run',
        'bafyreigd7ikji2uqsyevqb433sfan3wdbls4mn2a53aopnvhtvnmzltps',
      ],
      2,
      /looks like a run id and is none \(it has 58 characters, a run id has 59\); copy the whole id/,
    ],
    [
      [
        'node',
        '--dir',
        at('typed-1'),
        '--data',
        'y',
        '--run',
        'bafyreigd7ikji2uqsyevqb433sfan3wdbls4mn2a53aopnvhtvnmzltps0',
      ],
      2,
      /looks like a run id and is none \(a character of it is wrong\)/,
    ],
    [
      ['node', '--dir', at('typed-2'), '--data', 'y', '--run', 'run.manifest'],
      2,
      /run\.manifest is neither a file nor a run id/,
    ],
  ];
  test('codec bench prints a list with a row for each codec, the default within 3 % of the bound', async () => {
    const { exitCode, stdout } = await starlings('codec', 'bench', '--json', '--parameters', '65536');
    assert.equal(exitCode, 0);
    const rows = JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, number | string>[];
    assert.ok(rows.length >= 12);
    for (const row of rows) {
      assert.deepEqual(Object.keys(row), [
        ...['codec', 'bitsPerParameter', 'boundBits', 'encodeGBps', 'decodeGBps', 'relativeError'],
      ]);
      // What is right in the mean, with k of n numbers, is off by sqrt(n / k - 1).
      const most = String(row['codec']).startsWith('rand-k-unbiased') ? 9 : 1;
      assert.ok(Number(row['encodeGBps']) > 0 && Number(row['relativeError']) < most);
    }
    const [first] = rows;
    assert.match(String(first!['codec']), /default/);
    assert.ok(Number(first!['bitsPerParameter']) <= 1.03 * Number(first!['boundBits']));
  });

  for (const [args, exitCode, says] of wrong) {
    test(`refuses: ${args.join(' ').replaceAll(directory, '')}`, async () => {
      const end = await starlings(...args);
      assert.equal(end.exitCode, exitCode, end.stderr);
      assert.match(end.stderr, says);
      assert.equal(end.stdout, '');
      assert.doesNotMatch(end.stderr, /\n {4}at /, 'a stack without --verbose');
    });
  }

  test('bad YAML: file, line, column and what was expected; as JSON too', async () => {
    const file = at('bad.yaml');
    await writeFile(
      file,
      (await readFile(runFile, 'utf8')).replace('learningRate: 0.05', 'learningRate: fast'),
    );
    const end = await starlings('run', 'create', file, '--json');
    assert.equal(end.exitCode, 2);
    assert.match(
      end.stderr,
      /bad\.yaml:48:17: training\.learningRate: expected number, got string "fast"\n$/,
    );
    const { error } = jsonOf(end) as { error: { code: string; message: string } };
    assert.equal(error.code, 'BAD_CONFIG');
    assert.ok(end.stderr.includes(error.message));
  });

  test('--verbose shows the stack', async () => {
    const end = await starlings('run', 'show', runFile, '--verbose');
    assert.match(end.stderr, /ManifestError: .*\n {4}at /);
  });

  test('data check says what a run would refuse, data inspect prints a task, data split makes shares that nodes take; help lists the files', async () => {
    const file = at('rows.csv');
    const rows = Array.from({ length: 60 }, (_, row) => `${Array(13).fill(row)},${row % 2}\n`);
    await writeFile(file, rows.join(''));
    const fits = await starlings('data', 'check', file, '--run', runFile, '--json');
    assert.equal(fits.exitCode, 0, fits.stderr);
    assert.match(fits.stderr, /as of the run heart-logistic[\s\S]*most frequent is right for 50\.00 %/);
    const split = ['data', 'split', file, '--nodes', '2', '--out', at('shares'), '--run', runFile, '--json'];
    const { shares } = jsonOf(await starlings(...split)) as { shares: string[] };
    assert.deepEqual(shares, [at('shares', 'node-00'), at('shares', 'node-01')]);
    const looks = await starlings('data', 'inspect', shares[0]!);
    assert.match(looks.stdout, /^data of the task kind table \(by its looks; `data check --run`/);
    assert.match(looks.stdout, /\n {4}- \{ column: column 0, mean: \S+, scale: \S+ \}\n/);
    await writeFile(file, '1,2,0\n'.repeat(9));
    const refused = await starlings('data', 'check', file, '--run', runFile);
    assert.equal(refused.exitCode, 1);
    assert.match(
      refused.stdout,
      /refused: 10, .*\n.*rows\.csv:1: expected 14 fields, one a column, found 3\n.*:2: .*\n.*:3: .*\n {2}and 6 more like these\n/,
    );
    const help = await starlings('data', '--help');
    for (const name of ['train-images-idx3-ubyte', 'test_batch.bin', '.txt', 'CSV']) {
      assert.ok(help.stdout.includes(name), name);
    }
  });

  test('--help and --version succeed', async () => {
    assert.equal((await starlings('--help')).exitCode, 0);
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
    assert.deepEqual(await starlings('--version'), { exitCode: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('creates a run, shows it, refuses to overwrite it, refuses it forged or as another run', async () => {
    const file = at('run.manifest');
    const create = ['run', 'create', runFile, '--out', file, '--key', at('keys', 'creator'), '--json'];
    const created = await starlings(...create, '--start-in', '5');
    assert.equal(created.exitCode, 0, created.stderr);
    assert.equal(created.stdout.trimEnd().split('\n').length, 1);
    const { runId, creator } = jsonOf(created);
    // The first node has nobody to be told of; the others have no manifest.
    const [first, others] = [
      `node --run ${file} --data DIR\n`,
      `node --run ${String(runId)} --data DIR --boot`,
    ];
    assert.ok(created.stderr.includes(first) && created.stderr.includes(others), created.stderr);
    assert.equal((await stat(at('keys', 'creator'))).mode & 0o777, 0o600);

    const shown = await starlings('run', 'show', file, '--id', String(runId), '--json');
    assert.equal(shown.exitCode, 0, shown.stderr);
    const manifest = jsonOf(shown);
    assert.deepEqual([manifest['runId'], manifest['creator'], manifest['parameters']], [runId, creator, 18]);

    const invites = at('invite.yaml');
    const text = await readFile(runFile, 'utf8');
    await writeFile(
      invites,
      text.replace(/^membership:.*(\n +.*)*\n/m, '').concat('\nmembership: { kind: invite }\n'),
    );
    const inviting = await starlings(
      'run',
      'create',
      invites,
      '--out',
      at('invite.manifest'),
      '--key',
      at('keys', 'creator'),
    );
    assert.match(
      inviting.stderr + inviting.stdout,
      /starlings run invite \S+invite\.manifest --for KEY --key \S+/,
    );

    const before = await readFile(file);
    const again = await starlings(...create);
    assert.equal(again.exitCode, 2);
    assert.match(again.stderr, /run\.manifest exists; choose another --out, or --force/);
    assert.deepEqual(await readFile(file), before);
    const forced = await starlings(...create, '--force', '--start-in', '6');
    assert.equal(forced.exitCode, 0);
    assert.equal(jsonOf(forced)['creator'], creator);
    assert.notEqual(jsonOf(forced)['runId'], runId);

    const other = await starlings('run', 'show', file, '--id', String(runId));
    assert.equal(other.exitCode, 2);
    assert.match(other.stderr, /this is the manifest of run \S+, not of /);

    const forged = Buffer.from(before);
    const name = forged.indexOf('heart-logistic');
    assert.ok(name > 0);
    forged[name] = 'j'.charCodeAt(0);
    await writeFile(at('forged.manifest'), forged);
    const refused = await starlings('run', 'show', at('forged.manifest'));
    assert.equal(refused.exitCode, 2);
    assert.match(
      refused.stderr,
      /forged\.manifest: the signature of the manifest does not match its creator\n$/,
    );
  });

  test('a manifest into a directory that is none leaves nothing behind', async () => {
    await mkdir(at('target'));
    const end = await starlings(
      'run',
      'create',
      runFile,
      '--out',
      at('target'),
      '--key',
      at('k2'),
      '--force',
    );
    assert.equal(end.exitCode, 2);
    assert.match(end.stderr, /target is a directory; name a file\n$/);
    assert.deepEqual(
      (await readdir(directory)).filter((name) => name.startsWith('target')),
      ['target'],
    );
  });

  test('node id makes a key once', async () => {
    const first = jsonOf(await starlings('node', 'id', '--dir', at('id'), '--json'));
    assert.match(String(first['peerKey']), /^[0-9a-f]{64}$/);
    assert.deepEqual(jsonOf(await starlings('node', '--dir', at('id'), 'id', '--json')), first);
  });

  test('a port in use: one sentence', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const listen = `/ip4/127.0.0.1/tcp/${port}`;
    const end = await starlings('bootstrap', '--dir', at('busy'), '--listen', listen);
    server.close();
    assert.equal(end.exitCode, 1);
    assert.equal(end.stderr, `starlings: ${listen} is in use; choose another port, or 0 for any\n`);
  });

  const bootstrap = (name: string) =>
    startStarlings(['bootstrap', '--dir', at(name), '--listen', '/ip4/127.0.0.1/tcp/0', '--json']);

  test('a second bootstrap in one directory is refused, and the first goes on', async () => {
    const first = bootstrap('twice');
    await first.said('address /ip4/');
    const second = await bootstrap('twice').ended;
    assert.equal(second.exitCode, 1);
    assert.match(
      second.stderr,
      /twice\S* is in use by another node; stop it or give this one its own --dir\n$/,
    );
    assert.ok((await readdir(at('twice'))).includes('daemon.json'), 'the first can still be found');
    first.child.kill('SIGTERM');
    assert.equal((await first.ended).exitCode, 0);
    const third = bootstrap('twice');
    await third.said('address /ip4/');
    third.child.kill('SIGTERM');
    assert.equal((await third.ended).exitCode, 0);
  });

  test('Ctrl-C stops a daemon cleanly with 130, SIGTERM with 0', async () => {
    for (const [signal, exitCode] of [
      ['SIGINT', 130],
      ['SIGTERM', 0],
    ] as const) {
      const running = bootstrap(signal);
      await running.said('address /ip4/');
      assert.ok((await readdir(at(signal))).includes('daemon.json'));
      running.child.kill(signal);
      const end = await running.ended;
      assert.equal(end.exitCode, exitCode, end.stderr);
      assert.equal(jsonOf(end)['stopped'], true);
      assert.ok(!(await readdir(at(signal))).includes('daemon.json'));
    }
  });

  test('a simulation that is stopped in the middle is no success: 130 for Ctrl-C, 143 for SIGTERM', async () => {
    for (const [signal, exitCode] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const running = startStarlings(['sim', 'configs/sim/mnist-32.yaml', '--no-memory-check', '--json']);
      await running.said('of virtual time, about');
      running.child.kill(signal);
      const end = await running.ended;
      assert.equal(end.exitCode, exitCode, end.stderr);
      assert.equal(jsonOf(end)['end'], 'aborted');
    }
  });
});
