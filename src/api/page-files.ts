/** The page that shows nodes in a browser, as `npm run build:page` bundled it. Read when it is first asked for. */
import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { packageRoot } from '../platform/node/package-root.ts';
import { reply } from './replies.ts';

/** No script or style but ours, nothing from elsewhere, in no frame. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const types: Readonly<Record<string, string>> = {
  '/': 'text/html; charset=utf-8',
  '/page.js': 'text/javascript; charset=utf-8',
  '/page.css': 'text/css; charset=utf-8',
  '/label.js': 'text/javascript; charset=utf-8',
  '/favicon.svg': 'image/svg+xml',
};

export function pageDirectory(): URL {
  return new URL('dist/page/', packageRoot());
}

/** What everybody may have: nothing of the node is in it. */
export function isPagePath(path: string): boolean {
  return Object.hasOwn(types, path);
}

/** False where the path is none of the page's, and nothing is answered. `home`: what there is at `/`. */
export async function servePage(
  path: string,
  response: ServerResponse,
  home: 'page.html' | 'label.html' = 'page.html',
): Promise<boolean> {
  const type = types[path];
  if (type === undefined) return false;
  const file = new URL(path === '/' ? home : path.slice(1), pageDirectory());
  const content = await readFile(file).catch(() => null);
  const headers = { 'content-security-policy': policy, 'cache-control': 'no-cache' };
  if (content === null) {
    reply(response, 503, 'text/plain', 'the page is not built: npm run build:page\n');
  } else reply(response, 200, type, content, headers);
  return true;
}
