/** WebAssembly modules that travel as text. */
import { fromString } from 'uint8arrays/from-string';

/** What the compiled kernels throw on: a broken invariant of their caller, never an input of a user. */
function abort(): never {
  throw new Error('a kernel aborted');
}

/**
 * Compiles and instantiates at once: the modules are small, and what is called with vectors must not wait.
 * `Exports` names what the module exports; `memory` is what its pointers point into.
 */
export function instantiateKernels<Exports>(base64: string, memory: WebAssembly.Memory): Exports {
  const module = new WebAssembly.Module(fromString(base64, 'base64'));
  return new WebAssembly.Instance(module, { env: { memory, abort } }).exports as Exports;
}
