/** The style sheet of all pages: light and dark, no fonts or pictures from elsewhere. */
export const style = `
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --faint: #ccc; }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --paper: #181818; --faint: #444; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 960px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.4em; } h2 { font-size: 1.1em; }
.numbers { display: grid; grid-template-columns: repeat(auto-fill, minmax(210px, 1fr)); gap: .8em; }
.numbers b { display: block; font-size: 1.3em; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(400px, 1fr)); gap: 1em; }
svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: var(--ink); }
svg .title { font-weight: 600; font-size: 12px; } svg .y { text-anchor: end; dominant-baseline: middle; }
svg .x { text-anchor: middle; } svg .legend { text-anchor: end; fill: revert-layer; } svg .none { text-anchor: middle; opacity: .6; }
svg path { fill: none; stroke-width: 1.8; } svg .grid { stroke: var(--faint); stroke-width: .6; }
#net { border: 1px solid var(--faint); } #links { stroke: var(--ink); stroke-width: .5; opacity: .25; }
.good { fill: #0072b2; stroke: #0072b2; } .bad { fill: #d55e00; stroke: #d55e00; } .dead { fill: var(--paper); }
#frame { width: 50%; } table { border-collapse: collapse; font-size: 12px; } td, th { padding: 1px 6px; text-align: right; }
pre { overflow: auto; font-size: 12px; } code { overflow-wrap: anywhere; } .none, .key { opacity: .7; }
`;
