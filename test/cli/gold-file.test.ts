import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { earlierGold, goldLists, writeGold } from '../../src/cli/parts/label/gold-file.ts';

test('an import goes on with right answers that it was cut short with where its file still says the same, and not otherwise', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-gold-file-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const out = join(folder, 'gold.json');
  const record = 'a'.repeat(64);
  const lists = goldLists([{ record, value: '1' }], () => 'b'.repeat(64));
  await writeGold(out, 'project', lists);
  assert.deepEqual(await earlierGold(out, 'project', [{ record, value: '1' }]), lists);
  assert.equal(await earlierGold(out, 'project', [{ record, value: '0' }]), null);
  assert.equal(await earlierGold(out, 'project', []), null);
});
