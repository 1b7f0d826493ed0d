import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { drawScenario } from '../../sim/fuzz/draw-scenario.ts';
import { type Examination, examine } from '../../sim/fuzz/examine.ts';
import { shrink } from '../../sim/fuzz/shrink.ts';
import { impossibleScenario, resolveScenario, type ScenarioFile } from '../../sim/scenario/scenario.ts';
import { runScenario } from '../../sim/simulation.ts';

const live = (file: ScenarioFile): Promise<Examination> => examine(resolveScenario(file, undefined, 'fuzz'));

test('drawn worlds are possible ones', () => {
  for (let seed = 0; seed < 2000; seed++) assert.equal(impossibleScenario(drawScenario(seed)), null);
});

test('worlds drawn from seeds are in order', async () => {
  for (let seed = 1000; seed < 1030; seed++) {
    const { violation } = await live(drawScenario(seed));
    assert.equal(violation, null, `seed ${seed}`);
  }
});

// What these worlds once showed.
const once: ReadonlyArray<readonly [seed: number, fault: string]> = [
  [476, 'what a push-sum peer owes was rounded to float32 where it was paid in parts'],
  [154, 'a joiner that asked for a snapshot just replaced was counted as a liar'],
  [61, 'the same, of other peers'],
  [0, 'a peer that claims a history and answers nothing kept another joining for ever'],
  [254, 'the same, of six peers'],
  [36, 'what was taken back and stood in the log after all counted twice'],
  [137, 'the same, of another peer'],
  [177, 'a push-sum transfer was offered again while it was on its way'],
  [227, 'a peer whose round took several parcels was credited with several rounds'],
  [468, 'parcels of older rounds waited for answers that were of no use any more'],
  [132, 'a peer that lost its disk contradicted what it had said in the same round'],
  [234, 'the same, of another peer'],
  [30, 'a peer that had gone over to another history was followed from where it last agreed with ours'],
  [285, 'joiners by snapshot and those they had joined waited for each other to show what neither held'],
  [1064, 'a peer that has forgotten a round kept those that look into its history from folding it'],
  [552, 'an entry that was asked for before our slot went back was counted as a lie'],
  [24, 'histories of different length were compared at one round by claim and at another by proof'],
  [482, 'each side of a fork weighed words by its own final log, and both stayed'],
  [
    265,
    'one that had joined by a snapshot could fold nothing of the history that the others had gone over to',
  ],
  [327, 'the same, of another peer, after the end of the run'],
  [2314, 'some went by words and some by weight, and stayed apart'],
  [2817, 'the same, with words of exactly two thirds'],
  [3750, 'who had begun with a snapshot of another history took all earlier words for its own'],
  [
    7463,
    'who had begun with a snapshot could not tell in which history earlier words stood, and went over by weight',
  ],
  [9323, 'the same'],
  [3230, 'the books did not know of a delta that stood again in a round whose entries are kept no more'],
  [486, 'push-sum mass was rounded at random once more on its way'],
];
for (const [seed, fault] of once) {
  test(`seed ${seed}: ${fault}`, async () => {
    assert.equal((await live(drawScenario(seed))).violation, null);
  });
}

test('audits find who flips signs, and nobody else', async () => {
  // Seed: one of eight flips.
  const { violation, convicted } = await live(drawScenario(1211));
  assert.deepEqual({ violation, convicted }, { violation: null, convicted: [7] });
});

test('the same seed is the same world', async () => {
  const [first, second] = [await live(drawScenario(7)), await live(drawScenario(7))];
  assert.deepEqual(second, first);
});

describe('a world in which nothing arrives', () => {
  const deaf: ScenarioFile = { ...drawScenario(12), network: { ...drawScenario(12).network, loss: 0.95 } };
  // Losses never end, so neither do the differences.
  delete deaf.network.lossUntilRound;

  test('is found out', async () => {
    const { violation } = await live(deaf);
    assert.match(violation ?? '', /models|not all finished/);
  });

  test('is shrunk to one with fewer peers and rounds that goes wrong too', async () => {
    const smallest = await shrink(deaf, async (candidate) => (await live(candidate)).violation !== null);
    assert.ok(smallest.peers < deaf.peers);
    assert.ok(smallest.run!.rounds < deaf.run!.rounds);
    assert.equal(impossibleScenario(smallest), null);
    assert.notEqual((await live(smallest)).violation, null);
  });
});

test('the quadratic learner: peers with points of their own meet near the mean of them', async () => {
  const drawn = drawScenario(3);
  const calm: ScenarioFile = {
    ...drawn,
    churn: [],
    learner: { id: 'quadratic', spread: 0.5, noise: 0.05 },
    run: { ...drawn.run!, rounds: 40, slotMs: 1000 },
  };
  const result = await runScenario(resolveScenario(calm, undefined, 'calm'), { wallNowMs: () => 0 });
  assert.equal(result.modelHashes.length, 1);
  assert.ok(result.accuracyMean > 0.8, `${result.accuracyMean} of the way`);
});
