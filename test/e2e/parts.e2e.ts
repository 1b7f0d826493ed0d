/** A testnet is parted by command, trains on in two halves, and is one again when they are let in: real processes. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { NodeObservation } from '../../src/testnet/observe.ts';
import { eventually, type Finished, resultOf, starlings } from './processes.ts';

const RUN = `
name: parts
model: { kind: mlp, inputs: 784, hidden: [16], outputs: 10 }
task: { kind: idx-images }
training: { localSteps: 5 }
strategy: { id: delta-log, expectedPeers: 4 }
rounds: 120
slotMs: 400
`;
const halves = ['node-00,node-01', 'node-02,node-03'] as const;
const everybody = ['node-00', 'node-01', 'node-02', 'node-03'];

describe('a testnet that is parted and healed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'starlings-parts-'));
  const place = ['--dir', join(directory, 'net')];
  const testnet = (...args: readonly string[]): Promise<Finished> => starlings('testnet', ...args, ...place);
  const look = async (): Promise<{ parts: string[][]; nodes: NodeObservation[]; outcome: string | null }> =>
    resultOf(await testnet('status', '--json')) as never;
  const hashes = (nodes: readonly NodeObservation[]) => nodes.map(({ view }) => view?.modelHash ?? null);

  before(async () => {
    writeFileSync(join(directory, 'run.yaml'), RUN);
    const up = await testnet('up', join(directory, 'run.yaml'), '--nodes', '4');
    assert.equal(up.code, 0, up.stderr);
    await eventually('all are connected and have closed rounds', 60_000, async () => {
      const { nodes } = await look();
      return nodes.every(({ view }) => view !== null && view.peers === 3 && view.finalisedRound >= 2)
        ? true
        : null;
    });
  });
  after(async () => {
    await testnet('down');
    rmSync(directory, { recursive: true, force: true });
  });

  test('sides that are none are refused with a sentence, and nobody is told anything', async () => {
    const refused = await testnet('partition', 'node-00,node-09');
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /has no node node-09; it has node-00, /);
    const { parts } = await look();
    assert.deepEqual(parts, [everybody]);
  });

  test('the halves go on apart, each to a model of its own, and status says so', async () => {
    const parted = await testnet('partition', ...halves, '--json');
    assert.equal(parted.code, 0, parted.stderr);
    assert.deepEqual(resultOf(parted), { told: everybody, missed: [], down: [] });
    const before = (await look()).nodes.map(({ view }) => view!.finalisedRound);
    const nodes = await eventually('two halves with a model each', 60_000, async () => {
      const seen = (await look()).nodes;
      const isOn = seen.every(({ view }, index) => view!.finalisedRound > before[index]! + 8);
      const isApart = seen.every(({ view }) => view!.peers === 1);
      const ofHalves = [seen.slice(0, 2), seen.slice(2)].map((half) => new Set(hashes(half)));
      const isTwo = ofHalves.every(({ size }) => size === 1) && new Set(hashes(seen)).size === 2;
      return isOn && isApart && isTwo ? seen : null;
    });
    for (const { view } of nodes) assert.ok(view!.notices.some(({ id }) => id === 'parted'));
    assert.deepEqual((await look()).parts, [everybody.slice(0, 2), everybody.slice(2)]);
    const { stdout } = await testnet('status');
    assert.match(stdout, /^parted: node-00 node-01 \| node-02 node-03$/m);
  });

  test('one that is started again has forgotten, and the others keep it out', async () => {
    const again = await testnet('restart', 'node-00');
    assert.equal(again.code, 0, again.stderr);
    const { nodes, parts } = await eventually('it is back with its half', 30_000, async () => {
      const seen = await look();
      return seen.nodes[0]!.view?.peers === 1 ? seen : null;
    });
    assert.deepEqual(nodes[0]!.view!.refusing, []);
    assert.deepEqual(parts, [everybody.slice(0, 2), everybody.slice(2)]);
  });

  test('heal brings all to one model', async () => {
    const healed = await testnet('heal', '--json');
    assert.equal(healed.code, 0, healed.stderr);
    await eventually('all are connected', 90_000, async () => {
      const { nodes, parts } = await look();
      return parts.length === 1 && nodes.every(({ view }) => view!.peers === 3) ? true : null;
    });
    const { nodes, outcome } = await eventually('the run is over', 180_000, async () => {
      const seen = await look();
      return seen.outcome === null ? null : seen;
    });
    assert.equal(new Set(hashes(nodes)).size, 1);
    assert.notEqual(outcome, 'forked');
  });

  test('who does not run is named, for it was told nothing', async () => {
    const killed = await testnet('kill', 'node-03');
    assert.equal(killed.code, 0, killed.stderr);
    const parted = await testnet('partition', ...halves);
    assert.equal(parted.code, 0, parted.stderr);
    assert.match(parted.stdout, /^told {6}node-00, node-01, node-02\ndown {6}node-03: what does not run/m);
  });
});
