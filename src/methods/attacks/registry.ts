/** Every attack on training there is: one line each. Those on messages are the simulator's. */
import type * as z from 'zod';
import { byId, readSpec, schemaOfAll } from '../../registry/registry.ts';
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

/** The same, as a scenario may say it: without what has a default. */
export type AttackInputSpec = z.input<typeof attackSchema>;

/**
 * One attacker. What is left out of the spec has its default.
 * @throws SpecError for what no scenario could say
 */
export function createAttack(input: AttackInputSpec): Attack {
  const spec = readSpec('attack', attacks, attackSchema, input);
  return byId<AttackKind>(attacks, spec.id).create(spec);
}
