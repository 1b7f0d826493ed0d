/** A hidden run from `run create --hidden` to members who were invited, over real nodes that know a stranger alone. */

import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { parseJson } from '../../src/core/parse-json.ts';
import { commandNode, readNode } from '../../src/daemon/connect.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import type { DaemonOptions, RunningNode } from '../../src/daemon/options.ts';
import { askProviders } from '../../src/network/discovery/provider-search.ts';
import { HiddenRun } from '../../src/network/hidden-run.ts';
import { peerKeyOf } from '../../src/network/identity.ts';
import { runCid } from '../../src/network/protocols.ts';
import { readInvitation } from '../../src/node/invitation.ts';
import { starlings } from '../cli/starlings-process.ts';
import { keysAskedOf } from '../network/dht-listener.ts';
import { loopbackHost } from '../network/real-hosts.ts';
import { until } from './log-nodes.ts';

const folder = await mkdtemp(join(tmpdir(), 'starlings-hidden-'));
const at = (...names: string[]): string => join(folder, ...names);
after(() => rm(folder, { recursive: true, force: true }));
const never = new AbortController().signal;

async function daemon(home: string, bootstrap: readonly string[], runs: DaemonOptions['runs']) {
  const stopper = new AbortController();
  const running: RunningNode = await startDaemon(
    {
      ...{ directory: home, listen: ['/ip4/127.0.0.1/tcp/0'], announce: [], bootstrap, runs },
      ...{ logLevel: 'debug', httpPort: 0, tell: () => {} },
    },
    stopper.signal,
  );
  after(async () => {
    stopper.abort();
    await running.closed.catch(() => {});
  });
  return running;
}

async function filesUnder(path: string): Promise<string[]> {
  const found = await readdir(path, { recursive: true, withFileTypes: true });
  return found.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
}

const runSchema = z.object({
  runId: z.string(),
  state: z.string(),
  members: z.object({ linked: z.array(z.string()) }),
});

