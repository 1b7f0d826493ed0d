/** Audits in the simulator: who does not train what he claims is found out, and nobody else is. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Engine } from '../../sim/engine.ts';
import { buildLearners } from '../../sim/learner.ts';
import { resolveScenario, scenarioFileSchema } from '../../sim/scenario/scenario.ts';
import { TrainingLine } from '../../sim/training-line.ts';
import { buildWorld } from '../../sim/world.ts';

const peers = 8;

async function play(
  rate: number,
  rounds: number,
  adversaries: readonly object[],
  world: object = {},
  forger = -1,
  asleep: { readonly peer: number; readonly fromRound: number; readonly toRound: number } | null = null,
) {
  const content = scenarioFileSchema.parse({
    peers,
    seed: 3,
    run: {
      name: 'audited',
      model: { kind: 'logistic-regression', inputs: 784, outputs: 10 },
      task: { kind: 'idx-images' },
      training: { localSteps: 3, batchSize: 8, schedule: { id: 'linear' } },
      strategy: {
        ...{ id: 'delta-log', codec: { chunk: 64, perChunk: 4 }, windowRounds: 4, snapshotRounds: 4 },
        ...{ audits: { rate }, headStart: 0.5 },
      },
      ...{ rounds, slotMs: 2000 },
    },
    ...world,
    adversaries,
  });
  const scenario = resolveScenario(content, undefined, 'audited');
  const { engine: options, onTrained, peers: plans } = await buildWorld(scenario);
  const forged = new Uint8Array(4 * 7850).fill(1);
  const peersOf = options.peers.map((plan, peer) =>
    peer === forger
      ? {
          ...plan,
          createCore: (stored: Iterable<readonly [string, Uint8Array]>, incarnation: number) =>
            plan.createCore([...stored, ['self/residual', forged]], incarnation),
        }
      : plan,
  );
  const retrained: Retrained[] = [];
  const kept = peersOf
    .map((plan, peer) => (peer === asleep?.peer ? sleeping(plan, asleep) : plan))
    .map((plan, _, plans) => heard(plan, plans, retrained));
  const training = new TrainingLine(await buildLearners(scenario, plans, 1));
  const skipped = new Map<string, number>();
  let audits = 0;
  const engine = new Engine(
    { ...options, peers: kept },
    {
      training,
      ...(onTrained && { onTrained }),
      observe: (_, { index }, event) => {
        if (index === 0 && event.kind === 'accepted' && event.entryKind === 'audit') audits += 1;
        if (event.kind === 'skipped') skipped.set(event.reason, (skipped.get(event.reason) ?? 0) + 1);
      },
    },
  );
  await engine.run();
  const statuses = engine.nodes.map(({ core }) => core!.status(options.untilMs));
  assert.equal(new Set(statuses.map(({ modelHash }) => modelHash)).size, 1);
  const found = statuses[0]!.shown.filter(({ kind }) => kind === 'audit');
  const keys = engine.nodes.map(({ plan }) => plan.key);
  return {
    found: found.map(({ author, round, text }) => ({ peer: keys.indexOf(author!), round, text })),
    counted: keys.map((key) => statuses[0]!.contributions.get(key)?.deltas ?? 0),
    deltas: [...statuses[0]!.contributions.values()].reduce((sum, { deltas }) => sum + deltas, 0),
    refused: statuses[0]!.refused,
    ...{ skipped, audits, retrained },
    routers: engine.nodes.map(({ plan }) => plan.router),
  };
}

type Plan = Awaited<ReturnType<typeof buildWorld>>['engine']['peers'][number];

/** What auditors trained again. */
interface Retrained {
  readonly peer: number;
  readonly round: number;
  readonly steps: number;
}

function heard(plan: Plan, plans: readonly Plan[], retrained: Retrained[]): Plan {
  const createCore: Plan['createCore'] = (stored, incarnation) => {
    const core = plan.createCore(stored, incarnation);
    const { handle } = core;
    core.handle = (input, nowMs) => {
      const outputs = handle.call(core, input, nowMs);
      for (const output of outputs) {
        if (output.type !== 'retrain') continue;
        const { author, round, steps } = output;
        retrained.push({ peer: plans.findIndex(({ key }) => key === author), round, steps });
      }
      return outputs;
    };
    return core;
  };
  return { ...plan, createCore };
}

