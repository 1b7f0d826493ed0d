/**
 * The attacks of the literature as changes to an otherwise shipping node. Those that alter an update alter what training
 * is said to have given: the core then compresses and signs it as it would any other, so against `delta-log` a dense attack
 * arrives as its largest coordinates under the attacker's own error feedback.
 */
import { subtractDelta } from '../../src/codec/delta.ts';
import type { DeltaCodec } from '../../src/codec/delta-codec.ts';
import type { Signer } from '../../src/core/crypto.ts';
import type { Input, Output } from '../../src/core/io.ts';
import type { TrainResult } from '../../src/learning/learner.ts';
import { type EnvelopeContext, encodeEnvelope, openEnvelope, sealEnvelope } from '../../src/log/envelope.ts';
import { difference } from '../../src/math/vector.ts';
import type { Attack } from '../../src/methods/attacks/attack.ts';
import { createAttack } from '../../src/methods/attacks/create-attack.ts';
import { dormant } from '../../src/methods/attacks/dormant.ts';
import type { AdversarySpec, BehaviourSpec } from '../scenario/adversary-schema.ts';
import type { Behaviour } from '../virtual-node.ts';
import type { Observatory } from './observatory.ts';

export interface AttackerMeans {
  readonly observatory: Observatory;
  readonly context: EnvelopeContext;
  readonly signer: Signer;
  /** Of the run's deltas; null where the strategy has none. */
  readonly codec: DeltaCodec | null;
  /** Parameters of the model. */
  readonly size: number;
  /** Whether the attack has begun when the attacker's clock shows `nowMs`. */
  readonly isActive: (nowMs: number) => boolean;
}

type Training = Parameters<NonNullable<Behaviour['train']>>[0];

/** Whether an attacker of this kind must know what the honest peers do. */
export function needsObservatory(role: AdversarySpec | null): boolean {
  return (role && attackOf(role.behaviour)?.needsHonest) ?? false;
}

/** The attack on what training gave; null for those on something else. */
function attackOf(behaviour: BehaviourSpec): Attack | null {
  switch (behaviour.id) {
    case 'label-flip':
    case 'equivocation':
    case 'withhold':
    case 'eclipse':
      return null;
    case 'sign-flip':
    case 'alie':
    case 'inner-product':
    case 'dissensus':
    case 'copycat':
    case 'free-rider':
      return createAttack(behaviour);
  }
}

/** The behaviour of one attacker. Label flipping is the learner's business: nothing is changed here. */
export function behaviourOf({ behaviour, fromRound }: AdversarySpec, means: AttackerMeans): Behaviour {
  const act = actionOf(behaviour, means);
  const attack = attackOf(behaviour);
  const late = attack && dormant(fromRound, attack);
  return {
    ...(late ? { train: (training: Training) => claimed(training, late, means.observatory) } : {}),
    ...(act
      ? {
          act: (outputs: readonly Output[], _: Input, nowMs: number) =>
            means.isActive(nowMs) ? act(outputs) : outputs,
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

function actionOf(
  spec: BehaviourSpec,
  means: AttackerMeans,
): ((outputs: readonly Output[]) => readonly Output[]) | null {
  switch (spec.id) {
    case 'equivocation':
      return (outputs) => outputs.flatMap((output) => withSecondMessage(output, means));
    case 'withhold':
    case 'eclipse':
      return (outputs) => outputs.map(withheld);
    case 'label-flip':
    case 'sign-flip':
    case 'alie':
    case 'inner-product':
    case 'dissensus':
    case 'copycat':
    case 'free-rider':
      return null;
  }
}

/** An announcement of our own gets a second one of the same round beside it. */
function withSecondMessage(output: Output, { context, signer, codec, size }: AttackerMeans): Output[] {
  if (output.type !== 'announce' || !codec) return [output];
  const opened = openEnvelope(output.bytes, context);
  if (!opened.ok || !opened.envelope.body || opened.envelope.author !== signer.key) return [output];
  const turned = new Float32Array(size);
  subtractDelta(turned, codec.decode(opened.envelope.body));
  const second = sealEnvelope(opened.envelope, codec.encode(codec.select(turned)), context, signer);
  return [output, { type: 'announce', bytes: encodeEnvelope(second, context.inlineMax) }];
}

function withheld(output: Output): Output {
  if (output.type === 'verdict') return { ...output, verdict: 'ignore' };
  if (output.type === 'respond') return { type: 'refuse', token: output.token, reason: 'not for you' };
  return output;
}
