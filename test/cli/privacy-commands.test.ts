/** `starlings privacy`, as people type it. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { openPrivacyLedger } from '../../src/daemon/privacy-file.ts';
import { epsilonOfSteps } from '../../src/math/renyi-accountant.ts';
import { privacySchema } from '../../src/run/privacy-spec.ts';
import { jsonOf, starlings } from './starlings-process.ts';

const folder = await mkdtemp(join(tmpdir(), 'starlings-privacy-commands-'));
after(() => rm(folder, { recursive: true, force: true }));

describe('privacy plan', () => {
  const plan = (...args: readonly string[]) => starlings('privacy', 'plan', '--json', ...args);

  test('says the least noise that keeps to a budget', async () => {
    const settings = ['--examples', '3000', '--batch', '64', '--steps', '1000'];
    const ended = await plan('--epsilon', '3', ...settings);
    assert.equal(ended.exitCode, 0, ended.stderr);
    const { noiseMultiplier, rate } = jsonOf(ended) as { noiseMultiplier: number; rate: number };
    const spent = (noise: number) => epsilonOfSteps({ rate, noiseMultiplier: noise }, 1000, 1e-5);
    assert.ok(spent(noiseMultiplier) <= 3 && spent(noiseMultiplier - 0.001) > 3);
    const told = await starlings('privacy', 'plan', '--epsilon', '3', ...settings);
    assert.match(told.stdout, new RegExp(`noiseMultiplier ${noiseMultiplier} at rate`));
  });

  test('ends with exit code 1 where no noise does', async () => {
    for (const unit of [
      ['--examples', '8', '--batch', '8', '--steps', '1000000000'],
      ['--unit', 'peer', '--rounds', '1000000000'],
    ]) {
      const ended = await plan('--epsilon', '0.000001', ...unit);
      assert.equal(ended.exitCode, 1, ended.stdout);
      assert.equal((jsonOf(ended) as { noiseMultiplier: unknown }).noiseMultiplier, null);
    }
    const { stdout } = await starlings(
      'privacy',
      'plan',
      '--epsilon',
      '0.000001',
      '--examples',
      '8',
      '--batch',
      '8',
      '--steps',
      '1000000000',
    );
    assert.match(stdout, /no noise keeps to this budget: take fewer steps/);
  });

  test('says of peers what sixteen of them could carry', async () => {
    const ended = await plan('--epsilon', '7.3', '--unit', 'peer', '--peers', '16');
    assert.equal(ended.exitCode, 0, ended.stderr);
    const { noiseMultiplier, isHopeless } = jsonOf(ended) as { noiseMultiplier: number; isHopeless: boolean };
    assert.ok(Math.abs(noiseMultiplier / 6.9 - 1) < 0.01, String(noiseMultiplier));
    assert.equal(isHopeless, true);
  });

  test('refuses what is no budget', async () => {
    for (const args of [
      [],
      ['--epsilon', '0'],
      ['--epsilon', '1', '--delta', '1'],
      ['--epsilon', '1', '--unit', 'row'],
    ]) {
      assert.equal((await plan(...args)).exitCode, 2);
    }
  });
});

describe('privacy report', () => {
  test('says what is spent and left, by which runs, and what that rests on', async () => {
    const budget = privacySchema.parse({ epsilon: 5 });
    const ledger = await openPrivacyLedger(folder, budget, () => {});
    const rate = 0.1;
    const account = await ledger.open({
      ...{
        runId: 'bafyreigd7ikji2uqsyevqb433sfan3wdbls4mn2a53aopnvhtvnmzltpse',
        name: 'wards',
        demand: null,
      },
      ...{ rounds: 10, localSteps: 4, rate, isBack: false },
    });
    await account!.charge(0, 4);
    await account!.charge(1, 4);
    await ledger.settled();
    const ended = await starlings('privacy', 'report', folder);
    assert.equal(ended.exitCode, 0, ended.stderr);
    assert.match(ended.stdout, /epsilon \d\.\d{3} of 5 spent, \d\.\d{3} left, at delta 0\.00001/);
    assert.match(ended.stdout, /wards \(bafyreigd7ik\): 8 steps at noise/);
    assert.match(ended.stdout, /These figures hold if:\n- /);
    const json = jsonOf(await starlings('privacy', 'report', folder, '--json')) as {
      node: { spent: number };
      runs: { steps: number; noiseMultiplier: number }[];
    };
    const { noiseMultiplier, steps } = json.runs[0]!;
    assert.equal(steps, 8);
    assert.ok(Math.abs(json.node.spent - epsilonOfSteps({ rate, noiseMultiplier }, 8, 1e-5)) < 1e-9);
  });

  test('of a directory that protects nothing, and of none, says so in a sentence', async () => {
    const none = await starlings('privacy', 'report', join(folder, 'nowhere'));
    assert.notEqual(none.exitCode, 0);
    assert.match(none.stderr, /nowhere is no directory of a node/);
    // A testnet has none itself, whatever its nodes have spent.
    const testnet = join(folder, 'testnet');
    await mkdir(join(testnet, 'node-00', 'runs'), { recursive: true });
    const ofAll = await starlings('privacy', 'report', testnet);
    assert.equal(ofAll.exitCode, 2);
    assert.match(ofAll.stderr, /of a testnet name that of one of its nodes, as .*testnet\/node-00/);
    const unasked = await starlings('privacy', 'report', join(testnet, 'node-00'));
    assert.equal(unasked.exitCode, 2);
    assert.match(unasked.stderr, /no budget was given/);
    const file = join(folder, 'privacy.json');
    await writeFile(file, (await readFile(file, 'utf8')).slice(0, 40));
    const damaged = await starlings('privacy', 'report', folder);
    assert.notEqual(damaged.exitCode, 0);
    assert.match(damaged.stderr, /privacy\.json/);
  });
});
