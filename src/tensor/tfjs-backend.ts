/** Starts TensorFlow.js once per thread on a backend that is known to compute, not only to be present. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import './generated/gradients.ts';
import type { BackendChoice } from './backend-choices.ts';
import { BackendUnavailableError } from './backend-error.ts';
import { restoreUtilities } from './node-compatibility.ts';
import { installWasmKernels } from './wasm-kernels/install.ts';
import type { KernelBuild } from './wasm-kernels/kernel-host.ts';

export interface StartedBackend {
  readonly kind: 'wasm' | 'fast' | 'native';
  /** Which backend runs and why not a faster one: one sentence for people. */
  readonly sentence: string;
}

// TensorFlow.js keeps one backend per thread, so what has been started is a fact of the thread.
let started: Promise<StartedBackend> | null = null;

/**
 * Starts the backend; later calls in the same thread return what runs.
 * @throws BackendUnavailableError where the choice cannot run here, or another backend already does.
 */
export async function startBackend(choice: BackendChoice): Promise<StartedBackend> {
  started ??= start(choice).catch((error: unknown) => {
    started = null;
    throw error;
  });
  const running = await started;
  if (choice !== 'auto' && choice !== running.kind) {
    throw new BackendUnavailableError(
      `this thread already computes on ${running.kind}: use one backend per process, or a thread for ${choice}`,
    );
  }
  return running;
}

/** What runs in this thread, or WebAssembly started now. */
export function ensureBackend(): Promise<StartedBackend> {
  return started ?? startBackend('wasm');
}

async function start(choice: BackendChoice): Promise<StartedBackend> {
  // Keeps TensorFlow.js from printing its advice to install the native package; checks of shapes stay.
  tf.enableProdMode();
  if (choice === 'wasm') {
    await startWasm('reproducible');
    return {
      kind: 'wasm',
      sentence:
        "TensorFlow.js on WebAssembly SIMD: bit-identical on every CPU; backend 'fast' or 'native' would be faster and is not",
    };
  }
  if (choice === 'fast') {
    await startWasm('fast');
    return {
      kind: 'fast',
      sentence:
        'TensorFlow.js on WebAssembly SIMD with fused multiply-add: rounding depends on the CPU, so rounds cannot be audited',
    };
  }
  const failure = await startNative();
  if (failure === null) {
    return {
      kind: 'native',
      sentence:
        'TensorFlow.js on the native TensorFlow library: rounding depends on the CPU, so rounds cannot be audited',
    };
  }
  if (choice === 'native') {
    throw new BackendUnavailableError(`the native backend cannot run: ${failure}; use backend 'wasm'`);
  }
  await startWasm('reproducible');
  return {
    kind: 'wasm',
    sentence: `TensorFlow.js on WebAssembly SIMD, as the native library cannot run: ${failure}`,
  };
}

/** Of the library's WebAssembly: beside the bundle, in what `npm run build` makes (scripts/bundle-tensorflow.ts), else in its package. */
function wasmFolder(): string {
  const bundled = fileURLToPath(new URL('../../vendor', import.meta.url));
  if (existsSync(join(bundled, 'tensorflow.js'))) return bundled;
  const manifest = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json');
  return join(dirname(manifest), 'dist');
}

async function startWasm(build: KernelBuild): Promise<void> {
  setWasmPaths(wasmFolder() + sep);
  if (!(await tf.setBackend('wasm'))) {
    throw new BackendUnavailableError(
      'WebAssembly could not be started: this Node.js was built or started without it',
    );
  }
  installWasmKernels(build);
  const failure = failureOfProduct();
  if (failure !== null) {
    throw new BackendUnavailableError(`the WebAssembly backend ${failure}: install starlings anew`);
  }
}

/** Returns why native does not run, or null when it does. */
async function startNative(): Promise<string | null> {
  // Not a literal: the package is optional, and the compiler would demand it.
  const packageName: string = '@tensorflow/tfjs-node';
  restoreUtilities();
  try {
    await import(packageName);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ERR_MODULE_NOT_FOUND' && message.includes(packageName)
      ? `${packageName} is not installed`
      : `${packageName} does not load (${message.split('\n')[0]})`;
  }
  if (tf.findBackend('tensorflow') === null) {
    return `${packageName} brought its own copy of TensorFlow.js: install version ${tf.version_core}`;
  }
  const selected = await tf.setBackend('tensorflow');
  return selected ? failureOfProduct() : `${packageName} does not start`;
}

/** One real product with a known answer; presence of a backend proves nothing. */
function failureOfProduct(): string | null {
  try {
    const product = tf.tidy(() =>
      tf
        .matMul(tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]), tf.tensor2d([1, 0, 2, 0, 1, 3], [2, 3]), false, true)
        .dataSync(),
    );
    const expected = [7, 11, 16, 23];
    return expected.every((value, index) => product[index] === value)
      ? null
      : `computes a wrong product (${Array.from(product).join(', ')} for ${expected.join(', ')})`;
  } catch (error) {
    return `cannot compute a product (${(error as Error).message.split('\n')[0]})`;
  }
}
