/**
 * docs/pictures/start.svg: what a terminal shows of `starlings start`, frame by frame, of a run that is made for it now
 * (`npm run docs:picture`, under two minutes). Plain SVG with CSS: no script, no font of its own; who asks for less motion sees the end.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { upOptionsOf } from '../src/cli/parts/testnet/testnet-options.ts';
import { LossTrails } from '../src/cli/view/loss-trails.ts';
import { renderView, type TextStyle } from '../src/cli/view/render-view.ts';
import { runTimesOf, type ViewState, viewOf } from '../src/cli/view/view-state.ts';
import { runToEnd } from '../src/testnet/run-to-end.ts';

const columns = 80;
const framesMax = 40;
const frameSeconds = 0.4;
/** So many frames long the last one stays. */
const lastFrames = 10;

const [letterWidth, lineHeight, margin] = [8.4, 18, 14];
const colours: Readonly<Record<TextStyle, string>> = {
  strong: '#f0f6fc;font-weight:bold',
  quiet: '#7d8590',
  good: '#3fb950',
  bad: '#f85149',
  accent: '#39c5cf',
};

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Lines of one look at the testnet, in which tones are SVG already. */
function linesOf(state: ViewState): string[] {
  const paint = (tone: TextStyle, text: string): string => `\ue001${tone}\ue002${text}\ue003`;
  return renderView(state, columns, paint)
    .split('\n')
    .map((line) =>
      escaped(line)
        .replaceAll(/\ue001(\w+)\ue002/g, '<tspan class="$1">')
        .replaceAll('\ue003', '</tspan>'),
    );
}

/** The frames one after the other, again and again. */
function animated(frames: readonly (readonly string[])[]): string {
  const height = Math.max(...frames.map(({ length }) => length)) + 2;
  const parts = frames.length - 1 + lastFrames;
  const percent = (count: number): string => `${((100 * count) / parts).toFixed(3)}%`;
  const animation = (name: string): string =>
    `animation:${name} ${(parts * frameSeconds).toFixed(1)}s step-end infinite`;
  const delays = frames.map((_, i) => `#f${i}{animation-delay:${((i - parts) * frameSeconds).toFixed(1)}s}`);
  const [width, depth] = [columns * letterWidth + 2 * margin, height * lineHeight + 2 * margin];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${depth}" width="${width}" height="${depth}" role="img">`,
    '<title>starlings start: eight nodes train one model; all bootstraps are killed on the way</title>',
    '<style>',
    'text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#c9d1d9;white-space:pre}',
    ...Object.entries(colours).map(([tone, style]) => `.${tone}{fill:${style}}`),
    '.f{visibility:hidden}.l{visibility:visible}',
    `@media(prefers-reduced-motion:no-preference){.f{${animation('f')}}.l{${animation('l')}}${delays.join('')}}`,
    `@keyframes f{0%{visibility:visible}${percent(1)}{visibility:hidden}}`,
    `@keyframes l{0%{visibility:visible}${percent(lastFrames)}{visibility:hidden}}`,
    '</style>',
    `<rect width="100%" height="100%" rx="8" fill="#0d1117"/>`,
    textOf('<tspan class="accent">$</tspan> npx starlings start', 0),
    ...frames.map((lines, i) => {
      const isLast = i === frames.length - 1;
      const texts = lines.flatMap((line, row) => (line === '' ? [] : [textOf(line, row + 2)]));
      return `<g id="f${i}" class="${isLast ? 'l' : 'f'}">${texts.join('')}</g>`;
    }),
    '</svg>\n',
  ].join('\n');
}

function textOf(line: string, row: number): string {
  return `<text x="${margin}" y="${margin + (row + 0.75) * lineHeight}" xml:space="preserve">${line}</text>`;
}

/** At most `framesMax`, evenly, the first and the last among them. */
function thinned<T>(frames: readonly T[]): T[] {
  const step = Math.max(1, (frames.length - 1) / (framesMax - 1));
  return Array.from({ length: Math.min(framesMax, frames.length) }, (_, i) => frames[Math.round(i * step)]!);
}

const directory = mkdtempSync(join(tmpdir(), 'starlings-picture-'));
try {
  const states: ViewState[] = [];
  const trails = new LossTrails();
  let times: ReturnType<typeof runTimesOf> | null = null;
  const say = (line: string): boolean => process.stderr.write(`${line}\n`);
  await runToEnd(
    await upOptionsOf(undefined, { bootstraps: 2, backend: 'wasm', logLevel: 'error' }, directory, say),
    {
      onUp: ({ state }) => {
        times = runTimesOf(state);
      },
      onLook: (observation) => {
        trails.note(observation.nodes);
        if (times) states.push(viewOf(observation, times, trails));
      },
      onBootstrapsKilled: () => {},
    },
    new AbortController().signal,
  );
  mkdirSync('docs/pictures', { recursive: true });
  writeFileSync('docs/pictures/start.svg', animated(thinned(states).map(linesOf)));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
