/** A comparison in parts, as the job files of src/cli's `compare --shard` have them done, is the comparison as a whole. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { type IJob, Job } from 'kubernetes-models/batch/v1';
import { parse } from 'yaml';
import { repositoryRoot } from '../architecture/source-tree.ts';
import { entry } from './entry.ts';
import { starlings } from './starlings-process.ts';

const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), 'starlings-shards-'));
const at = (...names: string[]): string => join(folder, ...names);
after(() => rm(folder, { recursive: true, force: true }));

const job = (name: string): string => join(repositoryRoot, 'configs/jobs', name);

await writeFile(
  at('small.yaml'),
  `
scenario:
  peers: 5
  learner: { id: quadratic, spread: 0.2 }
  signatures: simulated
  run:
    name: small
    model: { kind: logistic-regression, inputs: 9, outputs: 2 }
    task: { kind: idx-images }
    training: { localSteps: 3, learningRate: 0.1 }
    rounds: 8
    slotMs: 1000
strategies:
  - strategy: { id: d-psgd }
  - strategy: { id: diloco }
topologies: [{ id: ring }, { id: random-matching }]
seeds: [1, 2]
target: { loss: 1 }
`,
);

async function filesOf(out: string): Promise<Record<string, string>> {
  const names = (await readdir(out)).filter((name) => !name.startsWith('trials-')).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(out, name), 'utf8')] as const)),
  );
}

describe('a comparison in parts', () => {
  test('by the Slurm array and put together equals the whole, byte for byte', async () => {
    const whole = await starlings('compare', at('small.yaml'), '--out', at('whole'));
    assert.equal(whole.exitCode, 0, whole.stderr);
    for (const index of ['1', '2', '3']) {
      await run('sh', [job('compare-slurm.sh')], {
        env: {
          ...process.env,
          ...{ COMPARISON: at('small.yaml'), OUT: at('parts'), STARLINGS: `${process.execPath} ${entry}` },
          ...{ SLURM_ARRAY_TASK_ID: index, SLURM_ARRAY_TASK_COUNT: '3', SLURM_CPUS_PER_TASK: '1' },
        },
      });
    }
    const parts = ['1', '2', '3'].map((index) => at('parts', `trials-${index}-of-3.jsonl`));
    const half = await starlings(
      'compare',
      at('small.yaml'),
      '--out',
      at('the half'),
      '--merge',
      ...parts.slice(0, 2),
    );
    assert.equal(half.exitCode, 1);
    assert.match(half.stdout, /missing +\d of 6 simulations/);
    assert.ok(half.stdout.includes(`--out '${at('the half')}'\``), 'what is told can be typed');
    const merged = await starlings(
      'compare',
      at('small.yaml'),
      '--out',
      at('parts'),
      '--merge',
      ...parts.toReversed(),
    );
    assert.equal(merged.exitCode, 0, merged.stderr);
    const expected = await filesOf(at('whole'));
    assert.deepEqual(Object.keys(expected), ['report.html', 'table.csv', 'table.md', 'trials.jsonl']);
    assert.deepEqual(await filesOf(at('parts')), expected);
  });

  test('stopped in the middle it says of how much its table is, and how it goes on', async () => {
    const long = (await readFile(at('small.yaml'), 'utf8')).replace('rounds: 8', 'rounds: 400');
    await writeFile(at('long.yaml'), long);
    const child = spawn(process.execPath, [entry, 'compare', at('long.yaml'), '--out', at('stopped')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        // Under way, and far from done.
        if (!said.includes('1/6') && (said + text).includes('1/6')) child.kill('SIGINT');
        said += text;
      });
    }
    await once(child, 'close');
    const [, done = ''] =
      /stopped +after (\d+) of 6 simulations, which the table is of: run again, it goes on/.exec(said) ?? [];
    assert.ok(Number(done) < 6 && done !== '', said);
    assert.equal(existsSync(at('stopped', 'trials.jsonl')), / trials\.jsonl\n/.test(said), said);
  });

  test('--json is a list of rows with the figures of the table', async () => {
    const { stdout, exitCode } = await starlings('compare', at('small.yaml'), '--out', at('whole'), '--json');
    assert.equal(exitCode, 0);
    const rows = JSON.parse(stdout.trim().split('\n').at(-1)!);
    const csv = (await readFile(at('whole', 'table.csv'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    const [head, ...trials] = csv as [string[], ...string[][]];
    assert.equal(rows.length, 3);
    for (const row of rows) {
      const own = trials.filter(([name]) => name === row.method);
      const mean = (column: string) =>
        own.reduce((sum, trial) => sum + Number(trial[head.indexOf(column)]) / own.length, 0);
      const { lossHalfWidth, ...figures } = row;
      assert.ok(lossHalfWidth > 0);
      const expected = {
        comparison: 'small',
        method: row.method,
        alpha: row.alpha,
        lossMean: mean('loss'),
        lossOverBaseline: null,
        accuracyMean: mean('accuracy'),
        bitsPerParameter: mean('bitsPerParameter'),
        bitsPerParameterStep: mean('bitsPerParameter') / 3,
        bytesPerParameterStep: mean('bytesPerParameterStep'),
        seeds: 2,
      };
      assert.deepEqual(Object.keys(figures), Object.keys(expected));
      for (const [name, value] of Object.entries(expected)) {
        if (typeof value !== 'number') assert.equal(figures[name], value);
        else
          assert.ok(
            Math.abs(figures[name] - value) <= 1e-9 * Math.abs(value),
            `${name}: ${figures[name]}, ${value}`,
          );
      }
    }
  });

  test('by the indexed job of Kubernetes, whose form is right', async () => {
    const content: IJob = parse(await readFile(job('compare-kubernetes.yaml'), 'utf8'));
    new Job(content).validate();
    assert.throws(() =>
      new Job({ ...content, spec: { ...content.spec, completions: 'many' } } as never).validate(),
    );
    const { spec } = content;
    const [container] = spec!.template.spec!.containers;
    const [line] = container!.args!;
    assert.ok(line!.includes(`/${spec!.completions}"`), 'as many parts as pods');
    const here = line!
      .replace('node dist/src/cli/main.js', `${process.execPath} ${entry}`)
      .replace('configs/compare/mnist.yaml', at('small.yaml'))
      .replace('/results', at('pods'));
    await run(container!.command![0]!, ['-c', here], { env: { ...process.env, JOB_COMPLETION_INDEX: '15' } });
    assert.deepEqual(await readdir(at('pods')), []);
    await run(container!.command![0]!, ['-c', here], { env: { ...process.env, JOB_COMPLETION_INDEX: '0' } });
    assert.deepEqual(await readdir(at('pods')), ['trials-1-of-16.jsonl']);
  });

  test('what does not go together is refused', async () => {
    const wrong = await starlings('compare', at('small.yaml'), '--shard', '4/3');
    assert.equal(wrong.exitCode, 2);
    assert.match(wrong.stderr, /expected I\/N, the I-th of N parts/);
    const both = await starlings(
      'compare',
      at('small.yaml'),
      '--out',
      at('x'),
      '--shard',
      '1/3',
      '--merge',
      at('none'),
    );
    assert.equal(both.exitCode, 2);
    assert.match(both.stderr, /`compare --merge` runs nothing and does nothing with --shard; leave it out/);
    const none = await starlings('compare', at('small.yaml'), '--out', at('x'), '--merge', at('none'));
    assert.equal(none.exitCode, 2);
    assert.equal(existsSync(at('x')), false, 'a folder was made for nothing');
  });
});
