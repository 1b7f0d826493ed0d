import type { BackendChoice } from '../tensor/tfjs-backend.ts';

/** Apart from the backends themselves, which are slow to load. */
export const BACKEND_CHOICES = ['auto', 'wasm', 'fast', 'native'] as const satisfies readonly BackendChoice[];
