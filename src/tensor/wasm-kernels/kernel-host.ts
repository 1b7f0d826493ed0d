/** Our compiled kernels in the memory of TensorFlow.js's WebAssembly backend. */
import type * as tf from '@tensorflow/tfjs-core';
import { wasmBase64 as reproducible } from '../../kernels/generated/nn.ts';
import { wasmBase64 as fast } from '../../kernels/generated/nn-fast.ts';
import { instantiateKernels } from '../../kernels/instantiate.ts';
import type { NnKernels } from '../../kernels/nn-kernels.ts';

/** fast: with fused multiply-add where the CPU has it, so not the same bits on every CPU. */
export type KernelBuild = 'reproducible' | 'fast';

/** What of the backend's own class its types do not show. */
interface WasmBackend extends tf.KernelBackend {
  readonly wasm: {
    readonly asm: { readonly memory: WebAssembly.Memory };
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  readonly dataIdMap: { get(dataId: tf.DataId): { readonly memoryOffset: number } };
  makeOutput(shape: readonly number[], dtype: tf.DataType): tf.TensorInfo;
}

/** Vectors begin at multiples of this. */
const alignment = 16;

export class KernelHost {
  readonly kernels: NnKernels;
  private readonly backend: WasmBackend;
  private scratchAddress = 0;
  private scratchBytes = 0;

  constructor(backend: tf.KernelBackend, build: KernelBuild) {
    this.backend = backend as WasmBackend;
    const base64 = build === 'fast' ? fast : reproducible;
    this.kernels = instantiateKernels<NnKernels>(base64, this.backend.wasm.asm.memory);
  }

  /** Address of a tensor's numbers: stays what it is while the tensor lives, even when memory grows. */
  address({ dataId }: tf.TensorInfo): number {
    return this.backend.dataIdMap.get(dataId).memoryOffset;
  }

  /** A new tensor with numbers of whatever was in its memory. */
  output(shape: readonly number[], dtype: tf.DataType = 'float32'): tf.TensorInfo {
    return this.backend.makeOutput([...shape], dtype);
  }

  /** Another tensor of the same numbers, which live until both are disposed of. */
  share({ dataId, shape, dtype }: tf.TensorInfo): tf.TensorInfo {
    this.backend.incRef(dataId);
    return { dataId, shape, dtype };
  }

  /** Memory for one call of a kernel: the next call of `scratch` hands out the same. @throws RangeError when there is none */
  scratch(bytes: number): number {
    if (bytes > this.scratchBytes) {
      const { wasm } = this.backend;
      if (this.scratchBytes > 0) wasm._free(this.scratchAddress);
      this.scratchBytes = 0;
      this.scratchAddress = wasm._malloc(bytes + alignment);
      if (this.scratchAddress === 0) {
        throw new RangeError(`WebAssembly has no ${bytes} bytes of memory left for a kernel`);
      }
      this.scratchBytes = bytes;
    }
    return Math.ceil(this.scratchAddress / alignment) * alignment;
  }

  /** Writes int32 to an address. */
  writeInts(address: number, values: readonly number[]): void {
    new Int32Array(this.backend.wasm.asm.memory.buffer, address, values.length).set(values);
  }

  /** So many numbers from an address on, until memory grows. */
  floats(address: number, count: number): Float32Array {
    return new Float32Array(this.backend.wasm.asm.memory.buffer, address, count);
  }

  doubles(address: number, count: number): Float64Array {
    return new Float64Array(this.backend.wasm.asm.memory.buffer, address, count);
  }

  words(address: number, count: number): Uint32Array {
    return new Uint32Array(this.backend.wasm.asm.memory.buffer, address, count);
  }

  /** Writes a float32 to an address. */
  writeFloat(address: number, value: number): void {
    new Float32Array(this.backend.wasm.asm.memory.buffer, address, 1)[0] = value;
  }
}
