/** Fifteen keys that do all they can at once, against five nodes; `npm run bench:hostile-keys` is the same at any size, with accuracies. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keysOf } from '../cluster/cluster.ts';
import { Arena } from './arena.ts';
import { KeySwarm, type SwarmDeltas } from './key-swarm.ts';

const honest = 5;
const keys = 15;
const beginsAt = 6;
/** Links are settled after that long. */
const settleMs = 31_000;

const swarms: ReadonlyArray<readonly [name: string, isClosed: boolean, deltas: SwarmDeltas]> = [
  ['members of nothing, who publish as well', true, 'poison'],
  ['in an open run, who have not worked', false, 'none'],
];
for (const [name, isClosed, deltas] of swarms) {
  test(`a swarm of keys: ${name}`, async (t) => {
    const arena = await Arena.begin(t, honest, {
      ...{ rounds: 18, slotMs: 500, slotMsMax: 500 },
      ...(isClosed ? { membership: { kind: 'allow-list', members: keysOf(honest) } } : {}),
    });
    arena.cluster.age(settleMs);
    const swarm: KeySwarm[] = [];
    t.after(() => swarm[0]?.end());
    await arena.live(async (slot) => {
      if (slot < beginsAt) return;
      swarm[0] ??= await KeySwarm.gather(arena, keys, deltas);
      swarm[0].act(slot);
    });
    arena.assertUnharmed();
    t.diagnostic(`${swarm[0]!.asked} questions were answered with lies`);
    if (!isClosed) assert.ok(swarm[0]!.asked > 20, 'nobody asked the liars');
  });
}
