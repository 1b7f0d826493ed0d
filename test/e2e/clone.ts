/** What a build reads and the package holds, in a folder of its own: who builds or packs there takes nothing from under the feet of others. */
import { cpSync, mkdtempSync, readdirSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from '../architecture/source-tree.ts';

const folders = ['src', 'sim', 'scripts', 'configs', 'docs', 'examples', 'test/kernels'];

export function cloned(): string {
  const clone = mkdtempSync(join(tmpdir(), 'starlings-clone-'));
  const files = readdirSync(repositoryRoot).filter((name) => /\.json$|^LICENSE|\.md$/.test(name));
  for (const name of [...folders, ...files]) {
    cpSync(join(repositoryRoot, name), join(clone, name), { recursive: true });
  }
  symlinkSync(join(repositoryRoot, 'node_modules'), join(clone, 'node_modules'));
  return clone;
}
