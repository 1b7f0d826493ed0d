/** Every attack on training there is: one line each. Those on messages are the simulator's. */
import type * as z from 'zod';
import { byId, schemaOfAll } from '../../registry/registry.ts';
import { alie } from './alie.ts';
import type { Attack, AttackKind } from './attack.ts';
import { copycat } from './copycat.ts';
import { dissensus } from './dissensus.ts';
import { freeRider } from './free-rider.ts';
import { innerProduct } from './inner-product.ts';
import { labelFlip } from './label-flip.ts';
import { signFlip } from './sign-flip.ts';

export const attacks = [signFlip, alie, innerProduct, dissensus, labelFlip, copycat, freeRider] as const;

const attackSchema = schemaOfAll(attacks);
/** An attack by its id, with the constants that it has. */
export type AttackSpec = z.infer<typeof attackSchema>;

/** One attacker. */
export function createAttack(spec: AttackSpec): Attack {
  return byId<AttackKind>(attacks, spec.id).create(spec);
}