/** As of a laptop that is shut: nothing is heard or done, and then it goes on where it was. */
function sleeping(plan: Plan, { fromRound, toRound }: { fromRound: number; toRound: number }): Plan {
  const createCore: Plan['createCore'] = (stored, incarnation) => {
    const core = plan.createCore(stored, incarnation);
    const { handle } = core;
    core.handle = (input, nowMs) => {
      const isAsleep = nowMs >= fromRound * 2000 && nowMs < toRound * 2000;
      if (!isAsleep) return handle.call(core, input, nowMs);
      switch (input.type) {
        case 'wake':
          return [{ type: 'wake-at', atMs: toRound * 2000 }];
        case 'announcement':
          return [{ type: 'verdict', token: input.token, verdict: 'ignore' }];
        case 'request':
          return [{ type: 'refuse', token: input.token, reason: 'asleep' }];
        default:
          return [];
      }
    };
    return core;
  };
  return { ...plan, createCore };
}

describe('audits', () => {
  test('find nobody out where all train what they claim', async (t) => {
    const { found, deltas, skipped, audits } = await play(0.5, 30, []);
    t.diagnostic(`${deltas} deltas, ${audits} heard to be audited, ${JSON.stringify([...skipped])}`);
    assert.deepEqual(found, []);
    assert.ok(deltas >= 0.95 * 30 * peers, `${deltas} deltas count`);
    // Half of all but those of the last rounds, and one auditor of eight is the node that counts.
    assert.ok(audits > 0.3 * deltas, `${audits} audits`);
  });

  test('find nobody out where messages are lost and machines crash', async (t) => {
    const churn = [
      { peer: 2, crashAtRound: 9.5, restartAtRound: 12 },
      { peer: 6, crashAtRound: 14.5, restartAtRound: 17, diskLost: true },
      { peer: 7, joinAtRound: 12 },
    ];
    const { found, deltas, audits, skipped } = await play(0.5, 40, [], { network: { loss: 0.1 }, churn });
    t.diagnostic(
      `${deltas} deltas, ${audits} heard to be audited, ${JSON.stringify([...skipped])}, ${JSON.stringify(found)}`,
    );
    // What was on the disk that is lost cannot be shown: it is held against peer 6, and convicts nobody by itself.
    assert.deepEqual(
      found.filter(({ peer, round }) => peer !== 6 || round !== null),
      [],
    );
  });

  test('find nobody out who is stopped in the middle of a training: its delta says how many steps it made', async (t) => {
    const churn = [2, 4, 6].map((peer) => ({
      ...{ peer, leaveAtRound: 6.1 + peer / 2 + peer / 100, restartAtRound: 8.5 + peer / 2 },
    }));
    // Three steps take a third of a slot: with more there is no time for all audits beside what each trains itself.
    const { found, retrained } = await play(1, 24, [], { churn, trainingMs: { perStep: 200 } });
    const cut = retrained.filter(({ steps }) => steps < 3);
    t.diagnostic(JSON.stringify(cut));
    assert.deepEqual(found, []);
    const named = new Set(cut.map(({ peer, round }) => `${peer} in ${round}`));
    // Besides them who came back in the middle of a slot, and made the steps that were left of it.
    for (const one of ['2 in 7', '4 in 8', '6 in 9']) assert.ok(named.has(one), `${one} among ${[...named]}`);
  });

  test('find nobody out who has slept, and trains on before it has heard what is final by now', async (t) => {
    const { found, skipped } = await play(1, 40, [], {}, -1, { peer: 3, fromRound: 10, toRound: 19.8 });
    t.diagnostic(JSON.stringify([...skipped]));
    assert.deepEqual(found, []);
  });

  test('find a cheat out although others that are drawn show nothing', async (t) => {
    const withhold = { id: 'withhold' };
    const { found } = await play(1, 24, [
      { peers: [4], behaviour: { id: 'sign-flip' } },
      { peers: [5, 6], behaviour: withhold },
    ]);
    t.diagnostic(JSON.stringify(found));
    const at = found.find(({ peer }) => peer === 4)?.round ?? Number.POSITIVE_INFINITY;
    assert.ok(at <= 14, `in round ${at}`);
  });

  test('find nobody out who trained on what others have pushed out of the log since', async (t) => {
    const thirds = { peers: [5, 6], behaviour: { id: 'equivocation', words: 3 } };
    const { found, audits } = await play(1, 30, [thirds], { network: { loss: 0.05 } });
    t.diagnostic(`${audits} audits heard, ${JSON.stringify(found)}`);
    assert.deepEqual(found, []);
    assert.ok(audits > 3 * 30, `${audits} audits`);
  });

  test('count no delta of who begins with a residual that it has made up', async () => {
    const { found, counted } = await play(0.2, 20, [], {}, 5);
    assert.deepEqual(found, []);
    assert.equal(counted[5], 0);
    assert.ok(counted.every((deltas, peer) => peer === 5 || deltas >= 18));
  });

  test('find out who always cheats where hardly anybody is linked with it: its auditors dial it', async (t) => {
    const cheat = { behaviour: { id: 'sign-flip' }, peers: [7] };
    const { found, audits, deltas } = await play(0.5, 40, [cheat], { network: { degree: 3 } });
    t.diagnostic(`${audits} audits of ${deltas} deltas, ${JSON.stringify(found)}`);
    assert.deepEqual(
      found.filter(({ text }) => text.includes('came to another')).map(({ peer }) => peer),
      [7],
    );
  });

  test('take the weight from who links with a friend alone and takes no other call, and from nobody else', async (t) => {
    const hides = { behaviour: { id: 'sign-flip' }, peers: [7], friends: [6] };
    const lazy = { behaviour: { id: 'silent' }, peers: [6] };
    const { found, audits, deltas, counted } = await play(0.4, 90, [hides, lazy], { network: { degree: 5 } });
    t.diagnostic(`${audits} audits of ${deltas} deltas, ${counted}, ${JSON.stringify(found)}`);
    const out = found.filter(({ text }) => text.includes('carry no weight'));
    assert.deepEqual(
      out.map(({ peer }) => peer),
      [7],
    );
    assert.ok(out[0]!.round! < 75, `since round ${out[0]!.round}`);
  });

  test('are made of those whom nobody can dial: they call their auditors', async (t) => {
    const network = { degree: 3, nat: { open: 0.6, cone: 0, symmetric: 0.4 } };
    const { found, audits, deltas, routers } = await play(0.3, 60, [], { peers: 10, network });
    t.diagnostic(`${audits} audits of ${deltas} deltas, ${routers}, ${JSON.stringify(found)}`);
    assert.ok(routers!.filter((router) => router === 'symmetric').length >= 3);
    assert.deepEqual(
      found.filter(({ text }) => text.includes('could not see')),
      [],
    );
  });

  test('find out who shows nobody what its training began with', async (t) => {
    // Three stages of fifteen rounds, as each auditor waits for it.
    const { found } = await play(0.5, 64, [{ peers: [5], behaviour: { id: 'withhold' } }]);
    t.diagnostic(JSON.stringify(found));
    assert.deepEqual(
      found.map(({ peer }) => peer),
      [5],
    );
  });

  test('find out who always cheats within the bound for the rate, and nobody else', async (t) => {
    const rate = 0.3;
    // Not drawn in so many rounds: one in a hundred; then three stages of auditors.
    const bound = Math.ceil(Math.log(0.01) / Math.log(1 - rate)) + 3 * 8;
    // Who joins when the verdict has been given comes to the same model: that is asked of all.
    const churn = [{ peer: 7, joinAtRound: 20 }];
    const { found } = await play(rate, bound + 8, [{ peers: [5], behaviour: { id: 'sign-flip' } }], {
      churn,
    });
    t.diagnostic(JSON.stringify(found));
    assert.deepEqual(
      found.map(({ peer }) => peer),
      [5],
    );
    assert.ok(found[0]!.round! <= bound, `in round ${found[0]!.round} of ${bound}`);
    assert.match(found[0]!.text, /taken out of the model, nothing of it stays/);
  });
});
