/** A simulation of a run of a number: what it measures is what its summary, its record and its report say. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { htmlReport } from '../../sim/report/html-report.ts';
import { resolveScenario, scenarioFileSchema } from '../../sim/scenario/scenario.ts';
import { simulate } from '../../sim/simulation.ts';
import { simSummary } from '../../src/cli/view/sim-view.ts';
import { rngFor } from '../../src/math/rng.ts';

const folder = await mkdtemp(join(tmpdir(), 'starlings-sim-number-'));
after(() => rm(folder, { recursive: true, force: true }));

test('peers of unlike shares of a number find the line of all of them, and say how far off they are', async () => {
  const rng = rngFor('sim-number');
  const lines = Array.from({ length: 600 }, () => {
    const age = rng.uniform(20, 80);
    return `${age.toFixed(2)},${(90 + 0.8 * age + rng.uniform(-5, 5)).toFixed(2)}`;
  });
  const dataset = join(folder, 'all.csv');
  await writeFile(dataset, `age,pressure\n${lines.join('\n')}\n`);
  const content = scenarioFileSchema.parse({
    seed: 5,
    peers: 4,
    run: {
      name: 'number',
      model: { kind: 'logistic-regression', inputs: 1, outputs: 1 },
      task: {
        kind: 'table',
        numeric: [{ column: 'age', mean: 50, scale: 17 }],
        label: { kind: 'number', column: 'pressure', mean: 130, scale: 14, unit: 'mmHg' },
      },
      training: { localSteps: 10, batchSize: 16, learningRate: 0.1 },
      strategy: { id: 'delta-log', expectedPeers: 4, codec: { chunk: 64, perChunk: 2 } },
      rounds: 20,
      slotMs: 1000,
    },
    data: { dataset, dirichletAlpha: 0.2 },
    learner: { id: 'tensorflow' },
  });
  const options = { wallNowMs: () => performance.now(), measures: true };
  const { result, chronicle } = await simulate(resolveScenario(content, undefined, 'test'), options);
  const { mean, worst } = result;
  assert.deepEqual([mean!.id, mean!.unit], ['rmse', 'mmHg']);
  // Uniform noise of +-5 has a standard deviation of 2.89; who says the mean of all is 14 off.
  assert.ok(mean!.value < 3.6 && worst!.value >= mean!.value, `${mean!.value}`);
  assert.ok(Number.isNaN(result.accuracyMean));
  assert.match(
    simSummary(result).join('\n'),
    /^rmse {6}mean \d\.\d+ mmHg, highest \d\.\d+ mmHg of 4 peers$/m,
  );
  const rows = chronicle.rows.filter(({ measure }) => measure !== null);
  assert.ok(rows.length > 3 && rows[0]!.measure! > rows.at(-1)!.measure!);
  assert.ok(rows.every(({ accuracy }) => accuracy === null));
  const page = htmlReport({ ...chronicle, name: 'number' });
  assert.match(page, /rmse on held-out data/);
  assert.match(page, /mmHg<\/b>rmse, worst of the peers/);
  assert.doesNotMatch(page, /Accuracy on held-out data/);
});
