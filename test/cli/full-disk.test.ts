/** A disk without room: what is told names the file, and nothing half written stays. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { describeFailure } from '../../src/cli/parts/command/exit.ts';
import { appendToFile } from '../../src/platform/node/atomic-file.ts';
import { repositoryRoot } from '../architecture/source-tree.ts';
import { entry } from './entry.ts';
import { starlings } from './starlings-process.ts';

const disk = mkdtempSync(join(tmpdir(), 'starlings-full-'));
const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]).status === 0;
after(() => {
  if (isMounted) spawnSync('umount', [disk]);
  rmSync(disk, { recursive: true, force: true });
});

test('on a full disk the file is named, and no draft is left', {
  skip: !isMounted && 'no file system can be mounted here',
}, async () => {
  assert.throws(() => writeFileSync(join(disk, 'full'), new Uint8Array(1 << 20)), { code: 'ENOSPC' });
  const id = await starlings('node', 'id', '--dir', join(disk, 'node'));
  assert.equal(id.exitCode, 1);
  assert.equal(
    id.stderr,
    `starlings: no space is left for ${join(disk, 'node/key')}; free some or use another disk\n`,
  );
  const run = join(repositoryRoot, 'configs/runs/heart-logistic.yaml');
  const signed = await starlings(
    'run',
    'create',
    run,
    '--out',
    join(disk, 'm'),
    '--key',
    join(disk, 'c.key'),
  );
  assert.equal(signed.exitCode, 1);
  assert.match(signed.stderr, /^starlings: no space is left for \S+\/(m|c\.key); free some/);
  const names = readdirSync(disk, { recursive: true, encoding: 'utf8' }).toSorted();
  assert.deepEqual(names, ['full', 'node']);
});

test('a device without room is named where a simulation writes its events', {
  skip: !existsSync('/dev/full') && 'there is no such device here',
}, async () => {
  const ended = await starlings('sim', 'configs/sim/first-run.yaml', '--events', '/dev/full');
  assert.equal(ended.exitCode, 1);
  assert.match(ended.stderr, /starlings: no space is left for \/dev\/full; free some or use another disk/);
});

test('what is appended names its file too', {
  skip: !existsSync('/dev/full') && 'there is no such device here',
}, async () => {
  const why = await appendToFile('/dev/full', 'more').catch((error: unknown) => describeFailure(error));
  assert.deepEqual(why, {
    ...{ exitCode: 1, code: 'ENOSPC', unforeseen: false },
    sentence: 'no space is left for /dev/full; free some or use another disk',
  });
});

test('a file that would be larger than files may be is named, and no draft is left', {
  skip: process.platform === 'win32' && 'there is no ulimit here',
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'starlings-limit-'));
  try {
    const key = ['node', 'id', '--dir', folder];
    const limited = ['-c', 'ulimit -f 0 && exec "$@"', 'bash', process.execPath, entry, ...key];
    const { status, stderr } = spawnSync('bash', limited, { encoding: 'utf8' });
    assert.equal(status, 1, stderr);
    assert.equal(
      stderr,
      `starlings: ${join(folder, 'key')} would be larger than a file may be here; raise the limit (ulimit -f) or use another disk\n`,
    );
    assert.deepEqual(readdirSync(folder), []);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
