import * as z from 'zod';
import type { Vector } from '../../math/vector.ts';
import { defineAttack } from './attack.ts';

/** No work: nothing, or the first update again and again (Lin, Du, Liu: "Free-riders in Federated Learning", 2019). */
export const freeRider = defineAttack({
  id: 'free-rider',
  schema: z.strictObject({
    id: z.literal('free-rider').describe('does not train'),
    replays: z
      .boolean()
      .default(false)
      .describe('says its first update again and again; nothing where false'),
  }),
  examples: [{ id: 'free-rider' }, { id: 'free-rider', replays: true }],
  needsHonest: false,
  create({ replays }) {
    let first: Vector | null = null;
    return {
      claim({ own }) {
        if (!replays) return own.map(() => 0);
        first ??= own.slice();
        return first.slice();
      },
    };
  },
});
