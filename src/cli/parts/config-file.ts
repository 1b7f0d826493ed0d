/** Files of this package that commands take as examples. */
import { existsSync } from 'node:fs';
import { normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../platform/node/package-root.ts';

/** Path of a file of this package, of which `name` is the path with slashes from its root. */
export function shippedFile(name: string): string {
  return fileURLToPath(new URL(name, packageRoot()));
}

/** What was named, or the package's own of that name: `configs/sim/first-run.yaml` and `examples/heart` work wherever one stands. */
export function configFile(file: string): string {
  const name = normalize(file).replaceAll('\\', '/');
  if (existsSync(file) || !/^(configs|examples)\//.test(name)) return file;
  return existsSync(shippedFile(name)) ? shippedFile(name) : file;
}

/** The same where several are named. */
export function configFiles(file: string, earlier?: readonly string[]): readonly string[] {
  return [...(earlier ?? []), configFile(file)];
}
