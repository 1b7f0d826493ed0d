import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { resolveScenario, type Scenario, scenarioFileSchema } from '../../sim/scenario/scenario.ts';
import { runScenario, type SimulationProgress, type SimulationResult } from '../../sim/simulation.ts';
import { methodSchema } from '../../src/methods/registry.ts';

/** Real training of a linear model on MNIST: half a second of work for four peers and six rounds. */
function scenarioOf(changes: Record<string, unknown> = {}, strategy: Record<string, unknown> = {}): Scenario {
  const content = scenarioFileSchema.parse({
    seed: 5,
    peers: 4,
    run: {
      name: 'test',
      model: { kind: 'logistic-regression', inputs: 784, outputs: 10 },
      task: { kind: 'idx-images' },
      training: { localSteps: 4 },
      strategy: { id: 'delta-log', expectedPeers: 4, ...strategy },
      rounds: 6,
      slotMs: 1000,
    },
    data: { dirichletAlpha: 1 },
    ...changes,
  });
  return resolveScenario(content, undefined, 'test');
}

/** A clock of its own: one second passes whenever someone looks. */
function tickingClock(): () => number {
  let nowMs = 0;
  return () => {
    nowMs += 1000;
    return nowMs;
  };
}

async function eventsOf(scenario: Scenario): Promise<[SimulationResult, Record<string, unknown>[]]> {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-sim-'));
  try {
    const eventsFile = join(folder, 'events.jsonl');
    const result = await runScenario(scenario, { wallNowMs: () => 0, eventsFile });
    const lines = (await readFile(eventsFile, 'utf8')).trimEnd().split('\n');
    return [result, lines.map((line) => JSON.parse(line) as Record<string, unknown>)];
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('runScenario with the delta log', () => {
  let first: SimulationResult;
  const progress: SimulationProgress[] = [];
  before(async () => {
    first = await runScenario(scenarioOf(), {
      wallNowMs: tickingClock(),
      onProgress: (now) => progress.push(now),
    });
  });

  it('trains for real: peers that share no data end with one model that knows its digits', () => {
    assert.equal(first.end, 'finished');
    assert.equal(first.modelHashes.length, 1);
    assert.equal(first.consensusDistance, 0);
    // Untrained it is 0.1; after 24 steps a linear model on MNIST is past 0.6.
    assert.ok(first.accuracyMean > 0.6, `accuracy ${first.accuracyMean}`);
    assert.equal(first.accuracyMin, first.accuracyMean);
    assert.ok(first.bytesPerPeer > 0);
    assert.ok(first.virtualSeconds > 6);
  });

  it('has one trace hash for a seed, whatever the real clock says, and another for another seed', async () => {
    const again = await runScenario(scenarioOf(), { wallNowMs: () => 0 });
    const { wallSeconds: _, ...expected } = first;
    const { wallSeconds: __, ...got } = again;
    assert.deepEqual(got, expected);
    const other = await runScenario(scenarioOf({ seed: 6 }), { wallNowMs: () => 0 });
    assert.notEqual(other.traceHash, first.traceHash);
    assert.notDeepEqual(other.modelHashes, first.modelHashes);
  });

  it('reports every round once, with a loss and an estimate', () => {
    assert.deepEqual(
      progress.map(({ round }) => round),
      [0, 1, 2, 3, 4, 5],
    );
    const last = progress.at(-1)!;
    assert.equal(last.living, 4);
    assert.ok(last.lossMean! < progress[1]!.lossMean!);
    assert.ok(last.etaSeconds! > 0);
    assert.equal(progress[0]!.etaSeconds, null);
  });

  it('ends with one model where a fifth of all messages vanishes', async () => {
    const scenario = scenarioOf({ peers: 8, network: { loss: 0.2 } });
    const result = await runScenario(scenario, { wallNowMs: () => 0 });
    assert.equal(result.end, 'finished');
    assert.equal(result.modelHashes.length, 1);
    assert.ok(result.accuracyMean > 0.6);
  });

  it('brings a crashed peer back from its store: it repeats nothing and ends with the model of the others', async () => {
    const churn = [{ peer: 1, crashAtRound: 2.5, restartAtRound: 4.2 }];
    const [result, events] = await eventsOf(scenarioOf({ churn }));
    assert.equal(result.end, 'finished');
    assert.equal(result.modelHashes.length, 1);
    const mine = events.filter(({ peer }) => peer === 1);
    const published = mine.filter(({ kind }) => kind === 'published').map(({ round }) => round);
    assert.equal(new Set(published).size, published.length);
    assert.ok(published.some((round) => Number(round) <= 2) && published.some((round) => Number(round) >= 4));
    assert.ok(!events.some(({ kind }) => kind === 'equivocation'));
  });

  it('lets a late joiner reach the same model', async () => {
    const churn = [{ peer: 2, joinAtRound: 8.5 }];
    const scenario = scenarioOf({ churn, peers: 5 }, { snapshotRounds: 2 });
    const longer = { ...scenario, run: { ...scenario.run, rounds: 16 } };
    const [result, events] = await eventsOf(longer);
    assert.equal(result.end, 'finished');
    assert.equal(result.modelHashes.length, 1);
    const late = events.filter(({ peer }) => peer === 2);
    assert.ok(late.some(({ kind }) => kind === 'joined'));
    assert.ok(late.some(({ kind }) => kind === 'published'));
  });

  it('stops when told to, and tells what is known by then', async () => {
    const stop = new AbortController();
    const result = await runScenario(scenarioOf(), {
      wallNowMs: () => 0,
      signal: stop.signal,
      onProgress: ({ round }) => round === 2 && stop.abort(new Error('enough')),
    });
    assert.equal(result.end, 'aborted');
    assert.equal(result.roundsBegun, 3);
    assert.ok(result.accuracyMean > 0 && result.events > 0);
  });

  it('leaves the same trace with two threads that train as with none', async () => {
    const one = await runScenario(scenarioOf(), { wallNowMs: () => 0 });
    const two = await runScenario(scenarioOf(), { wallNowMs: () => 0, workers: 2 });
    assert.equal(one.traceHash, two.traceHash);
    assert.deepEqual(one.modelHashes, two.modelHashes);
  });
});

describe('runScenario with epidemic learning', () => {
  it('repeats itself, and ends with models that are close and not equal', async () => {
    const run = { ...scenarioOf().run, strategy: methodSchema.parse({ id: 'epidemic', fanout: 2 }) };
    const one = await runScenario({ ...scenarioOf(), run }, { wallNowMs: () => 0 });
    const two = await runScenario({ ...scenarioOf(), run }, { wallNowMs: () => 0 });
    assert.equal(one.traceHash, two.traceHash);
    assert.equal(one.modelHashes.length, 4);
    assert.ok(one.consensusDistance > 0 && one.consensusDistance < 1, String(one.consensusDistance));
    assert.ok(one.accuracyMin > 0.5 && one.accuracyMin <= one.accuracyMean);
  });
});
