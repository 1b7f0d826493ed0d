/**
 * The attacks of the literature as changes to an otherwise shipping node. Those that alter an update alter what training
 * is said to have given: the core then compresses and signs it as it would any other, so against `delta-log` a dense attack
 * arrives as its largest coordinates under the attacker's own error feedback.
 */
import type { DeltaCodec } from '../../src/codec/delta-codec.ts';
import type { Signer } from '../../src/protocol/crypto.ts';
import {
  type EnvelopeContext,
  encodeEnvelope,
  openEnvelope,
  sealEnvelope,
} from '../../src/protocol/envelope.ts';
import type { Input, Output } from '../../src/protocol/io.ts';
import type { TrainResult } from '../../src/training/learner.ts';
import type { AdversarySpec, BehaviourSpec } from '../scenario/adversary-schema.ts';
import type { Behaviour } from '../virtual-node.ts';
import type { Observatory } from './observatory.ts';

export interface AttackerMeans {
  readonly observatory: Observatory;
  readonly context: EnvelopeContext;
  readonly signer: Signer;
  /** Of the run's deltas; null where the strategy has none. */
  readonly codec: DeltaCodec | null;
  /** Whether the attack has begun when the attacker's clock shows `nowMs`. */
  readonly isActive: (nowMs: number) => boolean;
}

type Training = Parameters<NonNullable<Behaviour['train']>>[0];

/** Whether an attacker of this kind must know what the honest peers do. */
export function needsObservatory(role: AdversarySpec | null): boolean {
  const id = role?.behaviour.id;
  return id === 'alie' || id === 'inner-product' || id === 'dissensus' || id === 'copycat';
}

/** The behaviour of one attacker. Label flipping is the learner's business: nothing is changed here. */
export function behaviourOf({ behaviour, fromRound }: AdversarySpec, means: AttackerMeans): Behaviour {
  const act = actionOf(behaviour, means);
  const update = updateOf(behaviour, means.observatory);
  return {
    ...(update
      ? {
          train: (training: Training): TrainResult =>
            training.round < fromRound ? training.result : claimed(training, update(training)),
        }
      : {}),
    ...(act
      ? {
          act: (outputs: readonly Output[], _: Input, nowMs: number) =>
            means.isActive(nowMs) ? act(outputs) : outputs,
        }
      : {}),
  };
}

/** What the attacker says its update was: end minus start. Null for the truth. */
type Update = (training: Training) => ((i: number) => number) | null;

function updateOf(spec: BehaviourSpec, observatory: Observatory): Update | null {
  const own =
    ({ start, result }: Training) =>
    (i: number) =>
      result.parameters[i]! - start[i]!;
  switch (spec.id) {
    case 'sign-flip':
      return (training) => (i) => -spec.factor * own(training)(i);
    case 'alie':
      return () => {
        const honest = observatory.latest();
        return honest && ((i) => honest.updateMean[i]! - spec.z * Math.sqrt(honest.updateVariance[i]!));
      };
    case 'inner-product':
      return () => {
        const honest = observatory.latest();
        return honest && ((i) => -spec.epsilon * honest.updateMean[i]!);
      };
    case 'dissensus':
      return (training) => {
        const honest = observatory.latest();
        const { parameters } = training.result;
        return honest && ((i) => own(training)(i) + spec.factor * (parameters[i]! - honest.modelMean[i]!));
      };
    case 'copycat':
      return () => {
        const { newest } = observatory;
        return newest && ((i) => newest[i]!);
      };
    case 'free-rider': {
      if (!spec.replays) return () => () => 0;
      let first: Float32Array | null = null;
      return (training) => {
        first ??= training.start.map((_, i) => own(training)(i));
        const replayed = first;
        return (i) => replayed[i]!;
      };
    }
    case 'label-flip':
    case 'equivocation':
    case 'withhold':
    case 'eclipse':
      return null;
  }
}

function claimed({ start, result }: Training, update: ((i: number) => number) | null): TrainResult {
  if (!update) return result;
  return { ...result, parameters: start.map((value, i) => value + update(i)) };
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
    default:
      return null;
  }
}

/** An announcement of our own gets a second one of the same round beside it. */
function withSecondMessage(output: Output, { context, signer, codec }: AttackerMeans): Output[] {
  if (output.type !== 'announce' || !codec) return [output];
  const opened = openEnvelope(output.bytes, context);
  if (!opened.ok || !opened.envelope.body || opened.envelope.author !== signer.key) return [output];
  const delta = codec.decode(opened.envelope.body);
  const turned = codec.encode({ ...delta, signs: delta.signs.map((sign) => -sign) });
  const second = sealEnvelope(opened.envelope, turned, context, signer);
  return [output, { type: 'announce', bytes: encodeEnvelope(second, context.inlineMax) }];
}

function withheld(output: Output): Output {
  if (output.type === 'verdict') return { ...output, verdict: 'ignore' };
  if (output.type === 'respond') return { type: 'refuse', token: output.token, reason: 'not for you' };
  return output;
}
