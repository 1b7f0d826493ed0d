/** What the page makes of an alliance that it is told of. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Hello, LiveState } from '../../src/api/live.ts';
import { helloSchema, updateSchema } from '../../src/api/live-schema.ts';
import type { WeighedDelta } from '../../src/core/io.ts';
import { type RoundWeights, RunHistory } from '../../src/node/view/run-history.ts';
import type { RunView } from '../../src/node/view/run-view.ts';
import { allianceOf } from '../../src/page/community-model.ts';
import { someView } from '../node/some-view.ts';

const vote = { outcome: 'stands', growth: -0.01, said: 2, voters: 2, silent: [], far: [] } as const;
const weighed = (author: string, weight: number): WeighedDelta => ({ author, weight, why: 'weighed' });
const roundOf = (round: number, deltas: readonly WeighedDelta[]): RoundWeights => ({ round, vote, deltas });

function told(view: Partial<RunView>, rounds: readonly RoundWeights[], name = 'one', peerKey = 'aa'): Hello {
  const history = new RunHistory();
  for (const round of rounds) history.weigh(round);
  const runs = [{ view: someView({ peerKey, ...view }), history: history.data() }];
  return { nodes: [{ id: name, name, peerKey, isUp: true, settings: null, runs }], events: [] };
}

const community: RunView['community'] = {
  alliance: { counts: { kept: 3, rolledBack: 1, unjudged: 0 }, standings: [{ voter: 'cc', standing: 12 }] },
  ...{ arena: null, registry: null },
};
const silenced = {
  ...{ kind: 'score', round: 9, author: 'bb', text: 'its deltas carry no weight', isVerdict: true as const },
  silenced: { advice: 'look' },
};

describe('an alliance on the page', () => {
  test('adds up what deltas weighed in the rounds that are known, and says who is silenced since when', () => {
    const rounds = [
      roundOf(1, [weighed('aa', 0.5), weighed('bb', 0.5)]),
      roundOf(2, [weighed('aa', 0.5), { author: 'bb', weight: 0, why: 'silenced' }]),
      roundOf(3, [
        { author: 'aa', weight: 0, why: 'rolled-back' },
        { author: 'bb', weight: 0, why: 'rolled-back' },
      ]),
    ];
    const view = {
      ...{ community, shown: [silenced], accuracy: 0.9 },
      alone: { accuracy: 0.7, loss: 1, steps: 9 },
    };
    const { members, rounds: drawn } = allianceOf(told(view, rounds), 'run')!;
    assert.deepEqual(
      drawn.map(({ round }) => round),
      [3, 2, 1],
    );
    assert.deepEqual(
      members.map((one) => [one.name, one.share, one.standing, one.silenced?.round ?? null]),
      [
        ['bb', 1 / 3, 16, 9],
        ['cc', 0, 12, null],
        ['one', 2 / 3, 16, null],
      ],
    );
    const [liar, , here] = members;
    assert.deepEqual(Object.fromEntries(liar!.deltas), { weighed: 1, silenced: 1, 'rolled-back': 1 });
    assert.deepEqual([here!.alone?.value, here!.together?.value], [0.7, 0.9]);
    assert.equal(liar!.together, null, 'nobody but its own node knows');
  });

  test('is none where members do not vote', () => {
    assert.equal(allianceOf(told({}, []), 'run'), null);
    assert.equal(allianceOf(told({ community: { ...community, alliance: null } }, []), 'run'), null);
    assert.equal(allianceOf({ nodes: [], events: [] }, null), null);
  });

  test('is told live, the newest rounds, and in a form that watchers of other processes read', () => {
    const state = new LiveState();
    state.greet(helloSchema.parse(structuredClone(told({ community }, []))));
    for (let round = 0; round < 40; round++) {
      const note = { kind: 'weighed' as const, weighed: roundOf(round, [weighed('aa', 1)]) };
      state.apply(updateSchema.parse(structuredClone({ node: 'one', notes: [{ runId: 'run', note }] })));
    }
    const { rounds } = allianceOf(state.hello(), 'run')!;
    assert.equal(rounds.length, 32);
    assert.equal(rounds[0]!.round, 39);
  });
});
