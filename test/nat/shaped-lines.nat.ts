/** A testnet whose members have lines of their own, in network namespaces. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { lineOf, linePort } from '../../src/testnet/lines.ts';
import { readState } from '../../src/testnet/testnet-state.ts';
import { eventually, resultOf, starlings } from '../e2e/processes.ts';
import { labMissing } from './lab.ts';

const RUN = `
name: lines
model: { kind: mlp, inputs: 784, hidden: [16], outputs: 10 }
task: { kind: idx-images }
training: { localSteps: 5 }
strategy: { id: delta-log, expectedPeers: 3 }
rounds: 20
slotMs: 400
`;
const bytes = 2_000_000;
const bitsPerSecond = 8_000_000;

const serve = `require('net').createServer((s) => s.end(Buffer.alloc(${bytes}))).listen(5000, () => console.log('up'))`;
const fetchFrom = (address: string): string =>
  `let n = 0; const t = performance.now(); require('net').connect(5000, '${address}').on('data', (d) => n += d.length).on('close', () => console.log(n, performance.now() - t))`;

function inside(namespace: string, ...command: string[]) {
  return spawn('ip', ['netns', 'exec', namespace, ...command], { stdio: ['ignore', 'pipe', 'inherit'] });
}

describe('a testnet on shaped lines', { skip: labMissing() ?? false }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'starlings-lines-'));
  const place = ['--dir', join(directory, 'net')];
  const namespaces = (prefix: string): string[] =>
    execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.startsWith(prefix));

  before(() => writeFileSync(join(directory, 'run.yaml'), RUN));
  after(() => rmSync(directory, { recursive: true, force: true }));

  test('trains as one, each member at the rate of its line, and leaves nothing behind', async () => {
    const up = await starlings(
      'testnet',
      'up',
      join(directory, 'run.yaml'),
      ...place,
      ...['--nodes', '3', '--shape', '8mbit'],
    );
    assert.equal(up.code, 0, up.stderr);
    const { shape, members } = await readState(join(directory, 'net'));
    assert.ok(shape);
    try {
      assert.equal(namespaces(shape.prefix).length, members.length + 1, 'and that of the bridge');
      const { nodes, outcome } = await eventually('the run is over', 180_000, async () => {
        const seen = resultOf(await starlings('testnet', 'status', '--json', ...place));
        return seen['outcome'] === null
          ? null
          : (seen as { nodes: { view: { modelHash: string } }[]; outcome: string });
      });
      assert.equal(new Set(nodes.map(({ view }) => view.modelHash)).size, 1);
      assert.equal(outcome, 'trained');

      const [one, other] = [lineOf(shape, 'node', 0), lineOf(shape, 'node', 1)];
      const server = inside(one.namespace, process.execPath, '-e', serve);
      await once(server.stdout, 'data');
      const [said] = await once(
        inside(other.namespace, process.execPath, '-e', fetchFrom(one.address)).stdout,
        'data',
      );
      server.kill();
      const [got, ms] = String(said).split(' ').map(Number);
      assert.equal(got, bytes);
      // A bucket of 32 kB goes at once.
      assert.ok(ms! > (900 * 8 * bytes) / bitsPerSecond, `${ms} ms`);

      const again = await starlings('testnet', 'restart', 'node-01', ...place, '--json');
      assert.equal(again.code, 0, again.stderr);
    } finally {
      const down = await starlings('testnet', 'down', ...place);
      assert.equal(down.code, 0, down.stderr);
    }
    assert.deepEqual(namespaces(shape.prefix), []);
    const resumed = await starlings('testnet', 'up', '--resume', ...place);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.equal(namespaces(shape.prefix).length, members.length + 1, 'made anew');
    await starlings('testnet', 'down', ...place);
    assert.deepEqual(namespaces(shape.prefix), []);
  });

  test('with a delay, by the kernel or by processes where it knows none', async () => {
    const delayed = ['--dir', join(directory, 'delayed')];
    const up = await starlings(
      ...['testnet', 'up', join(directory, 'run.yaml'), ...delayed],
      ...['--nodes', '2', '--bootstraps', '1', '--shape', '20mbit,50ms'],
    );
    assert.equal(up.code, 0, up.stderr);
    const { shape } = await readState(join(directory, 'delayed'));
    assert.ok(shape);
    try {
      const { nodes } = await eventually('the run is over', 180_000, async () => {
        const seen = resultOf(await starlings('testnet', 'status', '--json', ...delayed));
        return seen['outcome'] === null ? null : (seen as { nodes: { view: { modelHash: string } }[] });
      });
      assert.equal(new Set(nodes.map(({ view }) => view.modelHash)).size, 1);
      // A node greets by the name of its protocol once it has heard ours: both ways.
      const hello = `const t = performance.now(); require('net').connect(${linePort}, '${lineOf(shape, 'node', 1).address}', function () { this.write('\\x13/multistream/1.0.0\\n'); }).once('data', () => { console.log(performance.now() - t); process.exit(); })`;
      const asked = inside(lineOf(shape, 'node', 0).namespace, process.execPath, '-e', hello);
      const [ms] = await once(asked.stdout, 'data');
      assert.ok(Number(ms) >= 100, `${ms} ms there and back`);
    } finally {
      await starlings('testnet', 'down', ...delayed);
    }
    assert.deepEqual(namespaces(shape.prefix), []);
  });
});
