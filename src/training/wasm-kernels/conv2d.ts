/** Two-dimensional convolutions and their gradients, of whole filters and of one filter per channel. */
import * as tf from '@tensorflow/tfjs';
import type { KernelHost } from './kernel-host.ts';
import { withBiasAndActivation } from './matmul.ts';
import { type Inputs, installKernel } from './registry.ts';

type Pair = [number, number] | number;
type Padding = 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;

interface ConvolutionAttributes {
  readonly strides: Pair;
  readonly pad: Padding;
  /** Gradient kernels of TensorFlow.js are called without. */
  readonly dilations?: Pair;
  readonly dataFormat?: 'NHWC' | 'NCHW';
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

interface FusedAttributes extends ConvolutionAttributes {
  readonly activation?: string;
  readonly leakyreluAlpha?: number;
}

type Shape4D = [number, number, number, number];

export function installConvolutions(host: KernelHost): void {
  installKernel<ConvolutionAttributes>(host, 'Conv2D', (_, inputs, attributes, original) =>
    isPlain(attributes, inputs['x']!, inputs['filter']!) ? convolve(host, inputs, attributes) : original(),
  );
  installKernel<FusedAttributes>(host, 'FusedConv2D', (_, inputs, attributes, original) =>
    isPlain(attributes, inputs['x']!, inputs['filter']!)
      ? withBiasAndActivation(host, convolve(host, inputs, attributes), inputs, attributes)
      : original(),
  );
  installKernel<ConvolutionAttributes & { filterShape: Shape4D }>(
    host,
    'Conv2DBackpropFilter',
    (_, { x, dy }, attributes, original) => {
      if (!isPlain(attributes, x!, dy!)) return original();
      const info = geometryOf(x!.shape, attributes.filterShape, attributes, false);
      const out = host.output(attributes.filterShape);
      const [geometry, scratch] = place(host, info, true);
      host.kernels.convolveFilterGradient(
        geometry,
        host.address(x!),
        host.address(dy!),
        host.address(out),
        scratch,
      );
      return out;
    },
  );
  installKernel<ConvolutionAttributes & { inputShape: Shape4D }>(
    host,
    'Conv2DBackpropInput',
    (_, { dy, filter }, attributes, original) => {
      if (!isPlain(attributes, dy!, filter!)) return original();
      const info = geometryOf(attributes.inputShape, filter!.shape, attributes, false);
      const out = host.output(attributes.inputShape);
      const [geometry, scratch] = place(host, info, true);
      host.kernels.convolveInputGradient(
        geometry,
        host.address(dy!),
        host.address(filter!),
        host.address(out),
        scratch,
      );
      return out;
    },
  );
  installKernel<ConvolutionAttributes & { filterShape: Shape4D }>(
    host,
    'DepthwiseConv2dNativeBackpropFilter',
    (_, { x, dy }, attributes) => {
      const info = geometryOf(x!.shape, attributes.filterShape, attributes, true);
      const out = host.output(attributes.filterShape);
      const [geometry] = place(host, info, false);
      host.kernels.depthwiseFilterGradient(geometry, host.address(x!), host.address(dy!), host.address(out));
      return out;
    },
  );
  installKernel<ConvolutionAttributes & { inputShape: Shape4D }>(
    host,
    'DepthwiseConv2dNativeBackpropInput',
    (_, { dy, filter }, attributes) => {
      const info = geometryOf(attributes.inputShape, filter!.shape, attributes, true);
      const out = host.output(attributes.inputShape);
      const [geometry] = place(host, info, false);
      host.kernels.depthwiseInputGradient(
        geometry,
        host.address(dy!),
        host.address(filter!),
        host.address(out),
      );
      return out;
    },
  );
}

/** Channels last and float32: all else is left to the backend, which refuses it. */
function isPlain(
  { dataFormat }: ConvolutionAttributes,
  first: tf.TensorInfo,
  second: tf.TensorInfo,
): boolean {
  return dataFormat !== 'NCHW' && first.dtype === 'float32' && second.dtype === 'float32';
}

function convolve(host: KernelHost, { x, filter }: Inputs, attributes: ConvolutionAttributes): tf.TensorInfo {
  const info = geometryOf(x!.shape, filter!.shape, attributes, false);
  const out = host.output(info.outShape);
  const [geometry, scratch] = place(host, info, true);
  host.kernels.convolve(geometry, host.address(x!), host.address(filter!), host.address(out), scratch);
  return out;
}

function geometryOf(
  inputShape: readonly number[],
  filterShape: readonly number[],
  { strides, pad, dilations = 1, dimRoundingMode }: ConvolutionAttributes,
  isDepthwise: boolean,
): tf.backend_util.Conv2DInfo {
  return tf.backend_util.computeConv2DInfo(
    [...inputShape] as Shape4D,
    [...filterShape] as Shape4D,
    strides,
    dilations,
    pad,
    dimRoundingMode,
    isDepthwise,
  );
}

/** int32 numbers of `Geometry` in `assembly/nn/conv.ts`, and its size rounded up to whole vectors. */
const geometryBytes = 64;

/** Writes the geometry to scratch memory. Returns its address and that of the scratch memory of the kernel. */
function place(host: KernelHost, info: tf.backend_util.Conv2DInfo, isProduct: boolean): [number, number] {
  const { padInfo } = info;
  const numbers = [
    info.batchSize,
    info.inHeight,
    info.inWidth,
    info.inChannels,
    info.outHeight,
    info.outWidth,
    info.outChannels,
    info.filterHeight,
    info.filterWidth,
    info.strideHeight,
    info.strideWidth,
    info.dilationHeight,
    info.dilationWidth,
    padInfo.top,
    padInfo.left,
  ];
  const small = host.scratch(geometryBytes);
  host.writeInts(small, numbers);
  if (!isProduct) return [small, small];
  const address = host.scratch(geometryBytes + host.kernels.convolutionScratchBytes(small));
  host.writeInts(address, numbers);
  return [address, address + geometryBytes];
}
