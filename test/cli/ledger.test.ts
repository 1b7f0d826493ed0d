/** `starlings ledger` as a user types it, on the archive of a small run. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { play, withFile } from '../ledger/cast.ts';
import { entry } from './entry.ts';

function starlings(...args: readonly string[]) {
  return spawnSync(process.execPath, [entry, 'ledger', ...args], { encoding: 'utf8' });
}

test('says who contributed what, to people, to programs and as a table, and explains a peer', async () => {
  const { archive, keys } = await play(['honest', 'honest', 'honest', 'copy'], 3);
  await withFile(archive, async (file) => {
    const csv = `${file}.csv`;
    const told = starlings(file, '--csv', csv, '--policy', 'capped:max=0.4');
    assert.equal(told.status, 0, told.stderr);
    assert.match(told.stdout, /measured {2}3 rounds, each on 256 of 10000 examples/);
    assert.match(
      told.stdout,
      /copies {4}2 of [0-9a-f]{16} are those of [0-9a-f]{16} \(it is of a later round/,
    );
    const [, hash] = /^ledger {4}([0-9a-f]{64})$/m.exec(told.stdout)!;
    const rows = (await readFile(csv, 'utf8')).trimEnd().split('\r\n');
    assert.deepEqual(
      rows
        .slice(1)
        .map((row) => row.slice(0, 64))
        .sort(),
      [...keys].sort(),
    );

    const json = JSON.parse(starlings(file, '--json').stdout.trim().split('\n').at(-1)!) as {
      hash: string;
      accounts: { peers: Array<{ peer: string; points: number; share: number }> };
    };
    assert.equal(json.hash, hash);
    const copycat = json.accounts.peers.find(({ peer }) => peer === keys[3])!;
    assert.deepEqual([copycat.points, copycat.share], [0, 0]);

    const explained = starlings(file, '--explain', keys[0]!.slice(0, 10)).stdout;
    assert.match(explained, new RegExp(`^peer {6}${keys[0]}`));
    assert.equal([...explained.matchAll(/its delta, entry [0-9a-f]{64}/g)].length, 3);
    assert.equal([...explained.matchAll(/a copy by [0-9a-f]{16}, entry/g)].length > 0, true);
    assert.ok(explained.includes(hash!));

    const unknown = starlings(file, '--explain', 'nobody');
    assert.equal(unknown.status, 2);
    assert.match(unknown.stderr, /no peer of the ledger is called nobody: there are/);
    const policy = starlings(file, '--policy', 'fair');
    assert.equal(policy.status, 2);
    assert.match(policy.stderr, /--policy fair: there are proportional/);
  });
});
