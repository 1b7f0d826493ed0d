/** A key whose invitation was taken back, against real daemons: nobody keeps a connection with it, answers it, or gives it files. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { multiaddr } from '@multiformats/multiaddr';
import { bytesToHex, hexToBytes } from '../../src/core/bytes.ts';
import { Credentials, creatorsCredential, invite } from '../../src/core/credentials.ts';
import { commandNode } from '../../src/daemon/connect.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import type { RunningDaemon } from '../../src/daemon/options.ts';
import { encodeRequest } from '../../src/log/wire.ts';
import { createFileExchange } from '../../src/network/exchange/file-exchange.ts';
import { loadIdentity } from '../../src/network/identity.ts';
import { createRun, writeManifestFile } from '../../src/node/files/manifest-file.ts';
import { rows, until, viewOf } from '../daemon/table-daemons.ts';
import { crypto, smallVector } from '../log/small-run.ts';
import { loopbackHost } from '../network/real-hosts.ts';
import { tableRun } from '../run/table-run.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-revoked-'));
const at = (...names: string[]): string => join(directory, ...names);
const stopper = new AbortController();
const running: RunningDaemon[] = [];
after(async () => {
  stopper.abort();
  await Promise.allSettled(running.map(({ closed }) => closed));
  await rm(directory, { recursive: true, force: true });
});

const names = ['creator', 'honest', 'revoked'] as const;
type Name = (typeof names)[number];

async function identityOf(name: Name) {
  await mkdir(at(name), { recursive: true });
  return loadIdentity(at(name, 'key'));
}

test('whose invitation is taken back is let go of by all, gets no files, and is let in by nobody again', async (t) => {
  const [creator, honest, revoked] = await Promise.all(names.map(identityOf));
  await writeFile(at('clinic.csv'), rows.join('\n'));
  const spec = tableRun({
    ...{ name: 'asked', rounds: 400, slotMs: 250, membership: { kind: 'invite' } },
    strategy: {
      ...{ id: 'delta-log', windowRounds: 3, admitRounds: 1, codec: { chunk: 64, perChunk: 3 } },
      kinds: [{ id: 'note' }, { id: 'revocation' }],
    },
  });
  const vectors = { start: smallVector(6, 'start', 0.1) };
  const run = createRun(spec, Date.now() + 4000, crypto, creator!.signer, vectors);
  await writeManifestFile(at('run.manifest'), run, vectors);
  const shown = (key: string, number: number): string =>
    bytesToHex(invite(run.runId, creatorsCredential(), { key, number }, creator!.signer));
  const daemon = async (name: Name, bootstrap: readonly string[], credential?: string) => {
    const started = await startDaemon(
      {
        ...{ directory: at(name), listen: ['/ip4/127.0.0.1/tcp/0'], announce: [], bootstrap: [...bootstrap] },
        ...{ logLevel: 'silent', httpPort: 0, tell: () => {} },
        runs: [
          {
            run: at('run.manifest'),
            data: at('clinic.csv'),
            backend: 'wasm',
            ...(credential && { credential }),
          },
        ],
      },
      stopper.signal,
    );
    running.push(started);
    return started;
  };
  const first = await daemon('creator', []);
  const theirs = first.info.addresses;
  const second = await daemon('honest', theirs, shown(honest!.key, 0));
  const outcast = shown(revoked!.key, 1);
  const third = await daemon('revoked', theirs, outcast);
  const deltasOf = async (of: RunningDaemon, key: string): Promise<number> =>
    (await viewOf(of)).contributions.find(({ peer }) => peer === key)?.deltas ?? 0;
  await until('all to train', async () => (await deltasOf(first, revoked!.key)) > 2);
  await until('all to be linked', async () => (await viewOf(first)).peers === 2);

  await commandNode(at('creator'), 'revoke', { run: run.runId, key: revoked!.key }, stopper.signal);
  for (const one of [first, second])
    await until('the honest to be alone', async () => (await viewOf(one)).peers === 1);
  await until('the outcast to be alone', async () => (await viewOf(third)).peers === 0);
  const before = await deltasOf(first, revoked!.key);
  const { roundsDone } = await viewOf(first);
  await until('rounds without it', async () => (await viewOf(first)).roundsDone > roundsDone + 12);
  assert.equal(await deltasOf(first, revoked!.key), before, 'it carries weight again');
  assert.deepEqual(await Promise.all([first, second].map(async (one) => (await viewOf(one)).peers)), [1, 1]);

  // By a program of its own that takes no part in the run, and asks for a file as any member may.
  const host = await loopbackHost({ identity: revoked!, carriesRuns: false });
  t.after(() => host.stop());
  await until('the outcast to be gone', async () => {
    await commandNode(at('revoked'), 'stop', {}, stopper.signal).catch(() => {});
    return third.closed.then(() => true);
  });
  await host.libp2p.dial(theirs.map((address) => multiaddr(address)));
  const exchange = createFileExchange({ host, runId: run.runId, hidden: undefined }, async () => []);
  await exchange.start();
  const mine = new Credentials(run.manifest, run.runId, crypto, hexToBytes(outcast));
  const root = hexToBytes(run.manifest.files![0]!.root);
  const asked = exchange.request(creator!.key, mine.enclosed(encodeRequest({ kind: 'leaves', root })), {
    ...{ responseBytesMax: 1 << 20, timeoutMs: 5000, signal: stopper.signal },
  });
  await assert.rejects(asked, { code: 'REFUSED' });
});
