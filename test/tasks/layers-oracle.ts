/** Models that TensorFlow.js Layers itself makes and computes. */
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { rngFor } from '../../src/math/rng.ts';

/** What `model.save` writes, as JSON. */
export async function savedJson(model: tfl.LayersModel): Promise<{ modelTopology: unknown }> {
  let saved: unknown;
  await model.save(
    tf.io.withSaveHandler(async ({ weightData, ...artifacts }) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  return JSON.parse(JSON.stringify(saved));
}

const image = { inputShape: [9, 8, 3] };
const classes = (units = 4): tfl.layers.Layer => tfl.layers.dense({ units, activation: 'softmax' });

/** By what they show. */
export const models: Readonly<Record<string, () => tfl.LayersModel>> = {
  'dense layers of all activations': () =>
    tfl.sequential({
      layers: [
        tfl.layers.dense({ units: 9, activation: 'relu', inputShape: [7] }),
        ...(
          [
            'elu',
            'selu',
            'sigmoid',
            'softplus',
            'tanh',
            'relu6',
            'swish',
            'gelu',
            'gelu_new',
            'linear',
          ] as const
        ).map((activation) =>
          tfl.layers.dense({ units: 9, activation: activation as 'relu', useBias: activation !== 'tanh' }),
        ),
        tfl.layers.layerNormalization(),
        tfl.layers.dropout({ rate: 0.5 }),
        classes(),
      ],
    }),
  'convolutions, pooling and padding': () =>
    tfl.sequential({
      layers: [
        tfl.layers.zeroPadding2d({
          padding: [
            [1, 0],
            [2, 1],
          ],
          ...image,
        } as never),
        tfl.layers.conv2d({
          filters: 5,
          kernelSize: 3,
          activation: 'relu',
          padding: 'same',
          kernelInitializer: 'heNormal',
        }),
        tfl.layers.maxPooling2d({ poolSize: 2, padding: 'same' }),
        tfl.layers.conv2d({ filters: 6, kernelSize: [2, 3], strides: [1, 2], useBias: false }),
        tfl.layers.conv2d({
          filters: 6,
          kernelSize: 2,
          dilationRate: 2,
          padding: 'same',
          activation: 'tanh',
        }),
        tfl.layers.averagePooling2d({ poolSize: [2, 1], strides: [1, 1] }),
        tfl.layers.flatten(),
        tfl.layers.dense({ units: 4 }),
        tfl.layers.softmax(),
      ],
    }),
  'separable and depthwise convolutions': () =>
    tfl.sequential({
      layers: [
        tfl.layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, activation: 'relu', ...image }),
        // Its depthMultiplier is none of what TensorFlow.js saves.
        tfl.layers.separableConv2d({
          filters: 5,
          kernelSize: 3,
          padding: 'same',
          activation: 'elu',
        }),
        tfl.layers.globalAveragePooling2d({}),
        tfl.layers.dense({ units: 4 }),
        tfl.layers.activation({ activation: 'softmax' }),
      ],
    }),
  'images without channels': () =>
    tfl.sequential({
      layers: [
        tfl.layers.reshape({ targetShape: [8, 6, 1], inputShape: [8, 6] }),
        tfl.layers.conv2d({ filters: 3, kernelSize: 3, activation: 'relu' }),
        tfl.layers.globalMaxPooling2d({}),
        classes(3),
      ],
    }),
  'sequences under windows': () =>
    tfl.sequential({
      layers: [
        tfl.layers.conv1d({
          filters: 5,
          kernelSize: 3,
          padding: 'same',
          activation: 'relu',
          inputShape: [11, 3],
        }),
        tfl.layers.conv1d({ filters: 4, kernelSize: 2, dilationRate: 2, padding: 'same', useBias: false }),
        tfl.layers.maxPooling1d({ poolSize: 2, strides: 1 }),
        tfl.layers.averagePooling1d({ poolSize: 3, strides: 2, padding: 'same' }),
        tfl.layers.conv1d({ filters: 4, kernelSize: 2, strides: 2 }),
        tfl.layers.globalAveragePooling1d(),
        classes(),
      ],
    }),
  'a recurrent layer behind another': () =>
    tfl.sequential({
      layers: [
        tfl.layers.lstm({
          units: 5,
          recurrentActivation: 'sigmoid',
          recurrentInitializer: 'glorotUniform',
          returnSequences: true,
          inputShape: [6, 3],
        }),
        tfl.layers.gru({
          units: 4,
          recurrentActivation: 'sigmoid',
          recurrentInitializer: 'glorotUniform',
          useBias: false,
          returnSequences: true,
        }),
        tfl.layers.globalMaxPooling1d(),
        tfl.layers.reshape({ targetShape: [2, 2] }),
        tfl.layers.gru({ units: 4, recurrentActivation: 'sigmoid', recurrentInitializer: 'glorotUniform' }),
        classes(),
      ],
    }),
  'a graph that parts and meets': () => {
    const input = tfl.input({ shape: [8, 8, 2] });
    const wide = tfl.layers
      .conv2d({ filters: 4, kernelSize: 3, padding: 'same', name: 'wide' })
      .apply(input) as tfl.SymbolicTensor;
    const deep = tfl.layers
      .conv2d({ filters: 4, kernelSize: 1, activation: 'relu' })
      .apply(wide) as tfl.SymbolicTensor;
    const sum = tfl.layers.add().apply([wide, deep]) as tfl.SymbolicTensor;
    const product = tfl.layers.multiply().apply([sum, wide]) as tfl.SymbolicTensor;
    const both = tfl.layers.concatenate().apply([product, deep]) as tfl.SymbolicTensor;
    const flat = tfl.layers.globalAveragePooling2d({}).apply(both) as tfl.SymbolicTensor;
    return tfl.model({ inputs: input, outputs: classes().apply(flat) as tfl.SymbolicTensor });
  },
};

/** Gives every weight numbers, and returns them one after the other. */
export function fillWeights(model: tfl.LayersModel, key: string): Float32Array {
  const rng = rngFor(`layers/${key}`);
  const tensors = model.getWeights().map(({ shape }) => {
    const values = new Float32Array(shape.reduce((product, each) => product! * each!, 1)!);
    rng.fillUniform(values, -0.5, 0.5);
    return tf.tensor(values, shape as number[]);
  });
  model.setWeights(tensors);
  const flat = Float32Array.from(tensors.flatMap((tensor) => [...tensor.dataSync()]));
  tf.dispose(tensors);
  return flat;
}
