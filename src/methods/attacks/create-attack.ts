import { alie } from './alie.ts';
import type { Attack } from './attack.ts';
import { copycat } from './copycat.ts';
import { dissensus } from './dissensus.ts';
import { freeRider } from './free-rider.ts';
import { innerProduct } from './inner-product.ts';
import { signFlip } from './sign-flip.ts';

/** Attacks on what training gave, by id. Label flips are in the data, equivocation in the messages. */
export type AttackSpec =
  | { readonly id: 'sign-flip' | 'dissensus'; readonly factor: number }
  | { readonly id: 'alie'; readonly z: number }
  | { readonly id: 'inner-product'; readonly epsilon: number }
  | { readonly id: 'copycat' }
  | { readonly id: 'free-rider'; readonly replays: boolean };

export function createAttack(spec: AttackSpec): Attack {
  switch (spec.id) {
    case 'sign-flip':
      return signFlip(spec.factor);
    case 'alie':
      return alie(spec.z);
    case 'inner-product':
      return innerProduct(spec.epsilon);
    case 'dissensus':
      return dissensus(spec.factor);
    case 'copycat':
      return copycat();
    case 'free-rider':
      return freeRider(spec.replays);
  }
}
