/**
 * Okabe and Ito (2008), told apart by the colour-blind; on dark paper in tints that are as bright as they are dark on white. Of both at least
 * 3:1 against the paper, as WCAG 2.2 (1.4.11) asks of what is drawn.
 */
const lineColours: ReadonlyArray<{ readonly light: string; readonly dark: string }> = [
  { light: '#0072b2', dark: '#56b4e9' },
  { light: '#c04f00', dark: '#ff9a4d' },
  { light: '#00805d', dark: '#2fd0a0' },
  { light: '#b0558a', dark: '#e39cc6' },
];
const light = lineColours.map((colour, at) => `--line${at}: ${colour.light};`).join(' ');
const dark = lineColours.map((colour, at) => `--line${at}: ${colour.dark};`).join(' ');

/** The style sheet of all pages: light and dark, no fonts or pictures from elsewhere. */
export const style = `
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --faint: #ccc; ${light} }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --paper: #181818; --faint: #444; ${dark} } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 960px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.4em; } h2 { font-size: 1.1em; }
.numbers { display: grid; grid-template-columns: repeat(auto-fill, minmax(210px, 1fr)); gap: .8em; }
.numbers b { display: block; font-size: 1.3em; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(400px, 100%), 1fr)); gap: 1em; }
svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: var(--ink); }
svg .title { font-weight: 600; font-size: 12px; } svg .y { text-anchor: end; dominant-baseline: middle; }
svg .x { text-anchor: middle; } svg .legend { text-anchor: end; } svg .none { text-anchor: middle; opacity: .6; }
svg path { fill: none; stroke-width: 1.8; } svg path.dot { stroke-width: 8; }
${lineColours.map((_, at) => `svg path.c${at} { stroke: var(--line${at}); } svg text.c${at} { fill: var(--line${at}); }`).join(' ')}
svg svg .grid { stroke: var(--faint); stroke-width: .6; }
#net { border: 1px solid var(--faint); } #links { stroke: var(--ink); stroke-width: .5; opacity: .25; }
.good { fill: var(--line0); stroke: var(--line0); } .bad { fill: var(--line1); stroke: var(--line1); } .dead { fill: var(--paper); }
#frame { width: 50%; } .wide { overflow-x: auto; } .wide td, .wide th { white-space: nowrap; } table { border-collapse: collapse; font-size: 12px; } td, th { padding: 1px 6px; text-align: right; }
pre { overflow: auto; font-size: 12px; } code { overflow-wrap: anywhere; } .none, .key { opacity: .7; }
`;
