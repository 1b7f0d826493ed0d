/** Recurrent layers, step by step: the products with the inputs of all steps at once, those with the state one after the other. */
import * as tf from '@tensorflow/tfjs-core';
import type { Weights } from '../parts/weights.ts';

/** x W (+ bias) of all steps: for each step rows x gates. */
function projected(weights: Weights, x: tf.Tensor3D, bias: tf.Tensor | null): tf.Tensor2D[] {
  const [rows, steps, channels] = x.shape;
  const kernel = weights.take<tf.Tensor2D>('kernel');
  const product = tf.matMul(tf.reshape(x, [rows * steps, channels]) as tf.Tensor2D, kernel);
  const all = tf.reshape(bias === null ? product : tf.add(product, bias), [rows, steps, kernel.shape[1]]);
  return tf.unstack(all, 1) as tf.Tensor2D[];
}

function given(states: readonly tf.Tensor2D[], sequences: boolean): tf.Tensor {
  return sequences ? tf.stack([...states], 1) : states.at(-1)!;
}

export function longShortTermMemory(weights: Weights, x: tf.Tensor3D, sequences: boolean): tf.Tensor {
  const recurrent = weights.take<tf.Tensor2D>('recurrent_kernel');
  const units = recurrent.shape[0];
  const bias = weights.has('bias') ? weights.take('bias') : null;
  let state = tf.zeros([x.shape[0], units]) as tf.Tensor2D;
  let cell = state;
  const states = projected(weights, x, bias).map((inputs) => {
    const [i, f, c, o] = tf.split(tf.add(inputs, tf.matMul(state, recurrent)), 4, 1) as [
      ...[tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D],
    ];
    cell = tf.add(tf.mul(tf.sigmoid(f), cell), tf.mul(tf.sigmoid(i), tf.tanh(c)));
    state = tf.mul(tf.sigmoid(o), tf.tanh(cell));
    return state;
  });
  return given(states, sequences);
}

export function gatedRecurrentUnit(
  weights: Weights,
  x: tf.Tensor3D,
  sequences: boolean,
  resetAfter: boolean,
): tf.Tensor {
  const recurrent = weights.take<tf.Tensor2D>('recurrent_kernel');
  const units = recurrent.shape[0];
  const bias = weights.has('bias') ? weights.take('bias') : null;
  const [ofInput, ofState] =
    bias !== null && resetAfter ? (tf.unstack(bias, 0) as [tf.Tensor, tf.Tensor]) : [bias, null];
  const [gates, inner] = resetAfter
    ? [recurrent, null]
    : (tf.split(recurrent, [2 * units, units], 1) as [tf.Tensor2D, tf.Tensor2D]);
  let state = tf.zeros([x.shape[0], units]) as tf.Tensor2D;
  const states = projected(weights, x, ofInput).map((inputs) => {
    const [inZ, inR, inH] = tf.split(inputs, 3, 1) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
    const product = tf.matMul(state, gates);
    const parts = tf.split(ofState === null ? product : tf.add(product, ofState), inner === null ? 3 : 2, 1);
    const z = tf.sigmoid(tf.add(inZ, parts[0]!));
    const r = tf.sigmoid(tf.add(inR, parts[1]!));
    const fromState = inner === null ? tf.mul(r, parts[2]!) : tf.matMul(tf.mul(r, state), inner);
    const candidate = tf.tanh(tf.add(inH, fromState));
    state = tf.add(tf.mul(z, state), tf.mul(tf.sub(1, z), candidate));
    return state;
  });
  return given(states, sequences);
}
