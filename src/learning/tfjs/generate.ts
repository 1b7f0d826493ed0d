/** A language model that writes. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { rngFor } from '../../math/rng.ts';
import { formOf, inputsOf, outputsOf } from '../../tasks/models/model-layout.ts';
import type { ModelSpec } from '../../tasks/models/registry.ts';
import { ensureBackend } from '../../tensor/tfjs-backend.ts';
import { Network } from './network.ts';

export interface GenerateOptions {
  /** A language model: `isLanguageModel`. */
  readonly model: ModelSpec;
  readonly vector: Float32Array;
  /** What the text begins with, at least one byte; the model sees the last `context` bytes of it. */
  readonly prompt: Uint8Array;
  /** How many are written after it. */
  readonly bytes: number;
  /** Above 0: probabilities are raised to its inverse; small values stay with what is most probable. */
  readonly temperature: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** Whether a model says which byte comes next. */
export function isLanguageModel(model: ModelSpec): boolean {
  return formOf(model) === 'bytes';
}

/** Draws byte after byte from the model's distribution. Yields each as it comes. @throws `signal.reason` when aborted. */
export async function* generateBytes(options: GenerateOptions): AsyncGenerator<number> {
  const { model, vector, prompt, bytes, temperature, seed, signal } = options;
  await ensureBackend();
  const rng = rngFor(`generate/${seed}`);
  const network = await Network.load(model, vector);
  try {
    const [context, symbols] = [inputsOf(model), outputsOf(model)];
    let seen = Int32Array.from(prompt.subarray(-context));
    for (let written = 0; written < bytes; written++) {
      signal?.throwIfAborted();
      const last = network.probabilities(seen, 1).subarray(-symbols);
      const next = draw(last, temperature, rng.float());
      yield next;
      seen = Int32Array.of(...seen.subarray(seen.length < context ? 0 : 1), next);
      await nextTurn();
    }
  } finally {
    network.dispose();
  }
}

/** The class at which the running sum of the sharpened probabilities passes `point` (in [0, 1)) of their total. */
function draw(probabilities: Float32Array, temperature: number, point: number): number {
  const sharpened = Float64Array.from(probabilities, (probability) => probability ** (1 / temperature));
  let left = point * sharpened.reduce((sum, value) => sum + value, 0);
  for (let index = 0; index < sharpened.length; index++) {
    left -= sharpened[index]!;
    if (left < 0) return index;
  }
  return sharpened.length - 1;
}
