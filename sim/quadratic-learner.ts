/**
 * Local training whose optimum is known: peer i minimises half the squared distance to a point of its own, with noise on
 * every gradient. What all peers together minimise lies at the mean of their points. Costs nothing, so that many worlds can
 * be tried; what it says of a protocol it says of its averaging, not of learning.
 */

import { checkRequest, checkShare, type TrainRequest, type TrainResult } from '../src/learning/learner.ts';
import { LearnerClosedError } from '../src/learning/learning-error.ts';
import { rngFor } from '../src/math/rng.ts';
import type { Metrics } from '../src/tasks/metrics.ts';
import { checkSize } from '../src/tasks/models/model-layout.ts';
import type { InstantLearner } from './training-line.ts';

export interface QuadraticOptions {
  /** Length of the parameter vector. */
  readonly size: number;
  readonly peers: number;
  readonly learningRate: number;
  /** Coordinates of the peers' points are uniform in [-spread, spread) around those of the common one. */
  readonly spread: number;
  /** Coordinates of the noise are uniform in [-noise, noise). */
  readonly noise: number;
  /** Peers whose point counts for the optimum; all where not given. */
  readonly isHonest?: (peer: number) => boolean;
  /** Peers that train towards the mirror image of their point, as wrong labels would have it. */
  readonly isFlipped?: (peer: number) => boolean;
  /** Names the random streams of the points. */
  readonly seed: string;
}

/** Half the width of the cube that the common point is drawn from. */
const commonSpread = 1;

export function quadraticLearner(options: QuadraticOptions): InstantLearner {
  const { size, peers, learningRate, spread, noise, seed } = options;
  const common = drawn(size, commonSpread, `${seed}/optimum`);
  const points = Array.from({ length: peers }, (_, peer) => {
    const offset = drawn(size, spread, `${seed}/optimum/${peer}`);
    return common.map((value, i) => value + offset[i]!);
  });
  const targets = points.map((point, peer) =>
    options.isFlipped?.(peer) ? point.map((value) => -value) : point,
  );
  const honest = points.filter((_, peer) => options.isHonest?.(peer) ?? true);
  const optimum = common.map((_, i) => honest.reduce((sum, point) => sum + point[i]!, 0) / honest.length);
  const closed = new AbortController();
  const throwIfStopped = (signal: AbortSignal | undefined): void => {
    closed.signal.throwIfAborted();
    signal?.throwIfAborted();
  };

  const learner: InstantLearner = {
    size,
    backend: 'quadratic functions with known optima',
    async train(request, signal) {
      throwIfStopped(signal);
      return learner.trainNow(request);
    },
    trainNow(request: TrainRequest): TrainResult {
      checkRequest(request, size, peers);
      const { parameters, steps, streamKey, share } = request;
      const point = targets[share]!;
      const x = parameters.slice();
      const rng = noise > 0 ? rngFor(streamKey) : null;
      let lossSum = 0;
      for (let step = 0; step < steps; step++) {
        lossSum += halfSquaredDistance(x, point);
        for (let i = 0; i < size; i++) {
          x[i] = x[i]! - learningRate * (x[i]! - point[i]! + (rng?.uniform(-noise, noise) ?? 0));
        }
      }
      return { parameters: x, loss: lossSum / steps };
    },
    async score(vectors, share, signal) {
      throwIfStopped(signal);
      checkShare(share, peers);
      for (const vector of vectors) checkSize(vector, size);
      return vectors.map((vector) => halfSquaredDistance(vector, targets[share]!));
    },
    /** Accuracy stands for the part of the squared distance from the origin to the optimum that is behind us. */
    async evaluate(parameters, signal): Promise<Metrics> {
      throwIfStopped(signal);
      checkSize(parameters, size);
      const loss = halfSquaredDistance(parameters, optimum);
      const whole = halfSquaredDistance(new Float32Array(size), optimum);
      return { accuracy: Math.max(0, 1 - loss / whole), loss, examples: peers };
    },
    async close() {
      closed.abort(new LearnerClosedError('the learner is closed'));
    },
  };
  return learner;
}

function drawn(size: number, spread: number, key: string): Float32Array {
  const vector = new Float32Array(size);
  rngFor(key).fillUniform(vector, -spread, spread);
  return vector;
}

function halfSquaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = a[i]! - b[i]!;
    sum += difference * difference;
  }
  return sum / 2;
}
