/** Whether a model fits the examples of an arena: told from its description and its weights, before anything is computed. */
import type { ScoreRow } from '../entries/arena/scores.ts';
import type { SubmissionState } from '../entries/arena/submission-kind.ts';
import { exampleForms } from '../tasks/example-form.ts';
import { costOf } from '../tasks/models/model-cost.ts';
import { formOf, inputsOf, outputsOf } from '../tasks/models/model-layout.ts';
import type { ModelSpec } from '../tasks/models/registry.ts';
import type { SafetensorsModel } from './model-files/safetensors.ts';

type ComputeLimits = SubmissionState['limits'];

/** `inputs`: numbers of an example. Null where it fits. */
export function whyUnfit(
  { model, vector }: SafetensorsModel,
  inputs: number,
  limits: ComputeLimits,
): ScoreRow['verdict'] | null {
  const isSequence = exampleForms[formOf(model)].isSequence;
  if (isSequence || inputsOf(model) !== inputs || outputsOf(model) < 2) return 'no-model';
  if (isTooCostly(model, limits)) return 'too-costly';
  return vector.every(Number.isFinite) ? null : 'not-finite';
}

function isTooCostly(model: ModelSpec, limits: ComputeLimits): boolean {
  const cost = costOf(model);
  return (
    cost === null ||
    cost.parameters > limits.parametersMax ||
    cost.multiplyAdds > limits.multiplyAddsMax ||
    cost.activationBytes > limits.activationBytesMax
  );
}
