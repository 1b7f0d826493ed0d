/** Every way to be dishonest: attacks on training, and on messages, one line each. */
import type * as z from 'zod';
import type { AttackKind } from '../../src/methods/attacks/attack.ts';
import { attacks } from '../../src/methods/attacks/registry.ts';
import { schemaOfAll } from '../../src/registry/registry.ts';
import { equivocation } from './message-attacks/equivocation.ts';
import type { MessageAttackKind } from './message-attacks/message-attack.ts';
import { silent } from './message-attacks/silent.ts';
import { eclipse, withhold } from './message-attacks/withhold.ts';

export const messageAttacks = [equivocation, withhold, eclipse, silent] as const;

export const behaviourSchema = schemaOfAll([...attacks, ...messageAttacks]);
export type BehaviourSpec = z.infer<typeof behaviourSchema>;

/** null for one on messages. */
export function attackOnTraining({ id }: Pick<BehaviourSpec, 'id'>): AttackKind | null {
  return attacks.find((kind) => kind.id === id) ?? null;
}

/** null for one on training. */
export function attackOnMessages({ id }: Pick<BehaviourSpec, 'id'>): MessageAttackKind | null {
  return messageAttacks.find((kind) => kind.id === id) ?? null;
}

/** Honest peers, by number, that are to be connected to such attackers only. */
export function victimsOf(behaviour: BehaviourSpec): readonly number[] {
  return attackOnMessages(behaviour)?.victims?.(behaviour) ?? [];
}
