/**
 * The attacks of the literature as changes to an otherwise shipping node. Those that alter an update alter what training
 * is said to have given: the core then compresses and signs it as it would any other, so against `delta-log` a dense attack
 * arrives as its largest coordinates under the attacker's own error feedback.
 */
import type { Input, Output } from '../../src/core/io.ts';
import type { TrainResult } from '../../src/learning/learner.ts';
import { difference } from '../../src/math/vector.ts';
import type { Attack } from '../../src/methods/attacks/attack.ts';
import { dormant } from '../../src/methods/attacks/dormant.ts';
import type { AdversarySpec } from '../scenario/adversary-schema.ts';
import type { Behaviour } from '../virtual-node.ts';
import type { MessageMeans } from './message-attacks/message-attack.ts';
import type { Observatory } from './observatory.ts';
import { attackOnMessages, attackOnTraining } from './registry.ts';

export interface AttackerMeans extends MessageMeans {
  readonly observatory: Observatory;
  /** Whether the attack has begun when the attacker's clock shows `nowMs`. */
  readonly isActive: (nowMs: number) => boolean;
}

type Training = Parameters<NonNullable<Behaviour['train']>>[0];

/** Whether an attacker of this kind must know what the honest peers do. */
export function needsObservatory(role: AdversarySpec | null): boolean {
  return (role && attackOnTraining(role.behaviour)?.needsHonest) ?? false;
}

/** The behaviour of one attacker. What is in the data is the learner's business: nothing is changed here. */
export function behaviourOf(
  { behaviour, fromRound, falseScores }: AdversarySpec,
  means: AttackerMeans,
): Behaviour {
  const onMessages = attackOnMessages(behaviour);
  const attack = attackOnTraining(behaviour)?.create(behaviour);
  const late = attack && dormant(fromRound, attack);
  return {
    ...(late ? { train: (training: Training) => claimed(training, late, means.observatory) } : {}),
    ...(falseScores ? { judge: (scores: readonly number[]) => scores.map((score) => 0 - score) } : {}),
    ...(onMessages
      ? {
          act: (outputs: readonly Output[], _: Input, nowMs: number) =>
            means.isActive(nowMs)
              ? outputs.flatMap((output) => onMessages.act(output, means, behaviour))
              : outputs,
        }
      : {}),
  };
}

function claimed({ round, start, result }: Training, attack: Attack, observatory: Observatory): TrainResult {
  const { parameters } = result;
  const own = difference(parameters, start);
  const update = attack.claim({ round, own, model: parameters, honest: observatory.latest() });
  return update ? { ...result, parameters: start.map((value, i) => value + update[i]!) } : result;
}
