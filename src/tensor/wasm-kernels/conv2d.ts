/** Two-dimensional convolutions and their gradients, of whole filters and of one filter per channel. */
import * as tf from '@tensorflow/tfjs-core';
import { fusedKernels } from '../operations/fused-kernels.ts';
import { geometryBytes, placeGeometry } from './geometry.ts';
import type { KernelHost } from './kernel-host.ts';
import { type FusedAttributes, withBiasAndActivation } from './matmul.ts';
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

type Shape4D = [number, number, number, number];

export function installConvolutions(host: KernelHost): void {
  installKernel<ConvolutionAttributes>('Conv2D', (inputs, attributes, original) =>
    isPlain(attributes, inputs['x']!, inputs['filter']!) ? convolve(host, inputs, attributes) : original(),
  );
  installKernel<ConvolutionAttributes & FusedAttributes>('FusedConv2D', (inputs, attributes, original) =>
    isPlain(attributes, inputs['x']!, inputs['filter']!)
      ? withBiasAndActivation(host, convolve(host, inputs, attributes), inputs, attributes)
      : original(),
  );
  installExampleFilters(host);
  const { kernels } = host;
  installGradients(
    host,
    'Conv2DBackprop',
    false,
    kernels.convolveFilterGradient,
    kernels.convolveInputGradient,
  );
  const depthwise = [kernels.depthwiseFilterGradient, kernels.depthwiseInputGradient] as const;
  installGradients(host, 'DepthwiseConv2dNativeBackprop', true, ...depthwise);
}

/** Addresses: geometry, two operands, result, scratch memory. */
type GradientKernel = (geometry: number, first: number, second: number, out: number, scratch: number) => void;

/** Both gradients of a kind of convolution; depthwise ones need no scratch memory. */
function installGradients(
  host: KernelHost,
  name: string,
  isDepthwise: boolean,
  byFilter: GradientKernel,
  byInput: GradientKernel,
): void {
  const run = (
    kernel: GradientKernel,
    info: tf.backend_util.Conv2DInfo,
    [first, second]: [tf.TensorInfo, tf.TensorInfo],
    shape: Shape4D,
  ): tf.TensorInfo => {
    const out = host.output(shape);
    const [geometry, scratch] = isDepthwise ? [placeGeometry(host, info), 0] : place(host, info);
    kernel(geometry, host.address(first), host.address(second), host.address(out), scratch);
    return out;
  };
  installKernel<ConvolutionAttributes & { filterShape: Shape4D }>(
    `${name}Filter`,
    ({ x, dy }, attributes, original) => {
      if (!isPlain(attributes, x!, dy!)) return original();
      const info = geometryOf(x!.shape, attributes.filterShape, attributes, isDepthwise);
      return run(byFilter, info, [x!, dy!], attributes.filterShape);
    },
  );
  installKernel<ConvolutionAttributes & { inputShape: Shape4D }>(
    `${name}Input`,
    ({ dy, filter }, attributes, original) => {
      if (!isPlain(attributes, dy!, filter!)) return original();
      const info = geometryOf(attributes.inputShape, filter!.shape, attributes, isDepthwise);
      return run(byInput, info, [dy!, filter!], attributes.inputShape);
    },
  );
}

/** The gradient by the filter for each example: examples x size of the filter. */
function installExampleFilters(host: KernelHost): void {
  installKernel<ConvolutionAttributes & { filterShape: Shape4D }>(
    fusedKernels.exampleFilters,
    ({ x, dy }, attributes) => {
      const [examples, ...one] = x!.shape as Shape4D;
      const size = tf.util.sizeFromShape(attributes.filterShape);
      const out = host.output([examples, size]);
      const info = geometryOf([1, ...one], attributes.filterShape, attributes, false);
      const [geometry, scratch] = place(host, info);
      const [from, changes, to] = [host.address(x!), host.address(dy!), host.address(out)];
      const steps = [x!, dy!].map(({ shape }) => (4 * tf.util.sizeFromShape(shape)) / examples);
      for (let example = 0; example < examples; example++) {
        host.kernels.convolveFilterGradient(
          geometry,
          from + example * steps[0]!,
          changes + example * steps[1]!,
          to + 4 * example * size,
          scratch,
        );
      }
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
  const [geometry, scratch] = place(host, info);
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

/** Addresses of the geometry and of the scratch memory of a product behind it. */
function place(host: KernelHost, info: tf.backend_util.Conv2DInfo): [number, number] {
  const bytes = host.kernels.convolutionScratchBytes(placeGeometry(host, info));
  const address = placeGeometry(host, info, bytes);
  return [address, address + geometryBytes];
}
