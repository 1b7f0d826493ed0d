/** The dashboard as files that a node serves: `dist/page/`. `--size` prints what they take, compressed. */
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const entry = fileURLToPath(new URL('../src/page/main.tsx', import.meta.url));
const labels = fileURLToPath(new URL('../src/page/label.tsx', import.meta.url));
const style = join(root, 'src/page/page.css');
/** The licence of all asks that it goes where they go. */
const notice =
  '/*! Holds Preact, Copyright (c) 2015-present Jason Miller, uPlot, Copyright (c) 2022 Leon Sorokin, uqr, Copyright (c) Project Nayuki, 2023 Anthony Fu, and eventsource-parser, Copyright (c) 2026 Espen Hovlandsdal, all MIT: see LICENSE */';
const target = join(root, 'dist', 'page');

async function buildPage(): Promise<void> {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  await build({
    entryPoints: [
      { in: entry, out: 'page' },
      { in: labels, out: 'label' },
      { in: style, out: 'page' },
    ],
    outdir: target,
    bundle: true,
    minify: true,
    format: 'iife',
    platform: 'browser',
    target: ['es2022', 'chrome110', 'firefox115', 'safari16'],
    legalComments: 'eof',
    banner: { js: notice, css: notice },
    tsconfig: join(root, 'tsconfig.page.json'),
  });
  for (const name of ['page.html', 'label.html', 'favicon.svg'])
    cpSync(join(root, 'src/page', name), join(target, name));
}

await buildPage();
if (process.argv.includes('--size')) {
  const sizes = ['page.html', 'page.js', 'page.css', 'label.html', 'label.js', 'favicon.svg'].map((name) => {
    const content = readFileSync(join(target, name));
    return { name, bytes: content.length, gzip: gzipSync(content, { level: 9 }).length };
  });
  console.table(sizes);
  console.log(`${sizes.reduce((sum, { gzip }) => sum + gzip, 0)} bytes compressed in all`);
}
