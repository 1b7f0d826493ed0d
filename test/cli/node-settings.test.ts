import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { nodeSettings } from '../../src/cli/parts/node/node-settings.ts';
import { loadYamlFile } from '../../src/config/yaml-file.ts';
import { nodeFileSchema } from '../../src/daemon/node-file.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-settings-'));
after(() => rm(directory, { recursive: true, force: true }));
const at = (...names: string[]): string => join(directory, ...names);

const runId = 'bafyreigd7ikji2uqsyevqb433sfan3wdbls4mn2a53aopnvhtvnmzltpse';
const peer = '/ip4/192.0.2.1/tcp/4001/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN';

await writeFile(at('mnist.manifest'), '');
await writeFile(
  at('node.yaml'),
  `
directory: here
key: keys/mine
listen: [/ip4/0.0.0.0/tcp/4001]
announce: [/dns4/node.example.org/tcp/4001]
bootstrap: [${peer}]
connectivity: { relay: { bytesMax: 70000 }, networkKey: keys/network }
httpPort: 8080
logLevel: debug
contentBytesMax: 0
figures: { csv: figures.csv, mlflow: http://127.0.0.1:5000, name: ward-3 }
limits: { connectionsMax: 50, runsMax: 2 }
runs:
  - { run: mnist.manifest, data: images }
  - { run: ${runId}, data: /srv/clinic.csv, backend: fast }
`,
);

const connectivity = {
  relay: {
    ...{ use: true, serve: false, reservationsMax: 64, reservationsPerAddressMax: 8 },
    ...{ bytesMax: 2 ** 30, durationMsMax: 3_600_000, bytesPerHourMax: 2 ** 34 },
  },
  mapPorts: false,
  multicastDns: true,
};

test('without a file: the flags, and defaults where there is none', async () => {
  const settings = await nodeSettings({ run: runId, data: '/data', listen: ['/ip4/127.0.0.1/tcp/0'] });
  assert.deepEqual(settings, {
    listen: ['/ip4/127.0.0.1/tcp/0'],
    announce: [],
    bootstrap: [],
    connectivity,
    httpPort: 0,
    api: {},
    logLevel: 'info',
    contentBytesMax: 2 ** 30,
    retention: 'snapshots',
    trust: [],
    figures: {},
    limits: {
      connectionsMax: 300,
      connectionsPerAddressMax: 32,
      runsMax: 32,
      waitingBytesMax: 32 << 20,
      heldAnnouncementsMax: 4096,
    },
    runs: [{ run: runId, data: '/data', backend: 'wasm', compareAlone: false, evenIfOver: false }],
  });
});

test('a trainer is started where the user is, or where the file is that names it', async () => {
  const file = at('trainer.yaml');
  await writeFile(file, 'trainer: python3 mine.py --fast\n');
  const { trainer } = await nodeSettings({ config: file });
  assert.deepEqual(trainer, { line: 'python3 mine.py --fast', folder: directory });
  const given = await nodeSettings({ config: file, trainer: './other' });
  assert.deepEqual(given.trainer, { line: './other' });
});

test('a file: its paths are relative to it, a run may be an id', async () => {
  const settings = await nodeSettings({ config: at('node.yaml') });
  assert.deepEqual(settings, {
    directory: at('here'),
    key: at('keys/mine'),
    listen: ['/ip4/0.0.0.0/tcp/4001'],
    announce: ['/dns4/node.example.org/tcp/4001'],
    bootstrap: [peer],
    connectivity: {
      ...connectivity,
      relay: { ...connectivity.relay, bytesMax: 70_000 },
      networkKey: at('keys/network'),
    },
    httpPort: 8080,
    api: {},
    logLevel: 'debug',
    contentBytesMax: 0,
    retention: 'snapshots',
    trust: [],
    figures: { csv: at('figures.csv'), mlflow: 'http://127.0.0.1:5000', name: 'ward-3' },
    limits: {
      connectionsMax: 50,
      connectionsPerAddressMax: 32,
      runsMax: 2,
      waitingBytesMax: 32 << 20,
      heldAnnouncementsMax: 4096,
    },
    runs: [
      {
        run: at('mnist.manifest'),
        data: at('images'),
        backend: 'wasm',
        compareAlone: false,
        evenIfOver: false,
      },
      { run: runId, data: '/srv/clinic.csv', backend: 'fast', compareAlone: false, evenIfOver: false },
    ],
  });
});

test('flags of figures go before the file, one by one; what cannot be a name or an address is refused', async () => {
  const { figures } = await nodeSettings({ config: at('node.yaml'), csv: 'mine.csv', figuresName: 'other' });
  assert.deepEqual(figures, { csv: 'mine.csv', mlflow: 'http://127.0.0.1:5000', name: 'other' });
  for (const wrong of ['name: ../up', 'mlflow: ftp://host', 'mlflow: 5000', 'token: secret']) {
    await writeFile(at('wrong.yaml'), `figures: { ${wrong} }\n`);
    await assert.rejects(nodeSettings({ config: at('wrong.yaml') }), { name: 'ConfigError' });
  }
});

