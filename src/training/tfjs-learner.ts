/** The learner port on TensorFlow.js: plain SGD on a stack of dense layers. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DataShapeError } from '../data/data-error.ts';
import { checkFits, type Dataset } from '../data/dataset.ts';
import { rngFor } from '../math/rng.ts';
import { type ModelSpec, parameterCount, type TrainingSpec } from '../protocol/run-spec.ts';
import { MeanCrossEntropy } from './cross-entropy.ts';
import { DenseNetwork } from './dense-network.ts';
import { evaluateModel, scaledRow } from './inference.ts';
import { checkLength } from './layers.ts';
import type { Learner, Metrics, TrainRequest, TrainResult } from './learner.ts';
import { type BackendChoice, startBackend } from './tfjs-backend.ts';
import { LearnerClosedError, TrainingDivergedError } from './training-error.ts';

export interface TfjsLearnerOptions {
  readonly model: ModelSpec;
  readonly training: TrainingSpec;
  /** One training set per virtual peer; a node has one. */
  readonly shares: readonly Dataset[];
  readonly heldOut: Dataset;
  readonly backend?: BackendChoice;
}

/**
 * Starts the backend and checks that all data fits the model. Calls may overlap; each computes step by step
 * on the calling thread and lets other work run between steps.
 * @throws BackendUnavailableError, DataShapeError
 */
export async function createTfjsLearner(options: TfjsLearnerOptions): Promise<Learner> {
  const { model, shares, heldOut } = options;
  shares.forEach((share, index) => {
    checkFits(share, model, `training share ${index}`);
    if (share.examples === 0) {
      throw new DataShapeError(`training share ${index} has no example`);
    }
  });
  checkFits(heldOut, model, 'held-out data');
  const backend = await startBackend(options.backend);
  return new TfjsLearner(options, backend.sentence);
}

class TfjsLearner implements Learner {
  readonly size: number;
  readonly backend: string;
  private readonly options: TfjsLearnerOptions;
  private readonly closed = new AbortController();

  constructor(options: TfjsLearnerOptions, backend: string) {
    this.size = parameterCount(options.model);
    this.backend = backend;
    this.options = options;
  }

  async train(request: TrainRequest, signal?: AbortSignal): Promise<TrainResult> {
    const { model, training, shares } = this.options;
    const share = shares[request.share];
    if (share === undefined) {
      throw new RangeError(`there is no training share ${request.share} among ${shares.length}`);
    }
    if (!Number.isSafeInteger(request.steps) || request.steps < 1) {
      throw new RangeError(`training takes at least one step, not ${request.steps}`);
    }
    checkLength(model, request.parameters);
    const rows = training.batchSize;
    const batch = new Batch(rows, model);
    const loss = new MeanCrossEntropy();
    const network = new DenseNetwork(model, request.parameters);
    try {
      for (let step = 0; step < request.steps; step++) {
        this.throwIfStopped(signal);
        batch.draw(share, `${request.streamKey}/${step}`);
        const probabilities = network.step(batch.inputs, batch.targets, rows, training);
        for (let row = 0; row < rows; row++) {
          const probability = probabilities[row * model.outputs + batch.labels[row]!]!;
          if (Number.isNaN(probability)) {
            throw new TrainingDivergedError(
              `the loss is not a number at step ${step} of ${request.steps}: lower training.learningRate (${training.learningRate})`,
            );
          }
          loss.add(probability);
        }
        await nextTurn();
      }
      this.throwIfStopped(signal);
      const parameters = network.read();
      if (!parameters.every(Number.isFinite)) {
        throw new TrainingDivergedError(
          `parameters left the finite numbers within ${request.steps} steps: lower training.learningRate (${training.learningRate})`,
        );
      }
      return { parameters, loss: loss.mean(), samples: request.steps * rows };
    } finally {
      network.dispose();
    }
  }

  evaluate(parameters: Float32Array, signal?: AbortSignal): Promise<Metrics> {
    const either = signal ? AbortSignal.any([signal, this.closed.signal]) : this.closed.signal;
    return evaluateModel(this.options.model, parameters, this.options.heldOut, either);
  }

  async close(): Promise<void> {
    this.closed.abort(new LearnerClosedError('the learner is closed'));
  }

  private throwIfStopped(signal: AbortSignal | undefined): void {
    this.closed.signal.throwIfAborted();
    signal?.throwIfAborted();
  }
}

/** Buffers of one batch, filled anew for every step. */
class Batch {
  readonly inputs: Float32Array;
  /** One-hot, rows x outputs. */
  readonly targets: Float32Array;
  readonly labels: Int32Array;
  private readonly rows: number;
  private readonly features: number;
  private readonly outputs: number;

  constructor(rows: number, model: ModelSpec) {
    this.rows = rows;
    this.features = model.inputs;
    this.outputs = model.outputs;
    this.inputs = new Float32Array(rows * model.inputs);
    this.targets = new Float32Array(rows * model.outputs);
    this.labels = new Int32Array(rows);
  }

  /** Draws uniformly with replacement, so that a share smaller than a batch needs no special case. */
  draw(share: Dataset, streamKey: string): void {
    const rng = rngFor(streamKey);
    this.targets.fill(0);
    for (let row = 0; row < this.rows; row++) {
      const example = rng.int(share.examples);
      const label = share.labels[example]!;
      scaledRow(share, example, this.inputs.subarray(row * this.features, (row + 1) * this.features));
      this.targets[row * this.outputs + label] = 1;
      this.labels[row] = label;
    }
  }
}
