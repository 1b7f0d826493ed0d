/** What judges whether everybody can use a page. A page's own policy lets no script in: it comes by the debugger. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

export function sourceOfAxe(): Promise<string> {
  return readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
}
