import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { identifyProcess, isRunning, signalProcess } from '../../src/platform/node/process-identity.ts';
import { stopMembers } from '../../src/testnet/stop-testnet.ts';
import type { Member } from '../../src/testnet/testnet-state.ts';

const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** A process that says `ready` and lives on; `body` runs first. */
async function sleeper(body = ''): Promise<ChildProcess> {
  const script = `${body}; setInterval(() => {}, 1000); process.stdout.write('ready')`;
  const child = spawn(process.execPath, ['--eval', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  await once(child.stdout!, 'data');
  return child;
}

function memberOf(child: ChildProcess, name = 'node-00'): Member {
  return { name, role: 'node', directory: '/nowhere', ...identifyProcess(child.pid!) };
}

test('knows a process while it runs and not after its end', async () => {
  const child = await sleeper();
  const identity = identifyProcess(child.pid!);
  assert.notEqual(identity.startTime, null);
  assert.equal(isRunning(identity), true);
  assert.equal(signalProcess(identity, 'SIGTERM'), true);
  await once(child, 'exit');
  assert.equal(isRunning(identity), false);
  assert.equal(signalProcess(identity, 'SIGTERM'), false);
});

test('never signals a process that got the pid of another', async () => {
  const child = await sleeper();
  const { pid } = identifyProcess(child.pid!);
  for (const startTime of ['1', null]) {
    assert.equal(isRunning({ pid, startTime }), false);
    assert.equal(signalProcess({ pid, startTime }, 'SIGKILL'), false);
  }
  const stranger: Member = { ...memberOf(child), startTime: '1' };
  assert.deepEqual(await stopMembers([stranger], 1000), { stopped: [], killed: [], gone: ['node-00'] });
  assert.equal(child.exitCode, null);
  assert.equal(child.signalCode, null);
  assert.equal(isRunning(identifyProcess(pid)), true);
});

test('asks first, kills what does not listen, and names what was gone', async () => {
  const polite = memberOf(await sleeper(), 'node-00');
  const deaf = memberOf(await sleeper("process.on('SIGTERM', () => {})"), 'node-01');
  const ended = await sleeper();
  const gone = memberOf(ended, 'node-02');
  ended.kill('SIGKILL');
  await once(ended, 'exit');
  const result = await stopMembers([polite, deaf, gone], 500);
  assert.deepEqual(result, { stopped: ['node-00'], killed: ['node-01'], gone: ['node-02'] });
});
