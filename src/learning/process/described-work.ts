/** What a trainer is to work on, and whether what it says of itself goes with that. */
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import * as dagCbor from '@ipld/dag-cbor';
import type { TrainingSpec } from '../../run/run-spec.ts';
import type { TaskSpec } from '../../tasks/data/registry.ts';
import { modelLayout, parameterCount } from '../../tasks/models/model-layout.ts';
import { externalFactsOf, type ModelSpec } from '../../tasks/models/registry.ts';
import type { AskLimits, Conversation } from './conversation.ts';
import type { Description, Fields } from './messages.ts';
import { TrainerAnswerError } from './trainer-error.ts';

export interface TrainerWork {
  readonly model: ModelSpec;
  readonly task: TaskSpec;
  readonly training: TrainingSpec;
  readonly rounds: number;
  readonly seed: number;
  /** Read by the trainer itself. */
  readonly dataPath: string;
}

/**
 * Asks the trainer what it is, telling it the model: of ours with the places of its tensors, for it has to have the same.
 * @throws TrainerAnswerError where it does not go with the model; what `Conversation.ask` throws
 */
export async function describedWork(
  conversation: Conversation,
  { model }: Pick<TrainerWork, 'model'>,
  limits: AskLimits,
  signal?: AbortSignal,
): Promise<Description> {
  const external = externalFactsOf(model);
  const layout = external
    ? null
    : modelLayout(model).map(({ name, shape, at }) => ({ name, shape: [...shape], offset: at }));
  const description = await conversation.ask('describe', { model, layout }, limits, signal);
  const size = parameterCount(model);
  if (description.parameters !== size) {
    throw new TrainerAnswerError(
      `the trainer ${description.name} has a model of ${description.parameters} parameters, the run one of ${size}: it is for another run`,
    );
  }
  const wanted = external?.describe;
  if (wanted !== undefined && descriptionHash(description) !== wanted) {
    throw new TrainerAnswerError(
      `the run asks for another trainer, or another version, than ${description.name} ${description.version} (model.describe)`,
    );
  }
  return description;
}

/** What `init` tells. `folder`: where vectors lie. */
export function initFields({ task, training, rounds, seed, dataPath }: TrainerWork, folder: string): Fields {
  return { task, training, rounds, seed, threads: availableParallelism(), data: dataPath, folder };
}

/** SHA-256 (hex) of what a trainer says of itself, but for what it can do besides. */
export function descriptionHash({ name, version, parameters, layout }: Description): string {
  return createHash('sha256').update(dagCbor.encode({ name, version, parameters, layout })).digest('hex');
}
