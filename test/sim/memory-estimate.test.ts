import assert from 'node:assert/strict';
import { it } from 'node:test';
import { memoryEstimate } from '../../sim/memory-estimate.ts';
import { loadScenario } from '../../sim/scenario/scenario.ts';

// What runs took at their peak on a machine with 24 GB (docs/LOG.md), in bytes.
const measured: ReadonlyArray<readonly [file: string, bytes: number]> = [
  ['hundred-thousand', 1.28e9],
  ['mnist-32', 0.65e9],
  ['flash-crowd', 0.53e9],
];

for (const [file, bytes] of measured) {
  it(`foresees the memory of ${file} within a factor of two`, async () => {
    const ratio = memoryEstimate(await loadScenario(`configs/sim/${file}.yaml`), 1) / bytes;
    assert.ok(ratio > 0.8 && ratio < 2, `${ratio}`);
  });
}

it('grows with peers, parameters and learners', async () => {
  const scenario = await loadScenario('configs/sim/mnist-32.yaml');
  const base = memoryEstimate(scenario, 1);
  assert.ok(memoryEstimate({ ...scenario, peers: 64 }, 1) > base);
  assert.ok(memoryEstimate(scenario, 2) > base);
  const model = { kind: 'mlp' as const, inputs: 784, hidden: [4096], outputs: 10 };
  assert.ok(memoryEstimate({ ...scenario, run: { ...scenario.run, model } }, 1) > base);
});
