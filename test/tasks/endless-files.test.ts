/** Data that somebody hands over may be no file at all. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as passed } from 'node:timers/promises';
import { sourceOf } from '../../src/cli/parts/new-run/data-source.ts';
import { inspectData } from '../../src/tasks/data/inspect-data.ts';
import { type TaskSpec, taskKinds } from '../../src/tasks/data/registry.ts';

const deadlineMs = 5_000;
const tasks = taskKinds
  .filter(({ inspect }) => inspect !== undefined)
  .map(({ examples }) => examples[0] as TaskSpec);

test('nobody waits for a pipe or reads a device, whatever it is called and whoever links to it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'starlings-endless-'));
  const pipes: string[] = [];
  t.after(() => {
    // Whoever still waits for one is let go of.
    for (const pipe of pipes) closeSync(openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK));
    rmSync(folder, { recursive: true });
  });
  for (const name of ['x.npy', 'x.csv', 'x.txt', 'x.safetensors', 'x.npz', 'x.parquet']) {
    const own = join(folder, name.replace('.', '-'));
    mkdirSync(own);
    const pipe = join(own, name);
    assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
    pipes.push(pipe);
    const linked = `${own}-device`;
    mkdirSync(linked);
    symlinkSync('/dev/zero', join(linked, name));
    for (const path of [pipe, own, linked, join(linked, name)]) {
      const late = passed(deadlineMs, null, { ref: false });
      const refused = sourceOf(path, {}).then(
        () => 'taken',
        (error: Error) => error.message,
      );
      assert.match((await Promise.race([refused, late])) ?? 'late', /pipe or a device/, `what is ${path}?`);
    }
    for (const task of tasks) {
      for (const path of [pipe, own, linked, join(linked, name)]) {
        const late = passed(deadlineMs, 'late' as const, { ref: false });
        const refused = inspectData(task, null, path).then(({ refused }) => refused[0]?.reason ?? 'taken');
        assert.match(await Promise.race([refused, late]), /pipe or a device/, `${task.kind} at ${path}`);
      }
    }
  }
});

test('an image in a folder of a class may be none either: a pipe, a device, or what the kernel makes up', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'starlings-endless-'));
  const pipe = join(folder, 'a', '1.png');
  t.after(() => {
    closeSync(openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK));
    rmSync(folder, { recursive: true });
  });
  for (const name of ['a', 'b']) mkdirSync(join(folder, name));
  assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
  symlinkSync('/dev/zero', join(folder, 'b', '1.png'));
  // A file, by what it says of itself, of no bytes; reading it never ends.
  symlinkSync('/proc/self/pagemap', join(folder, 'b', '2.png'));
  const task: TaskSpec = {
    ...{ kind: 'images', classes: ['a', 'b'], height: 4, width: 4, channels: 1 },
    ...{ fit: 'crop', heldOutEvery: 2 },
  };
  const late = passed(deadlineMs, null, { ref: false });
  const report = await Promise.race([inspectData(task, null, folder), late]);
  assert.ok(report !== null, 'somebody waits or reads on');
  assert.deepEqual(
    report.refused.map(({ count }) => count),
    [3],
  );
});
