/** What a ledger measures on: examples of an evaluation set, other ones each round, which nobody could foresee. */
import { bytesToHex } from '../core/bytes.ts';
import type { Crypto } from '../core/crypto.ts';
import { type GradientResult, meanGradient } from '../learning/tfjs/delta-scores.ts';
import type { FrozenModel } from '../learning/tfjs/frozen-model.ts';
import { rngFor } from '../math/rng.ts';
import { DataShapeError } from '../tasks/datasets/data-error.ts';
import { checkFits, type Dataset } from '../tasks/datasets/dataset.ts';
import type { ModelSpec } from '../tasks/models/registry.ts';

export interface EvaluationOptions {
  readonly runId: string;
  readonly model: ModelSpec;
  readonly dataset: Dataset;
  readonly frozen: FrozenModel | null;
  /** Examples drawn for a round; all where there are no more. */
  readonly examplesPerRound: number;
  readonly crypto: Crypto;
  readonly signal?: AbortSignal | undefined;
}

/** Examples hashed at a time. */
const hashedAtOnce = 1024;

export class Evaluation {
  readonly #options: EvaluationOptions;
  readonly #examples: Uint32Array;
  /** SHA-256 (hex) of the set, as the model takes it: two ledgers are the same only where this is. */
  readonly digest: string;

  /** @throws DataShapeError where the examples do not fit the model, or there is none */
  constructor(options: EvaluationOptions) {
    const { dataset, model } = options;
    checkFits(dataset, model, 'evaluation data');
    this.#options = options;
    this.#examples = dataset.measuredExamples();
    if (this.#examples.length === 0) throw new DataShapeError('there is no example to evaluate on');
    this.digest = this.#hash();
  }

  /** Of the whole set, and of a round. */
  get examples(): number {
    return this.#examples.length;
  }

  get examplesPerRound(): number {
    return Math.min(this.#options.examplesPerRound, this.examples);
  }

  /** Numbers of the examples of a round: they follow from the root of the log after it was folded. */
  draw(round: number, root: Uint8Array): Uint32Array {
    const rng = rngFor(`ledger/${this.#options.runId}/${round}/${bytesToHex(root)}`);
    const places = rng.sample(this.examples, this.examplesPerRound);
    return Uint32Array.from(places, (place) => this.#examples[place]!);
  }

  gradient(vector: Float32Array, examples: Uint32Array): Promise<GradientResult> {
    const { model, dataset, frozen, signal } = this.#options;
    return meanGradient(model, vector, dataset, examples, { frozen, signal });
  }

  #hash(): string {
    const { dataset, crypto } = this.#options;
    let hash: Uint8Array = new Uint8Array(32);
    for (let from = 0; from < this.examples; from += hashedAtOnce) {
      const batch = dataset.batchOf(this.#examples.subarray(from, from + hashedAtOnce));
      hash = crypto.sha256(hash, bytesOf(batch.inputs), bytesOf(batch.labels));
    }
    return bytesToHex(hash);
  }
}

/** The four bytes of each number, least first, on any machine. */
function bytesOf(values: Float32Array | Int32Array): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  const isWhole = values instanceof Int32Array;
  for (let i = 0; i < values.length; i++) {
    if (isWhole) view.setInt32(4 * i, values[i]!, true);
    else view.setFloat32(4 * i, values[i]!, true);
  }
  return bytes;
}
