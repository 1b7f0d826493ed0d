/** Files of this package that commands take as examples. */
import { existsSync } from 'node:fs';
import { normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from './package-root.ts';

/** Path of a file of this package, of which `name` is the path with slashes from its root. */
export function shippedFile(name: string): string {
  return fileURLToPath(new URL(name, packageRoot()));
}

/** The file as it was named, or the package's own of that name: `configs/sim/first-run.yaml` works wherever one stands. */
export function configFile(file: string): string {
  const name = normalize(file).replaceAll('\\', '/');
  if (existsSync(file) || !name.startsWith('configs/')) return file;
  return existsSync(shippedFile(name)) ? shippedFile(name) : file;
}