test('a manifest that is not there is missed beside the file, not where the node is started', async () => {
  await writeFile(
    at('astray.yaml'),
    'runs:\n  - { run: gone.manifest, data: a.csv }\n  - { run: bafyreimistyped, data: b.csv }\n',
  );
  const { runs } = await nodeSettings({ config: at('astray.yaml') });
  assert.deepEqual(
    runs.map(({ run }) => run),
    [at('gone.manifest'), 'bafyreimistyped'],
  );
});

test('each flag overrides its field', async () => {
  const settings = await nodeSettings({
    config: at('node.yaml'),
    dir: '/elsewhere',
    http: 0,
    logLevel: 'error',
    contentBytesMax: 5,
    listen: ['/ip4/127.0.0.1/tcp/5'],
    announce: ['/ip4/192.0.2.7/tcp/5'],
    bootstrap: [],
    backend: 'native',
    relay: false,
    relayServe: true,
    mdns: false,
    networkKey: '/elsewhere/key',
  });
  assert.deepEqual(settings.connectivity, {
    relay: { ...connectivity.relay, bytesMax: 70_000, use: false, serve: true },
    mapPorts: false,
    multicastDns: false,
    networkKey: '/elsewhere/key',
  });
  assert.deepEqual(
    [settings.directory, settings.httpPort, settings.logLevel, settings.bootstrap, settings.contentBytesMax],
    ['/elsewhere', 0, 'error', [], 5],
  );
  assert.deepEqual(
    [settings.listen, settings.announce],
    [['/ip4/127.0.0.1/tcp/5'], ['/ip4/192.0.2.7/tcp/5']],
  );
  assert.deepEqual(
    settings.runs.map(({ backend }) => backend),
    ['native', 'native'],
  );
  const one = await nodeSettings({ config: at('node.yaml'), run: runId, data: '/data' });
  assert.deepEqual(one.runs, [
    { run: runId, data: '/data', backend: 'wasm', compareAlone: false, evenIfOver: false },
  ]);
  assert.equal(one.httpPort, 8080);
});

test('an address that is wrong in the file is shown where it stands', async () => {
  await writeFile(at('wrong.yaml'), 'httpPort: 1\nbootstrap:\n  - /ip4/127.0.0.1/tcp/1\n');
  await assert.rejects(nodeSettings({ config: at('wrong.yaml') }), {
    code: 'BAD_CONFIG',
    message: /wrong\.yaml:3:5: bootstrap\[0\]: \/ip4\/127\.0\.0\.1\/tcp\/1 does not end in \/p2p\/<peer id>/,
  });
});

test('the example in configs is good', async () => {
  const file = new URL('../../configs/nodes/two-runs.yaml', import.meta.url).pathname;
  const { runs } = await loadYamlFile(file, nodeFileSchema);
  assert.equal(runs.length, 2);
});

test('where the API listens: files beside the one that names them, and what cannot be in one sentence', async () => {
  const file = at('api.yaml');
  const settingsOf = async (text: string, flags = {}) => {
    await writeFile(file, text);
    return nodeSettings({ config: file, ...flags });
  };
  const { api } = await settingsOf('api: { listen: "unix:run/api", token: t }\n');
  assert.deepEqual(api, { listen: `unix:${at('run/api')}`, token: at('t') });
  const flagged = await settingsOf('api: { listen: "unix:run/api" }\n', { http: 7000 });
  assert.deepEqual([flagged.httpPort, flagged.api.listen], [7000, undefined], 'a flag overrides the file');
  const refused: readonly [string, RegExp][] = [
    [
      'api: { listen: "0.0.0.0:7000" }',
      /^\S+api\.yaml:1:1: api: 0\.0\.0\.0:7000 can be reached from other machines: give certificate and key \(PEM files\) as well, or listen on 127\.0\.0\.1 or on unix:\/path/,
    ],
    ['api: { listen: "127.0.0.1:7000" }\nhttpPort: 7001', /httpPort: says where .* and so does api\.listen/],
    ['api: { token: t }', /api\.token: goes with unix:\/path or with certificate and key/],
    ['api: { key: k }', /TLS needs a certificate and its key together/],
    ['api: { tokn: x }', /unknown key; did you mean token\?/],
  ];
  for (const [text, says] of refused) {
    await assert.rejects(settingsOf(`${text}\n`), { code: 'BAD_CONFIG', message: says });
  }
});

test('a checkpoint is of one run, on the command line or in the file', async () => {
  const checkpoint = `19:${'ab'.repeat(32)}:${'cd'.repeat(32)}`;
  const { runs } = await nodeSettings({ run: runId, data: '/data', checkpoint });
  assert.equal(runs[0]?.checkpoint, checkpoint);
  await assert.rejects(nodeSettings({ checkpoint }), { code: 'BAD_USAGE' });
  const file = at('checkpoint.yaml');
  await writeFile(file, `runs: [{ run: ${runId}, data: here, checkpoint: "${checkpoint}" }]\n`);
  assert.equal((await nodeSettings({ config: file })).runs[0]?.checkpoint, checkpoint);
  await writeFile(file, `runs: [{ run: ${runId}, data: here, checkpoint: "19:ab" }]\n`);
  await assert.rejects(nodeSettings({ config: file }), /ROUND:ROOT:SNAPSHOT/);
});
