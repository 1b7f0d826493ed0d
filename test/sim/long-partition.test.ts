/** A network that is cut in two for much longer than logs reach back, and comes together again. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { resolveScenario, type ScenarioFile, scenarioFileSchema } from '../../sim/scenario/scenario.ts';
import { runScenario } from '../../sim/simulation.ts';
import type { ProtocolEvent } from '../../src/core/io.ts';

const peers = 11;
const windowRounds = 3;
const [fromRound, toRound] = [12, 12 + 20 * windowRounds];

const folder = mkdtempSync(join(tmpdir(), 'partition-'));
after(() => rmSync(folder, { recursive: true }));

/** Five peers on the one side and six on the other, for twenty windows. */
function worldOf(seed: number): ScenarioFile {
  return scenarioFileSchema.parse({
    seed,
    peers,
    learner: { id: 'quadratic', spread: 0.5, noise: 0.05 },
    run: {
      name: 'long-partition',
      model: { kind: 'logistic-regression', inputs: 31, outputs: 2 },
      task: { kind: 'idx-images' },
      training: { localSteps: 5, learningRate: 0.02 },
      strategy: {
        id: 'delta-log',
        codec: { chunk: 64, perChunk: 16 },
        windowRounds,
        admitRounds: 1,
        snapshotRounds: 4,
      },
      rounds: 100,
      slotMs: 1000,
    },
    network: { degree: 8, latencyMs: { min: 20, max: 120 }, partitions: [{ fromRound, toRound }] },
    trainingMs: { perStep: 20 },
  });
}

type Written = ProtocolEvent & { readonly peer: number };

for (const seed of [1, 2, 3]) {
  test(`all end with the model of the larger side, which loses no delta: seed ${seed}`, async () => {
    const eventsFile = join(folder, `${seed}.jsonl`);
    const scenario = resolveScenario(worldOf(seed), undefined, 'long-partition');
    const { models } = await runScenario(scenario, { wallNowMs: () => 0, eventsFile });
    assert.equal(models, 1);
    const events = readFileSync(eventsFile, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Written);
    const peersWith = (kind: ProtocolEvent['kind']): Set<number> =>
      new Set(events.filter((event) => event.kind === kind).map(({ peer }) => peer));
    assert.equal(peersWith('fork').size, 5, 'the smaller side goes over');
    for (const peer of peersWith('restored')) assert.ok(peersWith('fork').has(peer));
  });
}
