/** Optimisers over a model's tensors: one interface, one rule of update each. */
import * as tf from '@tensorflow/tfjs-core';
import type { OptimiserSpec } from '../../../run/run-spec.ts';
import { fusedKernels, hasFused, runFused } from '../../../tensor/operations/fused-kernels.ts';
import { adamRule } from './adam.ts';
import { sgdRule } from './sgd.ts';
import type { UpdateRule } from './update-rule.ts';

/** Its state lives as long as it does: a node, which keeps nothing between rounds, begins each round with zeros. */
export class Optimiser {
  private readonly rule: UpdateRule;
  private readonly clipNorm: number | null;
  private readonly parameters: tf.Tensor[];
  private readonly state: tf.Tensor[][];

  /** `parameters` are changed in the list itself. `clipNorm` bounds the norm of all gradients together; null: none. */
  constructor(spec: OptimiserSpec, clipNorm: number | null, parameters: tf.Tensor[]) {
    this.rule = spec.id === 'sgd' ? sgdRule(spec) : adamRule(spec);
    this.clipNorm = clipNorm;
    this.parameters = parameters;
    this.state = parameters.map((parameter) =>
      Array.from({ length: this.rule.stateTensors }, () => tf.zeros(parameter.shape)),
    );
  }

  /** Changes the parameters by one step along `gradients`, one for each parameter. */
  step(gradients: readonly tf.Tensor[], learningRate: number): void {
    const scale = this.clipNorm === null ? 1 : Math.min(1, this.clipNorm / normOf(gradients));
    this.rule.begin();
    for (const [index, gradient] of gradients.entries()) {
      const before = [this.parameters[index]!, ...this.state[index]!] as const;
      const [parameter, ...state] = before;
      const after = tf.tidy(() => this.rule.update(parameter, gradient, state, learningRate, scale));
      if (after.length === 0) continue;
      this.parameters[index] = after[0]!;
      this.state[index] = after.slice(1);
      tf.dispose(before as unknown as tf.Tensor[]);
    }
  }

  dispose(): void {
    tf.dispose(this.state);
  }
}

/** Euclidean norm of all tensors together. */
function normOf(tensors: readonly tf.Tensor[]): number {
  let sum = 0;
  for (const x of tensors) {
    const squares = tf.tidy(() =>
      hasFused(fusedKernels.squaredNorm) ? runFused(fusedKernels.squaredNorm, { x }) : tf.sum(tf.square(x)),
    );
    sum += squares.dataSync()[0]!;
    squares.dispose();
  }
  return Math.sqrt(sum);
}
