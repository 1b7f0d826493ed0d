/** Matrix products with any batch, transposed or not, with bias and activation. */
import * as tf from '@tensorflow/tfjs-core';
import type { KernelHost } from './kernel-host.ts';
import { callKernel, type Inputs, installKernel, release } from './registry.ts';

interface ProductAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** What follows the product or convolution in a fused kernel. */
export interface FusedAttributes {
  readonly activation?: string;
  readonly leakyreluAlpha?: number;
}

/** The activations that the kernel applies while it adds the bias, as `assembly/nn/epilogue.ts` numbers them. */
const inKernel: Readonly<Record<string, number>> = { linear: 0, relu: 1, relu6: 2 };

/** Kernels of the backend for the other ones. */
const afterwards: Readonly<Record<string, string>> = {
  elu: 'Elu',
  sigmoid: 'Sigmoid',
  leakyrelu: 'LeakyRelu',
  prelu: 'Prelu',
};

export function installMatMul(host: KernelHost): void {
  installKernel<ProductAttributes>('BatchMatMul', (inputs, attributes, original) =>
    isFloat(inputs) ? product(host, inputs, attributes) : original(),
  );
  installKernel<ProductAttributes & FusedAttributes>('_FusedMatMul', (inputs, attributes, original) =>
    isFloat(inputs)
      ? withBiasAndActivation(host, product(host, inputs, attributes), inputs, attributes)
      : original(),
  );
}

function isFloat({ a, b }: Inputs): boolean {
  return a!.dtype === 'float32' && b!.dtype === 'float32';
}

function product(
  host: KernelHost,
  inputs: Inputs,
  { transposeA, transposeB }: ProductAttributes,
): tf.TensorInfo {
  const a = inputs['a']!;
  const b = inputs['b']!;
  const [rows, depth] = sides(a.shape, transposeA);
  const [depthB, columns] = sides(b.shape, transposeB);
  if (depth !== depthB) {
    throw new RangeError(`a product of [${a.shape}] and [${b.shape}]: ${depth} is not ${depthB}`);
  }
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const out = host.output([...batch, rows, columns]);
  if (tf.util.sizeFromShape(out.shape) === 0) return out;
  const scratch = host.scratch(host.kernels.gemmScratchBytes());
  const [addressA, addressB, addressC] = [host.address(a), host.address(b), host.address(out)];
  const [stepsA, stepsB] = [batchSteps(a.shape, batch), batchSteps(b.shape, batch)];
  const count = tf.util.sizeFromShape(batch);
  for (let index = 0; index < count; index++) {
    host.kernels.gemm(
      rows,
      columns,
      depth,
      addressA + 4 * rows * depth * matrixAt(index, batch, stepsA),
      transposeA ? 1 : depth,
      transposeA ? rows : 1,
      addressB + 4 * depth * columns * matrixAt(index, batch, stepsB),
      transposeB ? 1 : columns,
      transposeB ? depth : 1,
      addressC + 4 * rows * columns * index,
      columns,
      0,
      scratch,
    );
  }
  return out;
}

/** Rows and columns of the matrices, transposed if so asked. */
function sides(shape: readonly number[], isTransposed: boolean): [number, number] {
  const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
  return isTransposed ? [columns, rows] : [rows, columns];
}

/** How many matrices further a step along each dimension of the batch leads: 0 where it is broadcast. */
function batchSteps(shape: readonly number[], batch: readonly number[]): number[] {
  const own = shape.slice(0, -2);
  const steps = new Array<number>(batch.length).fill(0);
  let step = 1;
  for (let axis = own.length - 1; axis >= 0; axis--) {
    const length = own[axis]!;
    if (length > 1) steps[batch.length - own.length + axis] = step;
    step *= length;
  }
  return steps;
}

function matrixAt(index: number, batch: readonly number[], steps: readonly number[]): number {
  let at = 0;
  let rest = index;
  for (let axis = batch.length - 1; axis >= 0; axis--) {
    at += (rest % batch[axis]!) * steps[axis]!;
    rest = Math.floor(rest / batch[axis]!);
  }
  return at;
}

/** Consumes `x`: adds the bias of `inputs`, which belongs to the last dimension or is broadcast, and activates. */
export function withBiasAndActivation(
  host: KernelHost,
  x: tf.TensorInfo,
  inputs: Inputs,
  { activation = 'linear', leakyreluAlpha }: FusedAttributes,
): tf.TensorInfo {
  const bias = inputs['bias'];
  const weights = inputs['preluActivationWeights'];
  const columns = x.shape.at(-1)!;
  let result = x;
  let isBiasAdded = bias === undefined || bias === null;
  if (!isBiasAdded && (bias!.shape.at(-1) !== columns || tf.util.sizeFromShape(bias!.shape) !== columns)) {
    result = replaced(result, callKernel('Add', { a: result, b: bias! }));
    isBiasAdded = true;
  }
  const mode = inKernel[activation];
  if (!isBiasAdded || mode !== 0) {
    const rows = tf.util.sizeFromShape(x.shape) / Math.max(1, columns);
    const biasAddress = isBiasAdded ? 0 : host.address(bias!);
    if (rows > 0) host.kernels.addBiasActivate(host.address(result), biasAddress, rows, columns, mode ?? 0);
  }
  if (mode !== undefined) return result;
  const kernelName = afterwards[activation];
  if (kernelName === undefined) throw new RangeError(`there is no fused activation ${activation}`);
  const more: Inputs = kernelName === 'Prelu' ? { alpha: weights! } : {};
  return replaced(result, callKernel(kernelName, { x: result, ...more }, { alpha: leakyreluAlpha }));
}

function replaced(before: tf.TensorInfo, after: tf.TensorInfo): tf.TensorInfo {
  release(before);
  return after;
}
