/** How a kernel of ours comes into TensorFlow.js's registry. */
import * as tf from '@tensorflow/tfjs-core';

export type Inputs = Readonly<Record<string, tf.TensorInfo>>;

/** What runs when the kernel is called. `original` is what the backend had under this name. */
export type Implementation<Attributes> = (
  inputs: Inputs,
  attributes: Attributes,
  original: () => tf.TensorInfo | tf.TensorInfo[],
) => tf.TensorInfo | tf.TensorInfo[];

const backendName = 'wasm';

/** Registers a kernel of the WebAssembly backend in place of its own, if it had one. */
export function installKernel<Attributes>(
  kernelName: string,
  implementation: Implementation<Attributes>,
): void {
  const before = tf.getKernel(kernelName, backendName);
  if (before != null) tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({
    ...before,
    kernelName,
    backendName,
    kernelFunc: (call) => {
      const original = (): tf.TensorInfo | tf.TensorInfo[] => {
        if (before == null) {
          throw new RangeError(`kernel ${kernelName} does not take these tensors on backend ${backendName}`);
        }
        return before.kernelFunc(call);
      };
      return implementation(call.inputs as Inputs, call.attrs as unknown as Attributes, original);
    },
  });
}

/** Registers the gradient of a kernel: `backward` gets the gradient by its first result. */
export function installGradient(
  kernelName: string,
  saves: { inputs: string[]; outputs?: boolean[] },
  backward: (
    dy: tf.Tensor,
    saved: tf.Tensor[],
    attributes: tf.NamedAttrMap,
  ) => Record<string, () => tf.Tensor>,
): void {
  tf.registerGradient({
    kernelName,
    inputsToSave: saves.inputs,
    ...(saves.outputs ? { outputsToSave: saves.outputs } : {}),
    gradFunc: (dy, saved, attributes) =>
      backward(Array.isArray(dy) ? dy[0]! : dy, saved, attributes as tf.NamedAttrMap),
  });
}

/** Calls a kernel of the backend from within another one: the caller disposes of what it does not return. */
export function callKernel(
  kernelName: string,
  inputs: Inputs,
  attributes: Readonly<Record<string, unknown>> = {},
): tf.TensorInfo {
  const { kernelFunc } = tf.getKernel(kernelName, backendName);
  const call = { inputs, attrs: attributes, backend: tf.backend() };
  return kernelFunc(call as unknown as Parameters<tf.KernelFunc>[0]) as tf.TensorInfo;
}

/** Frees the results of kernels that were called from within a kernel. */
export function release(...tensors: tf.TensorInfo[]): void {
  const backend = tf.backend() as tf.KernelBackend & { disposeData(dataId: tf.DataId): boolean };
  for (const { dataId } of tensors) backend.disposeData(dataId);
}
