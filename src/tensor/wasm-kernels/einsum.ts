/** Einstein summation of one or two tensors as sums, transpositions and one batched matrix product, with a gradient. */
import * as tf from '@tensorflow/tfjs-core';
import { callKernel, installKernel, release } from './registry.ts';

interface EinsumAttributes {
  readonly equation: string;
}

interface Operand {
  readonly info: tf.TensorInfo;
  /** The letter of each dimension. */
  readonly letters: readonly string[];
}

export function installEinsum(): void {
  installKernel<EinsumAttributes>('Einsum', (inputs, { equation }) =>
    einsum(Object.values(inputs), equation),
  );
  if (tf.getGradient('Einsum') == null) {
    tf.registerGradient({ kernelName: 'Einsum', saveAllInputs: true, gradFunc: gradient });
  }
}

/** Letters of the operands and of the result. @throws Error with TensorFlow.js's words for what it does not support */
function parse(equation: string, tensors: readonly tf.TensorInfo[]): { terms: string[][]; result: string[] } {
  const { allDims, idDims } = tf.backend_util.decodeEinsumEquation(equation, tensors.length);
  tf.backend_util.checkEinsumDimSizes(allDims.length, idDims, tensors as tf.Tensor[]);
  const result = equation.replace(/\s/g, '').split('->')[1]!;
  return { terms: idDims.map((dims) => dims.map((at) => allDims[at]!)), result: [...result] };
}

function einsum(tensors: readonly tf.TensorInfo[], equation: string): tf.TensorInfo {
  const { terms, result } = parse(equation, tensors);
  const temporary: tf.TensorInfo[] = [];
  const keep = (info: tf.TensorInfo): tf.TensorInfo => {
    temporary.push(info);
    return info;
  };
  const operands = tensors.map((info, index) => {
    const elsewhere = new Set([...result, ...terms.filter((_, other) => other !== index).flat()]);
    return summedAlone({ info, letters: terms[index]! }, elsewhere, keep);
  });
  const [a, b] = operands as [Operand, Operand?];
  const whole = b === undefined ? a : product(a, b, result, keep);
  const out = keep(arranged(whole, result));
  release(...temporary.slice(0, -1));
  return out;
}

type Keep = (info: tf.TensorInfo) => tf.TensorInfo;

/** Sums over the dimensions that nobody else names. */
function summedAlone({ info, letters }: Operand, elsewhere: ReadonlySet<string>, keep: Keep): Operand {
  const axis = letters.flatMap((letter, at) => (elsewhere.has(letter) ? [] : [at]));
  if (axis.length === 0) return { info, letters };
  const sum = keep(callKernel('Sum', { x: info }, { axis, keepDims: false }));
  return { info: sum, letters: letters.filter((letter) => elsewhere.has(letter)) };
}

/** Letters of both and of the result are the batch, of both and not of the result the depth of a matrix product. */
function product(a: Operand, b: Operand, result: readonly string[], keep: Keep): Operand {
  const isShared = (letter: string): boolean => a.letters.includes(letter) && b.letters.includes(letter);
  const batch = a.letters.filter((letter) => isShared(letter) && result.includes(letter));
  const depth = a.letters.filter((letter) => isShared(letter) && !result.includes(letter));
  const rows = a.letters.filter((letter) => !isShared(letter));
  const columns = b.letters.filter((letter) => !isShared(letter));
  const length = new Map([a, b].flatMap(({ info, letters }) => letters.map((l, at) => [l, info.shape[at]!])));
  const shapeOf = (letters: readonly string[]): number[] => letters.map((letter) => length.get(letter)!);
  const sizeOf = (letters: readonly string[]): number => tf.util.sizeFromShape(shapeOf(letters));
  const matrices = (operand: Operand, parts: readonly (readonly string[])[]): tf.TensorInfo => {
    const inOrder = keep(arranged(operand, parts.flat()));
    return keep(callKernel('Reshape', { x: inOrder }, { shape: parts.map(sizeOf) }));
  };
  const left = matrices(a, [batch, rows, depth]);
  const right = matrices(b, [batch, depth, columns]);
  const flags = { transposeA: false, transposeB: false };
  const flat = keep(callKernel('BatchMatMul', { a: left, b: right }, flags));
  const letters = [...batch, ...rows, ...columns];
  return { info: keep(callKernel('Reshape', { x: flat }, { shape: shapeOf(letters) })), letters };
}

/** A new tensor with its dimensions in the order of `letters`, all of which it has. */
function arranged({ info, letters }: Operand, order: readonly string[]): tf.TensorInfo {
  const perm = order.map((letter) => letters.indexOf(letter));
  return callKernel('Transpose', { x: info }, { perm });
}

/** By each operand: the sum of the gradient with the other one, spread over what the operand summed alone. */
function gradient(
  dy: tf.Tensor | tf.Tensor[],
  saved: tf.Tensor[],
  attributes: object,
): Record<string, () => tf.Tensor> {
  const { equation } = attributes as EinsumAttributes;
  const { terms, result } = parse(equation, saved);
  const byOperand = saved.map((tensor, index) => () => {
    const letters = terms[index]!;
    const others = saved.filter((_, other) => other !== index);
    const known = [result, ...terms.filter((_, other) => other !== index)];
    const reached = letters.filter((letter) => known.flat().includes(letter));
    const sources = known.map((term) => term.join('')).join(',');
    const part = tf.einsum(`${sources}->${reached.join('')}`, dy as tf.Tensor, ...others);
    const spread = letters.map((letter, at) => (reached.includes(letter) ? tensor.shape[at]! : 1));
    const repeats = letters.map((letter, at) => (reached.includes(letter) ? 1 : tensor.shape[at]!));
    return tf.tile(tf.reshape(part, spread), repeats);
  });
  return Object.fromEntries(byOperand.entries());
}
