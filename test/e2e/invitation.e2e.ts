/** From one string to a node in the run: `starlings invite` and `starlings join` as people type them, from an empty folder. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { commandNode } from '../../src/daemon/connect.ts';
import { loadIdentity } from '../../src/network/identity.ts';
import { createRun, writeManifestFile } from '../../src/node/files/manifest-file.ts';
import { readInvitation, writeInvitation } from '../../src/node/invitation.ts';
import type { RunView } from '../../src/node/view/run-view.ts';
import { jsonOf, type Running, starlings, startStarlings } from '../cli/starlings-process.ts';
import { crypto, signerOf } from '../log/small-run.ts';
import { tableRun } from '../run/table-run.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-invitation-'));
const at = (...names: string[]): string => join(directory, ...names);
const running: Running[] = [];
after(async () => {
  for (const { child } of running) child.kill('SIGTERM');
  await Promise.all(running.map(({ ended }) => ended.catch(() => {})));
  await rm(directory, { recursive: true, force: true });
});
const never = new AbortController().signal;
const loopback = '/ip4/127.0.0.1/tcp/0';
const creator = signerOf(9);

await writeFile(
  at('clinic.csv'),
  Array.from({ length: 60 }, (_, k) => `${(k * 7) % 10},${k % 10},${(k * 7) % 10 > k % 10 ? 1 : 0}`).join(
    '\n',
  ),
);

async function manifest(name: string, more: object = {}, signer = creator): Promise<string> {
  const spec = tableRun({
    name,
    ...{ rounds: 400, slotMs: 500 },
    ...more,
  });
  const file = at(`${name}.manifest`);
  await writeManifestFile(file, createRun(spec, Date.now() + 5_000, crypto, signer));
  return file;
}

async function started(name: string, ...args: readonly string[]): Promise<Running> {
  const node = startStarlings([...args, '--dir', at(name), '--data', at('clinic.csv'), '--listen', loopback]);
  running.push(node);
  await node.said('status ');
  return node;
}

async function until<T>(what: string, look: () => Promise<T | null>): Promise<T> {
  const deadline = performance.now() + 40_000;
  for (;;) {
    const seen = await look();
    if (seen !== null) return seen;
    assert.ok(performance.now() < deadline, what);
    await delay(200);
  }
}

async function viewOf(name: string): Promise<RunView | undefined> {
  const { runs } = await commandNode(at(name), 'status', {}, never);
  return (runs as RunView[])[0];
}

test('who has an invitation alone is in the run of a private network by one command', async () => {
  const made = await starlings('node', 'network-key', at('network.key'));
  assert.equal(made.exitCode, 0, made.stderr);
  const key = (await readFile(at('network.key'), 'utf8')).trim();
  assert.ok(!made.stdout.includes(key));
  await started('host', 'node', '--run', await manifest('open'), '--network-key', at('network.key'));

  const without = await starlings('invite', '--dir', at('host'));
  assert.equal(without.exitCode, 0, without.stderr);
  assert.equal(readInvitation(without.stdout.split('\n')[0]!).networkKey, null);
  assert.match(without.stdout, /the network is private, and its key is not in the invitation/);

  const withKey = await starlings(
    'invite',
    '--dir',
    at('host'),
    '--with-network-key',
    at('network.key'),
    '--json',
  );
  assert.match(withKey.stderr, /which is a secret/);
  const { invitation, isPrivate } = jsonOf(withKey) as { invitation: string; isPrivate: boolean };
  assert.deepEqual([readInvitation(invitation).networkKey, isPrivate], [key, true]);

  await started('guest', 'join', invitation);
  await until('they meet', async () => ((await viewOf('guest'))?.peers === 1 ? true : null));
  assert.equal((await viewOf('guest'))!.run?.name, 'open');
  assert.equal((await stat(at('guest', 'network.key'))).mode & 0o777, 0o600);
  const log = await readFile(at('guest', 'log.jsonl'), 'utf8');
  assert.ok(!log.includes(key), 'the key of the network is in no log');

  const other = writeInvitation({ ...readInvitation(invitation), networkKey: '12'.repeat(32) });
  const elsewhere = await starlings('join', other, '--dir', at('guest'), '--data', at('clinic.csv'));
  assert.equal(elsewhere.exitCode, 2);
  assert.match(elsewhere.stderr, /^starlings: \S+ holds the key of another network: [^\n]+\n$/);
});

test('of a closed run the invited is told own key and whom to ask; a running node takes an invitation as well', async () => {
  const hostId = jsonOf(await starlings('node', 'id', '--dir', at('closed-host'), '--json'))[
    'peerKey'
  ] as string;
  const run = await manifest('closed', { membership: { kind: 'allow-list', members: [hostId] } });
  await started('closed-host', 'node', '--run', run);
  const invited = await starlings('invite', '--dir', at('closed-host'), '--json');
  assert.match(invited.stderr, /an invitation adds none/);
  const { invitation } = jsonOf(invited) as { invitation: string };
  assert.equal(readInvitation(invitation).signer, creator.key);

  const guest = await started('stranger', 'join', invitation);
  const said = await guest.said('node ');
  const own = jsonOf(await starlings('node', 'id', '--dir', at('stranger'), '--json'))['peerKey'] as string;
  assert.match(
    said.replaceAll(/\s+/g, ' '),
    new RegExp(`if ${own} is not among them.* signed by ${creator.key}`),
  );

  const joined = await commandNode(at('guest'), 'join', { run: invitation, data: at('clinic.csv') }, never);
  assert.match(joined.lines.join('\n'), /an invitation adds none/);
});

test('of a run that takes who was invited, an invitation for nobody says so', async () => {
  const { signer } = await loadIdentity(at('inviting-host', 'key'));
  const run = await manifest('by-invitation', { membership: { kind: 'invite' } }, signer);
  await started('inviting-host', 'node', '--run', run);
  const invited = await starlings('invite', '--dir', at('inviting-host'), '--json');
  assert.equal(invited.exitCode, 0, invited.stderr);
  assert.match(invited.stderr, /this invitation is for none: use --for KEY/);
});

test('what is no invitation ends in one sentence, and makes nothing', async () => {
  const runId = 'bafyreigd7ikji2uqsyevqb433sfan3wdbls4mn2a53aopnvhtvnmzltpse';
  const nowhere = {
    ...{ runId, checkpoint: null, credential: null, signer: null, networkKey: null, secret: null },
  };
  const cases: readonly (readonly [string, RegExp])[] = [
    ['\u001b]0;owned\u0007', /this is no invitation/],
    [`starlings:${'a'.repeat(100_000)}`, /at most 2900 characters/],
    ['starlings:$(reboot)', /this is no invitation/],
    [`starlings:${runId}+/ip4/192.0.2.1/tcp/1/p2p/a+sum=00000000`, /a character of this invitation is wrong/],
    [writeInvitation({ ...nowhere, addresses: ['/nonsense/x/p2p/a'] }), /is no multiaddr/],
    [
      writeInvitation({
        ...nowhere,
        runId: runId.replace('bafyreig', 'bafyreiz'),
        addresses: ['/ip4/192.0.2.1/tcp/1/p2p/a'],
      }),
      /a character of it is wrong/,
    ],
  ];
  for (const [text, sentence] of cases) {
    const { exitCode, stdout, stderr } = await starlings(
      'join',
      text,
      '--dir',
      at('none'),
      '--data',
      at('clinic.csv'),
    );
    assert.deepEqual([exitCode, stdout], [2, ''], stderr);
    assert.match(stderr, /^starlings: [^\n]{1,400}\n$/);
    assert.match(stderr, sentence);
  }
  assert.ok(!existsSync(at('none')));
});
