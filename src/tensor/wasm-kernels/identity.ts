/**
 * Clones that share their numbers, as on the other backends: this one copies them, and each tensor that a gradient needs is
 * cloned.
 */
import type { KernelHost } from './kernel-host.ts';
import { installKernel } from './registry.ts';

export function installIdentity(host: KernelHost): void {
  installKernel('Identity', ({ x }, _attributes, original) =>
    x!.dtype === 'string' ? original() : host.share(x!),
  );
}
