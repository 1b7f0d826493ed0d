/** Trainers on the command line: tried out, and asked for what a run must say of their model. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { nodeTrainer, writeImages } from '../learning/process/trainers.ts';
import { jsonOf, starlings } from './starlings-process.ts';

const folder = await mkdtemp(join(tmpdir(), 'starlings-trainer-commands-'));
after(() => rm(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const script = fileURLToPath(new URL('../learning/process/some-trainer.mjs', import.meta.url));
const some = (mode: string): string => `"${process.execPath}" "${script}" ${mode}`;

interface Checked {
  readonly ok: boolean;
  readonly verdicts: ReadonlyArray<{
    readonly check: string;
    readonly passed: boolean | null;
    readonly words: string;
  }>;
}

async function checked(...args: readonly string[]): Promise<Checked & { readonly exitCode: number | null }> {
  const ended = await starlings('trainer', 'check', ...args, '--json');
  return { ...(jsonOf(ended) as unknown as Checked), exitCode: ended.exitCode };
}

const failed = ({ verdicts }: Checked): string[] =>
  verdicts.filter(({ passed }) => passed === false).map(({ check }) => check);

describe('trainer check', { concurrency: 2 }, () => {
  test('finds nothing wrong with one that trains a model of ours', async () => {
    const { data } = await writeImages();
    const run = at('images.yaml');
    await writeFile(
      run,
      'name: images\nmodel: { kind: mlp, inputs: 16, hidden: [6], outputs: 3 }\ntask: { kind: idx-images }\nrounds: 5\nslotMs: 1000\n',
    );
    const result = await checked(nodeTrainer, '--run', run, '--data', data);
    assert.deepEqual([failed(result), result.ok, result.exitCode], [[], true, 0]);
    assert.ok(result.verdicts.filter(({ passed }) => passed).length >= 10);
  });

  test('finds nothing wrong with one that has a model of its own', async () => {
    const result = await checked(some('good'));
    assert.deepEqual([failed(result), result.exitCode], [[], 0]);
  });

  test('says of one that takes its chance from elsewhere what is wrong, and exits with 1', async () => {
    const result = await checked(some('careless'));
    assert.deepEqual([failed(result), result.exitCode], [['repeats itself', 'comes back'], 1]);
    const [first] = result.verdicts.filter(({ passed }) => passed === false);
    assert.match(first!.words, /take all chance from streamKey/);
  });

  test('of one that does not start nothing more is asked', async () => {
    const result = await starlings('trainer', 'check', 'no-such-program-here');
    assert.equal(result.exitCode, 1);
    assert.match(result.stderr, /exited with status 127; its last words: .*not found/);
  });
});

test('a trainer that is not named, or knows no model without a run, is refused with what to give', async () => {
  for (const command of [
    ['trainer', 'check'],
    ['trainer', 'manifest'],
    ['node', '--trainer'],
  ]) {
    const { exitCode, stderr } = await starlings(...command, ' ');
    assert.equal(exitCode, 2);
    assert.match(stderr, /expected what starts the trainer, for example "python3 mine\.py"/);
  }
  const { exitCode, stderr } = await starlings('trainer', 'check', nodeTrainer);
  assert.equal(exitCode, 2);
  assert.match(stderr, /names no model of its own \(.*mlp.*\): `trainer check` with --run tries it/);
});

test('trainer manifest prints what run create takes', async () => {
  const { stdout, exitCode } = await starlings('trainer', 'manifest', some('good'), '--pin');
  assert.equal(exitCode, 0);
  assert.match(
    stdout,
    /kind: external\n {2}parameters: 3\n {2}initHash: [0-9a-f]{64}\n {2}describe: [0-9a-f]{64}\n/,
  );
  const run = at('centres.yaml');
  await writeFile(run, `name: centres\n${stdout}rounds: 5\nslotMs: 1000\n`);
  const created = await starlings('run', 'create', run, '--out', at('centres.manifest'), '--key', at('key'));
  assert.equal(created.exitCode, 0, created.stderr);
  const again = await checked(some('good'), '--run', at('centres.manifest'), '--data', '.');
  assert.deepEqual(failed(again), []);
  assert.ok((await readFile(at('centres.manifest'))).length > 100);
});

test('node --trainer trains with it, keeps what it prints, and says what cannot be done without one', async () => {
  const manifest = await centres('alone', 'rounds: 3\nslotMs: 400\n');
  const dir = at('node');
  const common = ['node', '--run', manifest, '--data', '.', '--dir', dir, '--listen', '/ip4/127.0.0.1/tcp/0'];
  const without = await starlings(...common, '--exit-when-finished');
  assert.equal(without.exitCode, 2);
  assert.match(without.stderr, /is trained by its trainer alone: start the node with --trainer/);

  const line = `echo of my own making; exec ${some('good')}`;
  const { stdout, exitCode } = await starlings(
    ...[...common, '--exit-when-finished', '--even-if-over', '--trainer', line],
  );
  assert.match(stdout, /some 1: centres, by hand/);
  assert.equal(exitCode, 21, `alone: ${stdout}`);
  assert.match(
    await readFile(join(dir, 'log.jsonl'), 'utf8'),
    /"line":"of my own making","msg":"the trainer says"/,
  );

  const exported = await starlings('log', 'export', '--dir', dir, '--out', at('centres.log'));
  assert.equal(exported.exitCode, 1, exported.stderr);
  assert.match(
    exported.stderr,
    /begins at what its trainer alone can build, .*`starlings trainer manifest --seed 1 --start FILE` writes it/,
  );
});

test('what computes models itself refuses one that a trainer alone knows, in a sentence', async () => {
  const run = at('refused.yaml');
  const { stdout } = await starlings('trainer', 'manifest', some('good'));
  await writeFile(run, `name: refused\n${stdout}rounds: 3\nslotMs: 400\n`);
  const testnet = await starlings('start', run, '--data', '.', '.', '--dir', at('testnet'), '--nodes', '2');
  assert.notEqual(testnet.exitCode, 0);
  assert.match(testnet.stderr, /trainer alone/);
  const scenario = at('scenario.yaml');
  await writeFile(
    scenario,
    `run:\n  ${(await readFile(run, 'utf8')).trimEnd().replaceAll('\n', '\n  ')}\npeers: 2\n`,
  );
  const sim = await starlings('sim', scenario);
  assert.notEqual(sim.exitCode, 0);
  assert.match(sim.stderr, /trainer alone/);
});

async function centres(name: string, rest: string): Promise<string> {
  const { stdout } = await starlings('trainer', 'manifest', some('good'));
  const file = at(`${name}.yaml`);
  await writeFile(file, `name: ${name}\n${stdout}${rest}`);
  const manifest = at(`${name}.manifest`);
  const args = ['--out', manifest, '--key', at('key'), '--start-in', '8'];
  assert.equal((await starlings('run', 'create', file, ...args)).exitCode, 0);
  return manifest;
}
