import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { identifyProcess } from '../../src/platform/node/process-identity.ts';
import { memberName } from '../../src/testnet/member-name.ts';
import {
  claimDirectory,
  type Member,
  readState,
  type TestnetState,
  writeState,
} from '../../src/testnet/testnet-state.ts';
import { someView } from '../node/some-view.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-state-'));
after(() => rm(directory, { recursive: true, force: true }));

const stateOf = (members: Member[]): TestnetState => ({
  version: 1,
  runId: null,
  name: 'demo',
  createdAtMs: 1,
  startAtMs: null,
  rounds: 3,
  slotMs: 700,
  windowRounds: 6,
  members,
});

async function fresh(name: string): Promise<string> {
  const path = join(directory, name);
  await mkdir(path);
  return path;
}

test('names sort in the order of their numbers', () => {
  const names = Array.from({ length: 30 }, (_, index) => memberName('node', index));
  assert.deepEqual([...names].sort(), names);
  assert.equal(names[3], 'node-03');
});

test('what was written is read', async () => {
  const path = await fresh('written');
  const state = stateOf([{ name: 'node-00', role: 'node', directory: path, pid: 4, startTime: '77' }]);
  await writeState(path, state);
  assert.deepEqual(await readState(path), state);
  assert.deepEqual(await readdir(path), ['testnet.json']);
});

test('a directory without a testnet and a state of something else are refused', async () => {
  const path = await fresh('other');
  await assert.rejects(readState(path), { code: 'NO_TESTNET' });
  for (const text of ['', '{}', '[1', JSON.stringify({ ...stateOf([]), version: 2 }), ' '.repeat(2 << 20)]) {
    await writeFile(join(path, 'testnet.json'), text);
    await assert.rejects(readState(path), { code: 'BAD_TESTNET_STATE' });
    await assert.rejects(claimDirectory(path, { force: false }), { code: 'BAD_TESTNET_STATE' });
  }
});

test('a directory whose testnet runs is not taken, one whose processes ended is emptied of them alone', async () => {
  const path = await fresh('claimed');
  await mkdir(join(path, 'node-00', 'store'), { recursive: true });
  await writeFile(join(path, 'notes.txt'), 'mine');
  const member = { name: 'node-00', role: 'node', directory: join(path, 'node-00') } as const;
  await writeState(path, stateOf([{ ...member, ...identifyProcess(process.pid) }]));
  await assert.rejects(claimDirectory(path, { force: false }), { code: 'TESTNET_RUNNING' });
  assert.ok((await readdir(path)).includes('node-00'));
  await writeState(path, stateOf([{ ...member, pid: process.pid, startTime: '1' }]));
  await claimDirectory(path, { force: false });
  assert.deepEqual(await readdir(path), ['notes.txt']);
});

test('what a testnet learned is replaced only by force', async () => {
  const path = await fresh('learned');
  const member = { name: 'node-00', role: 'node', directory: join(path, 'node-00') } as const;
  const gone = { ...member, pid: process.pid, startTime: '1' };
  const run = join(path, 'node-00', 'runs', 'bafyrun');
  const claim = async (fields: Partial<TestnetState>, force = false): Promise<void> => {
    await mkdir(run, { recursive: true });
    await writeState(path, { ...stateOf([gone]), runId: 'bafyrun', ...fields });
    await claimDirectory(path, { force });
  };
  for (const startAtMs of [null, Date.now() + 1e6]) await claim({ startAtMs });
  assert.deepEqual(await readdir(path), [], 'of a run that has not begun');
  const written = { startAtMs: Date.now() + 1e6, members: [{ ...gone, config: 'node.yaml' }] };
  await assert.rejects(claim(written), {
    code: 'TESTNET_KEPT',
    message: /holds the keys of the testnet \S+, which `testnet init` wrote: --force/,
  });
  await assert.rejects(claim({ startAtMs: 1 }), {
    code: 'TESTNET_KEPT',
    message: /holds the testnet \S+, which has begun and was stopped before its end: --force/,
  });
  const learned = { code: 'TESTNET_KEPT', message: /holds what the testnet \S+ learned: --force/ };
  await writeFile(join(run, 'status.json'), JSON.stringify(someView({ countedRounds: 3 })));
  await assert.rejects(claim({ startAtMs: 1 }), learned);
  await writeFile(join(run, 'model.safetensors'), 'of another run');
  await assert.rejects(claim({}), learned);
  assert.ok((await readdir(run)).includes('model.safetensors'));
  await claim({ startAtMs: 1 }, true);
  assert.deepEqual(await readdir(path), []);
});

test('a name that leads out of the directory is no state', async () => {
  const path = await fresh('escape');
  const member = { name: '../../etc', role: 'node', directory: path, pid: 4, startTime: '77' } as const;
  await writeFile(join(path, 'testnet.json'), JSON.stringify(stateOf([member])));
  await assert.rejects(claimDirectory(path, { force: false }), { code: 'BAD_TESTNET_STATE' });
});
