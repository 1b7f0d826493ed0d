/** What training can be done on; apart from the backends themselves and from schemas, which are slow to load. */

/**
 * wasm: bit-identical on every CPU. fast: the same with fused multiply-add where the CPU has it. native: TensorFlow's C
 * library through the optional package `@tensorflow/tfjs-node`. The rounding of these two depends on the CPU, so rounds
 * cannot be audited. auto: native where it works, else wasm.
 */
export const BACKEND_CHOICES = ['auto', 'wasm', 'fast', 'native'] as const;
export type BackendChoice = (typeof BACKEND_CHOICES)[number];

export const BACKEND_DEFAULT: BackendChoice = 'wasm';