test('a hidden run: strangers who know its id find nobody, members find each other, and its secret is where it belongs', async () => {
  const stranger = await loopbackHost();
  after(() => stranger.stop());
  const asked = keysAskedOf(stranger);
  await writeFile(
    at('run.yaml'),
    `name: minutes
model: { kind: nothing }
task: { kind: nothing }
rounds: 100000
slotMs: 300
strategy: { id: log, windowRounds: 3, snapshotRounds: 8, kinds: [{ id: note }] }
`,
  );
  const manifest = at('run.manifest');
  const signing = [
    'run',
    'create',
    at('run.yaml'),
    '--out',
    manifest,
    '--key',
    at('creator.key'),
    '--start-in',
    '0',
  ];
  const created = await starlings(...signing, '--hidden');
  assert.equal(created.exitCode, 0, created.stderr);
  const secretFile = `${manifest}.secret`;
  const secret = (await readFile(secretFile, 'utf8')).trim();
  assert.match(secret, /^[0-9a-f]{64}$/);
  assert.equal((await stat(secretFile)).mode & 0o077, 0);
  assert.ok(!`${created.stdout}${created.stderr}`.includes(secret));
  assert.ok(!(await readFile(manifest, 'latin1')).includes(secret));
  const shown = await starlings('run', 'show', manifest);
  assert.match(shown.stdout, /# hidden: it is found by its secret alone/);
  const bootstrap = [...stranger.addresses()];

  const chair = await daemon(at('chair'), bootstrap, [{ run: manifest, data: '', backend: 'wasm' }]);
  const invited = await starlings('invite', '--dir', at('chair'));
  assert.equal(invited.exitCode, 0, invited.stderr);
  const [text] = invited.stdout.split('\n') as [string];
  const invitation = readInvitation(text);
  assert.equal(invitation.secret, secret);
  assert.match(invited.stdout + invited.stderr, /the run is hidden, and the invitation holds its secret/);

  const guest = await daemon(at('guest'), bootstrap, []);
  await commandNode(at('guest'), 'join', { run: text }, never);
  const linked = async (home: string, key: string) => {
    const { runs } = await commandNode(home, 'status', {}, never);
    const [view] = runSchema.array().parse(runs);
    return view?.state === 'running' && view.members.linked.includes(key);
  };
  await until(
    'both are linked',
    async () =>
      (await linked(at('chair'), guest.info.peerKey)) && (await linked(at('guest'), chair.info.peerKey)),
  );
  await until('the guest may write', () =>
    commandNode(at('guest'), 'note', { text: 'read by members' }, never).then(() => true),
  );
  await until('the note is read', async () =>
    JSON.stringify(await commandNode(at('chair'), 'status', {}, never)).includes('read by members'),
  );

  const { runId } = invitation;
  const hidden = new HiddenRun(runId, new Uint8Array(Buffer.from(secret, 'hex')));
  const found = async (run: { runId: string; hidden?: HiddenRun }): Promise<string[]> => {
    const keys: string[] = [];
    const search = { host: stranger, ...run, signal: AbortSignal.timeout(5_000), random: Math.random };
    await askProviders({ ...search, onProvider: (id) => keys.push(peerKeyOf(id)!) }, 10);
    return keys.sort();
  };
  const members = [chair.info.peerKey, guest.info.peerKey].sort();
  await until('both are in the DHT', async () => isDeepStrictEqual(await found({ runId, hidden }), members));
  assert.deepEqual(await found({ runId }), []);
  const trace = Buffer.from(runCid(runId).multihash.bytes).toString('hex');
  assert.ok(asked.length > 0 && !asked.some((key) => key.includes(trace)), 'nobody asked by the id');

  const told = await Promise.all(
    ['/status', '/config', '/peers', '/metrics', `/runs/${runId}/manifest`].map((path) =>
      readNode(at('chair'), path, never).then(JSON.stringify, String),
    ),
  );
  for (const each of told) assert.ok(!each.includes(secret));
  assert.ok(told[0]!.includes('"isHidden":true'));
  for (const home of ['chair', 'guest']) {
    for (const file of await filesUnder(at(home))) {
      const holds = (await readFile(file, 'latin1')).includes(secret);
      assert.equal(holds, file.endsWith('/secret'), file);
      if (holds) assert.equal((await stat(file)).mode & 0o077, 0, file);
    }
  }

  const examined = await starlings('doctor', '--dir', at('guest'), '--json');
  const { findings } = z
    .object({ findings: z.array(z.object({ id: z.string(), level: z.string(), text: z.string() })) })
    .parse(parseJson(examined.stdout));
  const of = (id: string) => findings.find((each) => each.id === id);
  assert.equal(of('hidden')?.level, 'fine', examined.stdout);
  assert.equal(of('holders')?.level, 'fine', examined.stdout);
  assert.ok(!examined.stdout.includes(secret));
});

test('without the secret, with that of another run, or one that others may read, a hidden run is not begun', async () => {
  const signing = ['run', 'create', at('run.yaml'), '--key', at('creator.key'), '--hidden'];
  const [one, other] = [at('one.manifest'), at('other.manifest')];
  for (const file of [one, other]) assert.equal((await starlings(...signing, '--out', file)).exitCode, 0);
  // What is there stays: members of a run have its secret already.
  const again = await starlings(...signing, '--out', one);
  assert.notEqual(again.exitCode, 0);
  const secret = await readFile(`${one}.secret`, 'utf8');
  const begin = (home: string) => daemon(at(home), [], [{ run: one, data: '', backend: 'wasm' }]);
  await chmod(`${one}.secret`, 0o644);
  await assert.rejects(begin('open'), /others may read the key file/);
  await rm(`${one}.secret`);
  await assert.rejects(begin('without'), { code: 'NO_SECRET' });
  await writeFile(`${one}.secret`, await readFile(`${other}.secret`, 'utf8'), { mode: 0o600 });
  await assert.rejects(begin('wrong'), /is the secret of another run/);
  await writeFile(`${one}.secret`, secret, { mode: 0o600 });
  await begin('right');
});
