import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { recentCommands } from '../../src/platform/node/recent-processes.ts';

test('of processes the young ones are seen, but not who asks', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const mark = `mark-${process.pid}`;
  const script = "process.stdout.write('ready'); process.stdin.resume();";
  const child = spawn(process.execPath, ['--eval', script, mark], { stdio: ['pipe', 'pipe', 'ignore'] });
  t.after(() => child.kill());
  await once(child.stdout, 'data');
  const seen = recentCommands(60_000)!;
  assert.ok(
    seen.some((command) => command.includes(mark)),
    seen.join('\n'),
  );
  assert.ok(!seen.some((command) => command.includes('recent-processes.test')));

  // Who asks began long after it, as far as it knows.
  const later = recentCommands(-3_600_000)!;
  assert.ok(!later.some((command) => command.includes(mark)));
  const gone = once(child, 'exit');
  child.stdin.end();
  await gone;
  assert.ok(!recentCommands(60_000)!.some((command) => command.includes(mark)));
});
