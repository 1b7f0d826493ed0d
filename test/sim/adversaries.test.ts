import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Observatory } from '../../sim/adversaries/observatory.ts';
import { drawRoles } from '../../sim/adversaries/roles.ts';
import { impossibleScenario, resolveScenario, scenarioFileSchema } from '../../sim/scenario/scenario.ts';
import { runScenario, type SimulationResult } from '../../sim/simulation.ts';
import { rngFor } from '../../src/math/rng.ts';

const noClip = 1000;

/** Twelve peers on quadratic functions of 128 parameters; the norm of a delta is clipped at `clipFactor` medians. */
function worldWith(
  adversaries: unknown[],
  clipFactor: number,
  strategy: object = {},
): Promise<SimulationResult> {
  const content = scenarioFileSchema.parse({
    peers: 12,
    learner: { id: 'quadratic', spread: 0.5, noise: 0.05 },
    run: {
      name: 'adversaries',
      model: { kind: 'logistic-regression', inputs: 63, outputs: 2 },
      task: { kind: 'idx-images' },
      training: { localSteps: 5, learningRate: 0.02 },
      strategy: {
        id: 'delta-log',
        codec: { chunk: 64, perChunk: 16 },
        outerRate: 1 / 12,
        clipFactor,
        normMax: clipFactor === noClip ? 1e9 : null,
        ...strategy,
      },
      rounds: 50,
      slotMs: 1000,
    },
    adversaries,
  });
  assert.equal(impossibleScenario(content), null);
  return runScenario(resolveScenario(content, undefined, 'adversaries'), { wallNowMs: () => 0 });
}

const three = (behaviour: object) => [{ behaviour, peers: [9, 10, 11] }];

describe('attackers among twelve peers', () => {
  it('are honest in the worlds that the others are compared with', async () => {
    for (const clip of [1, noClip]) assert.ok((await worldWith([], clip)).accuracyMean > 0.995);
  });

  // What a quarter of attackers leaves of the way to the optimum: with norms clipped to the median, and without.
  const cases: ReadonlyArray<
    readonly [behaviour: object, clipped: readonly [number, number], free: readonly [number, number]]
  > = [
    [{ id: 'sign-flip', factor: 10 }, [0.95, 0.99], [0, 0.01]],
    [{ id: 'alie', z: 5 }, [0.93, 0.99], [0.5, 0.8]],
    [{ id: 'inner-product', epsilon: 0.5 }, [0.98, 1], [0.98, 1]],
    [{ id: 'inner-product', epsilon: 20 }, [0.9, 0.98], [0, 0.01]],
    [{ id: 'dissensus', factor: 20 }, [0.93, 0.99], [0, 0.01]],
    [{ id: 'label-flip' }, [0.9, 0.98], [0.6, 0.85]],
    [{ id: 'copycat' }, [0.97, 1], [0.97, 1]],
    [{ id: 'free-rider' }, [0.99, 1], [0.99, 1]],
    [{ id: 'free-rider', replays: true }, [0.95, 0.99], [0.85, 0.95]],
  ];
  for (const [behaviour, clipped, free] of cases) {
    it(`do as much harm as they can: ${JSON.stringify(behaviour)}`, async () => {
      for (const [clip, [low, high]] of [
        [1, clipped],
        [noClip, free],
      ] as const) {
        const { accuracyMean, models } = await worldWith(three(behaviour), clip);
        assert.ok(accuracyMean >= low && accuracyMean <= high, `clip ${clip}: ${accuracyMean}`);
        assert.equal(models, 1);
      }
    });
  }

  it('that sign two messages of a round are banned, and harm nobody', async () => {
    const { accuracyMean, models } = await worldWith(three({ id: 'equivocation' }), 3);
    assert.ok(accuracyMean > 0.99);
    assert.equal(models, 1);
  });

  it('that withhold cost time and no agreement; those that surround a peer keep it from the others', async () => {
    const withheld = await worldWith(three({ id: 'withhold' }), 3);
    assert.equal(withheld.models, 1);
    assert.ok(withheld.accuracyMean > 0.98);
    const eclipsed = await worldWith(three({ id: 'eclipse', victims: [0] }), 3);
    assert.ok(eclipsed.models > 1);
    assert.ok(eclipsed.accuracyMin < 0.7 && eclipsed.accuracyMean > eclipsed.accuracyMin);
  });

  it('are honest until they begin', async () => {
    const [dormant] = three({ id: 'sign-flip', factor: 10 });
    const late = await worldWith([{ ...dormant, fromRound: 49 }], noClip);
    const early = await worldWith([{ ...dormant, fromRound: 25 }], noClip);
    assert.ok(
      late.accuracyMean > 0.9 && early.accuracyMean < 0.1,
      `${late.accuracyMean} and ${early.accuracyMean}`,
    );
  });

  it('that are one machine train one after another', async () => {
    const [one] = three({ id: 'label-flip' });
    const many = await worldWith([one], 3);
    const sybils = await worldWith([{ ...one, sybils: true }], 3);
    assert.ok(sybils.utilisation > many.utilisation);
    assert.notEqual(sybils.traceHash, many.traceHash);
  });
});

describe('roles', () => {
  it('go to the share asked for, and never to a victim', () => {
    const { adversaries } = scenarioFileSchema.parse({
      peers: 40,
      runFile: 'x',
      adversaries: [
        { behaviour: { id: 'eclipse', victims: [0, 1, 2] }, share: 0.25 },
        { behaviour: { id: 'copycat' }, peers: [7, 8] },
      ],
    });
    const roles = drawRoles(adversaries, 40, rngFor('roles'));
    assert.equal(roles.filter((role) => role?.behaviour.id === 'eclipse').length, 10);
    assert.deepEqual(roles.slice(0, 3), [null, null, null]);
    assert.ok(roles[7]?.behaviour.id === 'copycat' && roles[8]?.behaviour.id === 'copycat');
  });
});

describe('what attackers see', () => {
  it('is the mean and the variance of the honest updates', () => {
    const observatory = new Observatory(2);
    assert.equal(observatory.latest(), null);
    const start = Float32Array.of(1, 1);
    for (const end of [
      [2, 1],
      [4, 1],
      [6, 4],
    ]) {
      observatory.note(3, start, { parameters: Float32Array.from(end), loss: 0 });
    }
    const seen = observatory.latest()!;
    assert.deepEqual([...seen.updateMean], [3, 1]);
    assert.ok(
      Math.abs(seen.updateVariance[0]! - 8 / 3) < 1e-12 && Math.abs(seen.updateVariance[1]! - 2) < 1e-12,
    );
    assert.deepEqual([...seen.modelMean], [4, 2]);
  });
});
