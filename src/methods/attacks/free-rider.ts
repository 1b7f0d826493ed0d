import type { Vector } from '../../math/vector.ts';
import type { Attack } from './attack.ts';

/** No work: nothing, or the first update again and again (Lin, Du, Liu: "Free-riders in Federated Learning", 2019). */
export function freeRider(replays: boolean): Attack {
  let first: Vector | null = null;
  return {
    id: 'free-rider',
    needsHonest: false,
    claim({ own }) {
      if (!replays) return own.map(() => 0);
      first ??= own.slice();
      return first.slice();
    },
  };
}
